"""The difference of two texts as rows of escaped HTML, with syntax colours and the changed words marked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from itertools import accumulate
from typing import Literal

from django.utils.safestring import SafeString

from portal.kit import highlight
from portal.kit.highlight import Span, Token

Kind = Literal["same", "added", "removed", "gap"]
Opcode = tuple[str, int, int, int, int]

_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_ALIKE = 0.5  # lines less alike than this are two different lines, not an edit of one
_MOST_COMPARISONS = 400  # pairing lines is quadratic; a larger block shows no changed words
_MOST_CHARACTERS = 4_000_000  # compared with each other while lines are paired; more show no changed words either
_MOST_WORK = 2_000_000  # lines or words tried while two texts are compared: about a second, whatever they say


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a diff: its numbers (from 1) in either text, its exact text with the line end, and its HTML.

    A gap stands for `skipped` unchanged lines. `flagged` marks lines that ask for a reviewer, `unfinished` a last line
    without a line end.
    """

    kind: Kind
    old: int | None
    new: int | None
    text: str
    html: SafeString
    skipped: int = 0

    @property
    def flagged(self) -> bool:
        """Whether the line carries a REVIEW comment."""
        return self.kind != "removed" and "# REVIEW" in self.text

    @property
    def unfinished(self) -> bool:
        """Whether a changed line lacks its line end, which would otherwise be invisible."""
        return self.kind in ("added", "removed") and not self.text.endswith("\n")


