"""The draft of a postmortem as Markdown. The same record gives the same text, to the letter. Pure.

What people and programs wrote is quoted, never trusted: in prose every sign with a meaning in Markdown is escaped,
output and commands stand in fences that they cannot end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from remediation.postmortem.telling import Action, Cause, Difference, Happened, Opinion, Piece, Record, Shown, Wrong

MOST_LINES, LONGEST_LINE = 40, 500
"""Of one piece of evidence; the ticket has the rest."""
MOST_OF_A_DIFFERENCE = 400
"""Lines."""
LONGEST_SECTION = 60_000
"""Characters. Nobody reads more, and every page that shows it has to be made."""
_SIGNS = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
_LEADING = re.compile(r"^(\d*)([-+=.)])")
_WEB = re.compile(r"https?://[^\s<>]+")
_TICKS = re.compile(r"`+")


def text_of(record: Record) -> str:
    """The whole postmortem."""
    sections = {
        "Summary": _summary(record),
        "Timeline": _happened(record.timeline, "Nothing was written down."),
        "Evidence": _evidence(record.evidence),
        "Hypothesis": _hypothesis(record.cause),
        "What the AI got wrong": _wrong(record.wrong),
        "Decisions": _happened(record.decisions, "Nobody decided anything."),
        "Proof": _proof(record.proof),
        "What people changed": _differences(record.differences),
        "Feedback": _feedback(record.opinions),
        "Action items": _actions(record.actions),
    }
    parts = [
        f"# {inline(record.title)}",
        *("\n".join([f"## {title}", "", *_within(said)]).rstrip() for title, said in sections.items()),
    ]
    return "\n\n".join(parts) + "\n"


def inline(text: str) -> str:
    """Text as one line of prose, in which no sign means anything to Markdown."""
    escaped = _SIGNS.sub(r"\\\1", " ".join(text.split()))
    return _LEADING.sub(r"\1\\\2", escaped)


def code(text: str) -> str:
    """Text as code in a line."""
    fence = _fence(text, at_least=1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{' '.join(text.split())}{pad}{fence}"


def block(text: str, language: str = "text") -> str:
    """Text as a block of code, however many backticks it has itself."""
    fence = _fence(text, at_least=3)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def moment(at: datetime) -> str:
    """A time as everybody reads it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _fence(text: str, *, at_least: int) -> str:
    longest = max((len(run) for run in _TICKS.findall(text)), default=0)
    return "`" * max(at_least, longest + 1)


def _link(address: str) -> str:
    """An address that a browser may follow as a link, any other as code."""
    return f"<{address}>" if _WEB.fullmatch(address) else code(address)


def _within(parts: Iterable[str]) -> Iterator[str]:
    """As much of a section as anybody reads; how much is left out is said."""
    left, left_out = LONGEST_SECTION, 0
    for part in parts:
        left -= len(part)
        left_out += left < 0
        if left >= 0:
            yield part
    if left_out:
        yield f"\n… {left_out} more; the ticket has them all."


def _summary(record: Record) -> Iterator[str]:
    if record.cause:
        yield f"{inline(record.cause.summary)}\n"
        if record.cause.root_cause:
            yield f"**Root cause:** {inline(record.cause.root_cause)}\n"
    for term, value in record.facts:
        yield f"- **{term}:** {inline(value)}"


def _happened(moments: Sequence[Happened], nothing: str) -> Iterator[str]:
    if not moments:
        yield nothing
    for each in moments:
        said = f": {inline(each.said)}" if each.said else ""
        yield f"- {moment(each.at)} **{inline(each.who)}** {inline(each.what)}{said}"


def _evidence(pieces: Sequence[Piece]) -> Iterator[str]:
    if not pieces:
        yield "None was given."
    for piece in pieces:
        shown = f"$ {piece.command}\n{piece.text}" if piece.command else piece.text
        told = f"**{piece.ref}**, {inline(piece.kind.lower())}, {moment(piece.at)}"
        yield f"{told}\n\n{block(_shortened(shown, MOST_LINES))}\n"


def _shortened(text: str, most: int) -> str:
    lines = text.splitlines()
    left_out = len(lines) - most
    shown = [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} …" for line in lines[:most]]
    return "\n".join([*shown, *([f"… {left_out} more lines"] if left_out > 0 else [])])


def _hypothesis(cause: Cause | None) -> Iterator[str]:
    if cause is None:
        yield "There was none."
        return
    yield f"{inline(cause.hypothesis)}\n"
    if cause.symptom:
        yield f"**Symptom:** {inline(cause.symptom)}\n"
    yield "Facts:\n"
    for fact in cause.facts:
        yield f"- {inline(fact.text)} ({', '.join(fact.refs)})"
    if cause.guesses:
        yield "\nGuesses:\n"
        yield from (f"- {inline(guess)}" for guess in cause.guesses)


def _wrong(wrong: Sequence[Wrong]) -> Iterator[str]:
    if not wrong:
        yield "Nothing that the record shows: no gate failed, nobody edited or objected, nothing was taken back."
    for each in wrong:
        yield f"- **{inline(each.where)}:** {inline(each.what)}"


def _proof(proof: Sequence[Shown]) -> Iterator[str]:
    if not proof:
        yield "There is none: nothing was run."
    for each in proof:
        yield f"**{inline(each.title)}.** {inline(each.says)}\n"
        if each.lines:
            yield "\n".join(f"- {inline(line)}" for line in each.lines) + "\n"


def _differences(differences: Sequence[Difference]) -> Iterator[str]:
    if not differences:
        yield "Nothing: what was signed is what was drafted."
    for each in differences:
        yield f"{code(each.path)}\n\n{block(_shortened(each.text, MOST_OF_A_DIFFERENCE), 'diff')}\n"


def _feedback(opinions: Sequence[Opinion]) -> Iterator[str]:
    if not opinions:
        yield "Nobody has said how it went."
    for each in opinions:
        yield f"- **{inline(each.who)}**, {moment(each.at)}: {each.stars} of 5 stars"
        yield from (f"    - {term}: {inline(answer)}" for term, answer in each.answers)


def _actions(actions: Iterable[Action]) -> Iterator[str]:
    for each in actions:
        link = f" {_link(each.link)}" if each.link else ""
        yield f"- [{'x' if each.is_done else ' '}] {inline(each.text)}{link}"
