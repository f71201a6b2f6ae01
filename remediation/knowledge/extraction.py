"""Reads a runbook's parameters from a ticket's own words, and says where each was read. It makes up nothing. Pure.

Two different values for one parameter are a question for a person, and so is a value that stands nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from portal.kit.refusals import Reason, because
from remediation.connectors.operations import Family
from remediation.knowledge.procedures import FrontMatter, Kind, Parameter, Sign, ValueType, compiled

READ_AT_MOST = 200_000  # characters of one passage; a longer log is cut, never skipped
QUOTE_AT_MOST = 240

NOT_A_WISH = re.compile(
    r"(?:\b(?:not|never|cannot|without|may|might|could|maybe|perhaps|if|unless)|n't|n\u2019t)\s+(?:\w+\s+){0,2}$",
    re.IGNORECASE,
)

SHAPES: dict[ValueType, re.Pattern[str]] = {
    "name": re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}"),
    "path": re.compile(r"/[A-Za-z0-9._/@-]{0,199}"),
    "integer": re.compile(r"0|[1-9][0-9]{0,14}"),
}


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a ticket's text. `ref` is its name as evidence, null for the title, description and systems."""

    ref: str | None
    label: str
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class KnownTarget:
    """Something the estate knows, under the identity its operations declare; whether roles are applied to it."""

    identity: str
    family: Family
    plays_roles: bool = False

    @property
    def system(self) -> str:
        """The system that holds it: `lab-k8s` of `kubernetes:lab-k8s/payments/deployment/api`, or a host itself."""
        return self.identity.partition(":")[2].partition("/")[0]


@dataclass(frozen=True, slots=True)
class Found:
    """A value, the passages it was read from, and the line of the first."""

    text: str
    value: str | int
    sources: tuple[Passage, ...]
    quote: str

    @property
    def refs(self) -> tuple[str, ...]:
        """The evidence that can be cited for it."""
        return tuple(source.ref for source in self.sources if source.ref)

    @property
    def where(self) -> str:
        """Where it was read, for people: evidence first."""
        return ", ".join(self.refs) or self.sources[0].label


@dataclass(frozen=True, slots=True)
class Shown:
    """A sign that the evidence shows."""

    says: str
    refs: tuple[str, ...]
    quote: str


@dataclass(frozen=True, slots=True)
class Filled:
    """What was read for one runbook: values by parameter, and every reason why it is not complete."""

    values: dict[str, tuple[Found, ...]]
    problems: tuple[Reason, ...]
    left_out: tuple[str, ...]


def fill(front: FrontMatter, passages: Sequence[Passage], targets: Sequence[KnownTarget]) -> Filled:
    """Every parameter of the runbook in its order, as later patterns lean on earlier values; evidence is read first."""
    passages = sorted(passages, key=lambda passage: passage.ref is None)
    values: dict[str, tuple[Found, ...]] = {}
    problems: list[Reason] = []
    left_out: list[str] = []
    for parameter in front.parameters:
        found = _read(parameter, passages, targets, {name: each[0].text for name, each in values.items()})
        problem = _problem_with(parameter, found)
        if problem is None:
            values[parameter.name] = found
        elif parameter.is_optional:
            left_out.append(problem.text)
        else:
            problems.append(problem)
    return Filled(values, tuple(problems), tuple(left_out))


def shown(sign: Sign, passages: Iterable[Passage]) -> Shown | None:
    """The sign, if evidence that can be cited shows it."""
    hits = [(p, match) for p in passages if p.ref and _is_over(sign.kinds, p) and (match := _search(sign.pattern, p))]
    if not hits:
        return None
    refs = tuple(passage.ref for passage, _ in hits if passage.ref)
    return Shown(sign.says, refs, _line_around(*hits[0]))


def _read(
    parameter: Parameter, passages: Sequence[Passage], targets: Sequence[KnownTarget], values: dict[str, str]
) -> tuple[Found, ...]:
    """Every different value, in the order of reading."""
    found: dict[str, Found] = {}
    for text, passage, quote in _hits(parameter, passages, targets, values):
        if not SHAPES[parameter.type].fullmatch(text):
            continue
        first = found.get(text) or Found(text, int(text) if parameter.type == "integer" else text, (), quote)
        if passage not in first.sources:
            found[text] = Found(text, first.value, (*first.sources, passage), first.quote)
    return tuple(found.values())


def _hits(
    parameter: Parameter, passages: Sequence[Passage], targets: Sequence[KnownTarget], values: dict[str, str]
) -> Iterable[tuple[str, Passage, str]]:
    names = "|".join(sorted({re.escape(t.system) for t in targets if t.family == parameter.known}))
    known = re.compile(rf"(?<![\w.-])({names})(?![\w-]|\.\w)") if names else None
    readable = [find for find in parameter.find if find.leans_on <= values.keys()]
    ways: list[tuple[Any, Sequence[Kind], bool]] = [(known, (), False)] if known else []
    ways += [(compiled(find.pattern, values), find.kinds, find.is_wish) for find in readable]
    for passage in passages:
        for pattern, kinds, is_wish in ways:
            if not _is_over(kinds, passage):
                continue
            for match in pattern.finditer(passage.text[:READ_AT_MOST]):
                if not (is_wish and NOT_A_WISH.search(passage.text[: match.start()][-60:])):
                    yield match[1] or "", passage, _line_around(passage, match.span(1))


def _problem_with(parameter: Parameter, found: tuple[Found, ...]) -> Reason | None:
    if not found:
        return because("not_in_evidence", f"The evidence does not say {parameter.says}.", parameter.name)
    if len(found) > 1 and not parameter.is_many:
        claims = " and ".join(f"{each.text} ({each.where})" for each in found[:4])
        return because("ambiguous", f"The evidence disagrees on {parameter.says}: {claims}.", parameter.name)
    if low := next((each for each in found if _is_below(parameter.at_least, each)), None):
        text = f"The evidence says {parameter.says}: {low.text} ({low.where}). A person has to want that."
        return because("too_low", text, parameter.name)
    return None


def _is_below(least: int | None, found: Found) -> bool:
    return least is not None and isinstance(found.value, int) and found.value < least


def _is_over(kinds: Sequence[Kind], passage: Passage) -> bool:
    return not kinds or passage.kind in kinds


def _search(pattern: str, passage: Passage) -> tuple[int, int] | None:
    match = compiled(pattern, {}).search(passage.text[:READ_AT_MOST])
    return match.span() if match else None


def _line_around(passage: Passage, span: tuple[int, int]) -> str:
    start = passage.text.rfind("\n", 0, span[0]) + 1
    end = passage.text.find("\n", span[0])
    line = passage.text[start : end if end >= 0 else None].strip()
    return line if len(line) <= QUOTE_AT_MOST else f"{line[: QUOTE_AT_MOST - 1]}…"
