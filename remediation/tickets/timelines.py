"""The timeline of an incident: what happened when, which commands were really run, and the cause in the end. Pure.

It is kept as canonical text, and every entry becomes evidence, so that a draft can cite it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from portal.kit import canonical
from portal.kit.redaction import redact
from portal.kit.refusals import Reason, because
from portal.kit.visible import is_blank

VERSION = "countersign.timeline/1"
ENTRIES_AT_MOST = 100
BYTES_AT_MOST = 64 * 1024
"""Of one text; what a piece of evidence may hold."""
NAME_AT_MOST = 200
COMMAND_AT_MOST = 4_096
SENTENCE_AT_MOST = 2_000
SAID = ("text", "by", "host", "command", "output")
"""Everything an entry says but its time."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One moment: who saw or did what on which host, the command that was run, if any, and what it said.

    `at` is None only as long as a person has not said it yet.
    """

    at: datetime | None
    text: str = ""
    by: str = ""
    host: str = ""
    command: str = ""
    output: str = ""

    @property
    def words(self) -> str:
        """Everything but time and command, as evidence has it: who and where first, then what, then the output."""
        about = [f"{name}: {value}" for name, value in (("by", self.by), ("host", self.host)) if value]
        return "\n".join([*about, *(part for part in (self.text, self.output) if part)])


@dataclass(frozen=True, slots=True)
class Timeline:
    """What happened, in the order it was told, with what was wrong (`symptom`) and why (`root_cause`)."""

    entries: tuple[Entry, ...] = ()
    symptom: str = ""
    root_cause: str = ""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host on which something was seen or done, once, in order."""
        return tuple(dict.fromkeys(entry.host for entry in self.entries if entry.host))

    @property
    def summary(self) -> str:
        """Symptom and cause in words; empty where neither was told."""
        told = (("Symptom", self.symptom), ("Root cause", self.root_cause))
        return "\n".join(f"{name}: {text}" for name, text in told if text)


def text_of(timeline: Timeline) -> str:
    """The canonical text of a timeline without open times."""
    data = asdict(timeline)
    for entry in data["entries"]:
        entry["at"] = entry["at"].isoformat()
    return canonical.text_of(data, version=VERSION)


def from_text(text: str) -> Timeline:
    """The timeline behind its canonical text."""
    data = canonical.parse(text, version=VERSION)
    entries = tuple(_entry(each) for each in data.pop("entries"))
    return Timeline(entries=entries, **data)


@dataclass(frozen=True, slots=True)
class Piece:
    """What an entry is as evidence."""

    kind: Literal["command", "timeline", "note"]
    text: str
    at: datetime
    command: str = ""


def pieces_of(timeline: Timeline) -> list[Piece]:
    """Every entry as evidence: with a command it is what the command said; last what was found out in the end."""
    pieces = [
        Piece("command" if entry.command else "timeline", entry.words, entry.at, entry.command)
        for entry in timeline.entries
        if entry.at
    ]
    if timeline.summary and pieces:
        pieces.append(Piece("note", timeline.summary, max(piece.at for piece in pieces)))
    return pieces


def without_secrets(timeline: Timeline) -> Timeline:
    """The timeline with every secret taken out, as it is kept; raises RedactionFailed."""
    entries = tuple(replace(entry, **_redacted(entry, SAID)) for entry in timeline.entries)
    return replace(timeline, entries=entries, **_redacted(timeline, ("symptom", "root_cause")))


def problems_of(timeline: Timeline) -> Iterator[Reason]:
    """Every reason why a timeline cannot be kept, each with its place."""
    if not timeline.entries:
        yield because("empty", "A timeline has at least one entry.", "entries")
    if len(timeline.entries) > ENTRIES_AT_MOST:
        yield because("too_long", f"A timeline has at most {ENTRIES_AT_MOST} entries.", "entries")
    for name, sentence in (("symptom", timeline.symptom), ("root_cause", timeline.root_cause)):
        if len(sentence) > SENTENCE_AT_MOST:
            yield because("too_long", f"At most {SENTENCE_AT_MOST:,} characters.", name)
    for number, entry in enumerate(timeline.entries):
        for name, text in _problems_with(entry):
            yield because("invalid", text, f"entries[{number}].{name}")


def _problems_with(entry: Entry) -> Iterator[tuple[str, str]]:
    if entry.at is None:
        yield "at", "Say when this was."
    if is_blank(entry.text) and is_blank(entry.command):
        yield "text", "Say what happened, or which command was run."
    if entry.output and not entry.command:
        yield "command", "Say which command this is the output of."
    if len(entry.command) > COMMAND_AT_MOST:
        yield "command", f"At most {COMMAND_AT_MOST:,} characters."
    if max(len(entry.by), len(entry.host)) > NAME_AT_MOST:
        yield "host", f"Names have at most {NAME_AT_MOST} characters."
    if len(entry.words.encode()) > BYTES_AT_MOST:
        yield "output", f"Text and output have at most {BYTES_AT_MOST:,} bytes together."


def _redacted(told: Entry | Timeline, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: redact(getattr(told, name)).text for name in names}


def _entry(data: dict[str, Any]) -> Entry:
    return Entry(**data | {"at": datetime.fromisoformat(data["at"])})
