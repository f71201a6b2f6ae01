"""Whether a watched signal could ever be asked: rules about its fields, and those of rooms that know more. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

LONGEST_QUERY = 2_000
PAIRS = {")": "(", "]": "[", "}": "{"}
QUOTES = frozenset("\"'`")
OF_A_PROBE = ("connector", "tool", "field")


class Signal(Protocol):
    """What the rules look at."""

    kind: str
    query: str
    connector: str
    tool: str
    arguments: Any
    field: str


Problem = tuple[str, str]
"""The field, and what is wrong with it in a sentence."""
Rule = Callable[[Signal], Iterator[Problem]]
_RULES: list[Rule] = []


def register(rule: Rule) -> None:
    """Have a rule of another room asked as well, for instance whether there is such a connector."""
    _RULES.append(rule)


def problems(signal: Signal) -> dict[str, list[str]]:
    """Everything that is wrong with a signal, by field; the other rooms are asked only about what is whole."""
    own = list(_of_prometheus(signal) if signal.kind == "prometheus" else _of_probe(signal))
    found: dict[str, list[str]] = {}
    for name, text in own or (problem for rule in _RULES for problem in rule(signal)):
        found.setdefault(name, []).append(text)
    return found


def _of_prometheus(signal: Signal) -> Iterator[Problem]:
    if not signal.query.strip():
        yield "query", "Write the query that answers with the number."
    elif len(signal.query) > LONGEST_QUERY:
        yield "query", f"A query has at most {LONGEST_QUERY} characters."
    elif problem := _unbalanced(signal.query):
        yield "query", problem
    for name in OF_A_PROBE:
        if getattr(signal, name):
            yield name, "Leave it empty: this signal is a query."
    if signal.arguments:
        yield "arguments", "Leave it empty: this signal is a query."


def _of_probe(signal: Signal) -> Iterator[Problem]:
    if signal.query:
        yield "query", "Leave it empty: this signal is a verify probe."
    for name in OF_A_PROBE:
        if not getattr(signal, name):
            yield name, f"A verify probe needs its {name}."
    if not isinstance(signal.arguments, Mapping) or not all(
        isinstance(value, str | int | bool) for value in signal.arguments.values()
    ):
        yield "arguments", 'Write names with texts, whole numbers or true and false, such as {"cluster": "eu-1"}.'


def _unbalanced(query: str) -> str:
    """What of brackets and quotes does not match; Prometheus itself says the rest when it is asked."""
    opened: list[str] = []
    quote, is_escaped = "", False
    for character in query:
        if quote:
            is_closed = character == quote and not is_escaped
            is_escaped = character == "\\" and not is_escaped and quote != "`"
            quote = "" if is_closed else quote
        elif character in QUOTES:
            quote = character
        elif character in PAIRS.values():
            opened.append(character)
        elif character in PAIRS and (not opened or opened.pop() != PAIRS[character]):
            return f"A {character} closes nothing."
    if quote:
        return f"A text that begins with {quote} does not end."
    return f"A {opened[-1]} is not closed." if opened else ""
