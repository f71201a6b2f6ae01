"""Takes secrets and personal data out of text before it leaves for a model, a log or another system.

Fails closed: whoever calls gets the redacted text or RedactionFailed, never the text as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import re2

from portal.kit.redaction_rules import RULES, Rule

MAX_PASSES = 8
SHORTEST_KNOWN = 6
PLACEHOLDER = re2.compile(r"\[redacted:[a-z0-9-]+\]")


def _every_rule() -> Any:
    options = re2.Options()
    options.max_mem = 64 << 20  # of the compiled set; what it needs grows with the patterns, not with the text
    options.log_errors = False
    every = re2.Set.SearchSet(options)
    for rule in RULES:
        every.Add(rule.pattern.pattern)
    every.Add("")
    every.Compile()
    return every


_EVERY_RULE, _ANYTHING = _every_rule(), len(RULES)


class RedactionFailed(Exception):
    """The text could not be redacted, so it may not leave."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """Text without what the rules found, and how often each rule did."""

    text: str
    findings: tuple[tuple[str, int], ...]


def redact(text: str, *, known: Collection[str] = ()) -> Redacted:
    """The text with every finding replaced by `[redacted:rule]`. Redacting the result again changes nothing.

    `known` are secrets of the product itself that this process holds; they are found wherever they appear.
    """
    found: Counter[str] = Counter()
    try:
        redacted = _until_stable(text, known, found)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, no traceback may carry the text
        raise RedactionFailed(type(error).__name__) from None
    return Redacted(redacted, tuple(sorted(found.items())))


class _Marks:
    """Keeps placeholders out of the rules' sight: while they work, three noncharacters of Unicode stand for each."""

    FIRST, BASE = 0xFDD0, 16
    MARK = re2.compile("\ufdd0[\ufdd1-\ufde0]{2}")
    ONLY = re2.compile("[\"']?(?:\ufdd0[\ufdd1-\ufde0]{2})+[\"']?")
    STRAY = re2.compile("[\ufdd0-\ufdef]")

    def __init__(self) -> None:
        self.placeholders: list[str] = []

    def of(self, placeholder: str) -> str:
        if placeholder not in self.placeholders:
            self.placeholders.append(placeholder)
        high, low = divmod(self.placeholders.index(placeholder), self.BASE)
        if high >= self.BASE:
            raise RedactionFailed("too many kinds of placeholder")
        return "".join(chr(self.FIRST + digit) for digit in (0, 1 + high, 1 + low))

    def hide(self, text: str) -> str:
        clean = self.STRAY.sub("\ufffd", text)
        hidden: str = PLACEHOLDER.sub(lambda match: self.of(match.group()), clean)
        return hidden

    def show(self, text: str) -> str:
        shown: str = self.MARK.sub(lambda match: self._placeholder(match.group()), text)
        return shown

    def _placeholder(self, mark: str) -> str:
        high, low = (ord(character) - self.FIRST - 1 for character in mark[1:])
        return self.placeholders[high * self.BASE + low]


def _until_stable(text: str, known: Collection[str], found: Counter[str]) -> str:
    marks = _Marks()
    hidden = marks.hide(text)
    for _ in range(MAX_PASSES):
        before = hidden
        hidden = _without_known(hidden, known, marks, found)
        for rule in _suspicions(hidden):
            hidden = _apply(rule, hidden, marks, found)
        if hidden == before:
            return marks.show(hidden)
    raise RedactionFailed("no end of findings")


def _suspicions(text: str) -> Sequence[Rule]:
    """The rules that may find something, in their order: all are looked for in one pass, and most texts hold nothing.

    What one rule takes out can let another one find something; that is for the next pass, as there is always one.
    """
    matched = frozenset(_EVERY_RULE.Match(text))
    if _ANYTHING not in matched:
        return RULES  # the pass came to no end: a text without a match is told from that by what matches every text
    return [rule for number, rule in enumerate(RULES) if number in matched]


def _apply(rule: Rule, text: str, marks: _Marks, found: Counter[str]) -> str:
    pieces, done = [], 0
    for match in rule.pattern.finditer(text):
        start, end = match.span(1)
        secret = text[start:end]
        if start < done or marks.ONLY.fullmatch(secret) or not rule.holds(secret):
            continue
        pieces += [text[done:start], _in_quotes_of(secret, marks.of(f"[redacted:{rule.name}]"))]
        done = end
        found[rule.name] += 1
    return "".join(pieces) + text[done:] if pieces else text


def _in_quotes_of(secret: str, mark: str) -> str:
    """Quotes around a secret stay, so that quoted text stays readable."""
    is_quoted = len(secret) > 1 and secret[0] == secret[-1] and secret[0] in "\"'"
    return f"{secret[0]}{mark}{secret[0]}" if is_quoted else mark


def _without_known(text: str, known: Collection[str], marks: _Marks, found: Counter[str]) -> str:
    mark = marks.of("[redacted:known-secret]")
    for secret in sorted(known, key=len, reverse=True):
        if len(secret) >= SHORTEST_KNOWN and secret in text:
            found["known-secret"] += text.count(secret)
            text = text.replace(secret, mark)
    return text