@dataclass(frozen=True, slots=True)
class Diff:
    """All rows, and how many lines were added and removed."""

    rows: tuple[Row, ...]
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two texts: its lines with their ends, and the tokens of each line."""

    lines: list[str]
    tokens: list[list[Token]]


class _Matcher(SequenceMatcher[str]):
    """Compares two sequences in a time that no text can stretch.

    What stands in both very often is no anchor, though it may be found equal next to one. What is not compared when the
    work is used up counts as different.
    """

    def __init__(self, old: Sequence[str], new: Sequence[str], *, work: int = _MOST_WORK) -> None:
        common = _common(old, new, most=work // 20)
        super().__init__(common.__contains__, old, new, autojunk=False)
        others = Counter(each for each in new if each not in common)
        self._tries = [0, *accumulate(1 + others[each] for each in old)]
        self._left = work

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        """Nothing, where looking would take more than what is left."""
        self._left -= self._tries[-1 if ahi is None else ahi] - self._tries[alo]
        return Match(alo, blo, 0) if self._left < 0 else super().find_longest_match(alo, ahi, blo, bhi)


def _common(old: Sequence[str], new: Sequence[str], *, most: int) -> set[str]:
    """What stands in both so often that trying each with each would be more than `most`."""
    counts, others = Counter(old), Counter(new)
    tries = {each: counts[each] * others[each] for each in counts if each in others}
    left, common = sum(tries.values()), set()
    for each in sorted(tries, key=lambda each: -tries[each]):
        if left <= most:
            break
        common.add(each)
        left -= tries[each]
    return common


def diff_of(old: str, new: str, *, path: str = "", context: int | None = 3) -> Diff:
    """Compare two texts; `path` chooses the syntax, `context` the unchanged lines around a change (None: all)."""
    before, after = _side(old, path), _side(new, path)
    rows = tuple(_rows(before, after, context))
    return Diff(rows, sum(r.kind == "added" for r in rows), sum(r.kind == "removed" for r in rows))


def unified(old: str, new: str) -> str:
    """The same as a unified diff of plain text, without a header: nobody has files of these names."""
    before, after = old.splitlines(), new.splitlines()
    return "\n".join(_unified(before, after))


def _unified(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    for group in _Matcher(before, after).get_grouped_opcodes(3):
        first, last = group[0], group[-1]
        yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@"
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                yield from (f" {line}" for line in before[old_from:old_to])
                continue
            yield from (f"-{line}" for line in before[old_from:old_to])
            yield from (f"+{line}" for line in after[new_from:new_to])


def _range(start: int, end: int) -> str:
    """Lines as a unified diff counts them: from 1, without a number where it is one line."""
    if end - start == 1:
        return str(start + 1)
    return f"{start + (end > start)},{end - start}"


def _side(text: str, path: str) -> _Side:
    return _Side(highlight.lines_of(text), highlight.tokens_of(text, path))


def _rows(before: _Side, after: _Side, context: int | None) -> Iterator[Row]:
    matcher = _Matcher(before.lines, after.lines)
    if context is None:
        for opcode in matcher.get_opcodes():
            yield from _block(opcode, before, after)
        return
    shown = 0
    for group in matcher.get_grouped_opcodes(context):
        yield from _gap(group[0][3] - shown)
        for change in group:
            yield from _block(change, before, after)
        shown = group[-1][4]
    yield from _gap(len(after.lines) - shown)


def _gap(count: int) -> Iterator[Row]:
    if count > 0:
        yield Row("gap", None, None, "", SafeString(), skipped=count)


def _block(opcode: Opcode, before: _Side, after: _Side) -> Iterator[Row]:
    tag, old_from, old_to, new_from, new_to = opcode
    if tag == "equal":
        for old, new in zip(range(old_from, old_to), range(new_from, new_to), strict=True):
            yield Row("same", old + 1, new + 1, after.lines[new], highlight.html_of(after.tokens[new]))
        return
    removed, added = _marks(before.lines[old_from:old_to], after.lines[new_from:new_to])
    for at, old in enumerate(range(old_from, old_to)):
        html = highlight.html_of(before.tokens[old], removed.get(at, ()))
        yield Row("removed", old + 1, None, before.lines[old], html)
    for at, new in enumerate(range(new_from, new_to)):
        html = highlight.html_of(after.tokens[new], added.get(at, ()))
        yield Row("added", None, new + 1, after.lines[new], html)


def _marks(old: Sequence[str], new: Sequence[str]) -> tuple[dict[int, list[Span]], dict[int, list[Span]]]:
    """The changed words of every line that was edited rather than replaced, by its index in either block."""
    removed: dict[int, list[Span]] = {}
    added: dict[int, list[Span]] = {}
    for one, other in _pairs(old, new):
        removed[one], added[other] = _changed_words(old[one], new[other])
    return removed, added


def _pairs(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Which removed line became which added line: for each, the most alike that is still free."""
    characters = sum(map(len, old)) * sum(map(len, new))
    if len(old) * len(new) > _MOST_COMPARISONS or characters > _MOST_CHARACTERS:
        return []
    work = 4 * _MOST_WORK // max(1, len(old) * len(new))
    free = set(range(len(new)))
    pairs = []
    for index, line in enumerate(old):
        ratios = {other: _Matcher(line, new[other], work=work).ratio() for other in sorted(free)}
        best = max(ratios, key=lambda other: ratios[other], default=None)
        if best is not None and ratios[best] > _ALIKE:
            free.remove(best)
            pairs.append((index, best))
    return pairs


def _changed_words(old: str, new: str) -> tuple[list[Span], list[Span]]:
    """The character ranges that differ, in the old line and in the new one."""
    old_words, new_words = _WORD.findall(old), _WORD.findall(new)
    matcher = _Matcher(old_words, new_words)
    old_at, new_at = _places(old_words), _places(new_words)
    changes = [opcode for opcode in matcher.get_opcodes() if opcode[0] != "equal"]
    return (
        [(old_at[a], old_at[b]) for _, a, b, _, _ in changes if b > a],
        [(new_at[a], new_at[b]) for _, _, _, a, b in changes if b > a],
    )


def _places(words: Sequence[str]) -> Mapping[int, int]:
    """Where in the line each word begins, by its index; the last entry is the line's length."""
    places = {0: 0}
    for index, word in enumerate(words):
        places[index + 1] = places[index] + len(word)
    return places
