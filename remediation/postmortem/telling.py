"""What the sections of a postmortem are made of, as plain values: read from the record, worded by `composing`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened, or was decided: when, by whom, what, and the words that went with it."""

    at: datetime
    who: str
    what: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence, to the letter."""

    ref: str
    kind: str
    at: datetime
    command: str
    text: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing the drafter got wrong, as the record shows it: where it came to light, and what it was."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Cited:
    """A sentence and the evidence it cites."""

    text: str
    refs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Cause:
    """What the newest draft takes for the cause."""

    summary: str
    hypothesis: str
    facts: Sequence[Cited]
    guesses: Sequence[str]
    root_cause: str = ""
    symptom: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """Something that proves the fix, or shows that it did not hold; `lines` are its parts, one after the other."""

    title: str
    says: str
    lines: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """What people changed in one text of the draft, as a unified diff."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one person said afterwards: stars, and every answer that was given."""

    who: str
    at: datetime
    stars: int
    answers: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Action:
    """Something to be done, or done."""

    is_done: bool
    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that a postmortem is drafted from."""

    title: str
    facts: Sequence[tuple[str, str]]
    cause: Cause | None
    timeline: Sequence[Happened]
    evidence: Sequence[Piece]
    wrong: Sequence[Wrong]
    decisions: Sequence[Happened]
    proof: Sequence[Shown]
    differences: Sequence[Difference]
    opinions: Sequence[Opinion]
    actions: Sequence[Action]
