"""Reads pasted notes of an incident: `[02:14] …`, ISO times, shell prompts with their output, Markdown headings. Pure.

What comes out is shown to a person, who corrects it before it is kept. So a line that fits nothing is not dropped: it
belongs to the entry above it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, timezone

from remediation.tickets.timelines import Entry, Timeline

HALF_A_DAY = timedelta(hours=12)

_TIMED = re.compile(
    r"\s*(?:[-*+|]\s*)?(?:\*\*|`)?(?P<open>[\[(])?"
    r"(?:(?P<day>\d{4}-\d\d-\d\d)[T ])?(?P<clock>(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?)(?P<part>[.,]\d{1,9})?"
    r"\s?(?P<zone>Z\b|UTC\b|[+-]\d\d:?\d\d\b)?[\])]?(?:\*\*|`)?(?!:?\d)\s*(?:[-\u2013\u2014|:]+\s+)?(?P<rest>.*)",
)
_PROMPT = re.compile(
    r"\s*(?:\[?(?P<by>[a-z_][\w-]{0,31})@(?P<host>[\w][\w.-]{0,199})(?:[: ](?P<folder>[^\s#$\]]*))?\]?\s?[#$]|\$)"
    r"\s+(?P<command>\S.*)"
)
_ROOT_PROMPT = re.compile(r"\s*#\s+(?P<command>\S.*)")
_HEADING = re.compile(r"#{1,6}\s+(?P<name>\S.*)")
_LABEL = re.compile(
    r"\s*(?:[-*+]\s+)?(?:\*\*|__)?(?P<name>[A-Za-z][A-Za-z ]{3,11}?)(?:\*\*|__)?:(?:\*\*|__)?\s*(?P<rest>.*)"
)
_RAN = re.compile(r"(?:(?:ran|run|executed)(?:\s*:)?\s+)?`(?P<command>[^`]+)`[.:]?", re.IGNORECASE)
_FENCE = re.compile(r"\s*(?:```|~~~)(?:console|shell|bash|sh|text|log|terminal)?\s*")
_RULE = frozenset(" \t|:=-")

_SECTIONS = {
    "symptom": "symptom",
    "symptoms": "symptom",
    "impact": "symptom",
    "root cause": "root_cause",
    "cause": "root_cause",
    "timeline": "timeline",
}


def read(text: str, *, day: date) -> Timeline:
    """The timeline in a text; `day` is the day of clock times that name none. Every line is in it somewhere."""
    reader = _Reader(day)
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        reader.take(line.rstrip())
    return reader.timeline()


@dataclass
class _Open:
    """The entry that is being read."""

    at: datetime | None
    by: str = ""
    host: str = ""
    command: str = ""
    text: list[str] = field(default_factory=list)
    output: list[str] = field(default_factory=list)

    def closed(self) -> Entry:
        text, output = ("\n".join(lines).strip("\n") for lines in (self.text, self.output))
        return Entry(self.at, text, self.by, self.host, self.command, output)

    @property
    def is_empty(self) -> bool:
        return not (self.command or self.text or self.output)


class _Reader:
    """Goes through the lines once; knows the entry and the section it is in."""

    def __init__(self, day: date) -> None:
        self.day = day
        self.at: datetime | None = None
        self.section = "timeline"
        self.is_labelled = False
        self.is_fenced = False
        self.entry = _Open(None)
        self.entries: list[Entry] = []
        self.said: dict[str, list[str]] = {"symptom": [], "root_cause": []}

    def take(self, line: str) -> None:
        if _FENCE.fullmatch(line):
            self._fence()
        elif not line:
            self._blank()
        elif self.is_fenced or not (self._heading(line) or self._label(line) or self._is_rule(line)):
            self._moment(line)

    def timeline(self) -> Timeline:
        """Everything read; entries before the first time happened no later than that."""
        self._begin()
        first = next((entry.at for entry in self.entries if entry.at), None)
        entries = tuple(replace(entry, at=entry.at or first) for entry in self.entries)
        return Timeline(entries, *("\n".join(self.said[name]).strip() for name in ("symptom", "root_cause")))

    def _begin(self) -> None:
        """The next entry, at the time of the one before until a line says otherwise."""
        if not self.entry.is_empty:
            self.entries.append(self.entry.closed())
        self.entry = _Open(self.at)

    def _fence(self) -> None:
        """A fence holds together what a command said; nothing after it belongs to that."""
        if self.is_fenced and self.entry.command:
            self._begin()
        self.is_fenced = not self.is_fenced

    def _blank(self) -> None:
        """A blank line ends what a command said, unless a fence holds it together, and what a label began."""
        if self.is_fenced and self.entry.command:
            self.entry.output.append("")
        elif self.entry.command:
            self._begin()
        if self.is_labelled and self.said.get(self.section):
            self.section, self.is_labelled = "timeline", False

    def _heading(self, line: str) -> bool:
        found = _HEADING.fullmatch(line)
        if not found or self._is_output(line):
            return False
        self._begin()
        name = found["name"].rstrip("#: ")
        self.section, self.is_labelled = _SECTIONS.get(name.lower(), "timeline"), False
        if name.lower() not in _SECTIONS:
            self.entry.text.append(found["name"])
        return True

    def _label(self, line: str) -> bool:
        found = _LABEL.fullmatch(line)
        section = _SECTIONS.get(found["name"].lower()) if found else None
        if not found or not section:
            return False
        self._begin()
        self.section, self.is_labelled = section, True
        if found["rest"]:
            self._say(found["rest"])
        return True

    def _is_output(self, line: str) -> bool:
        """Whether a line that looks like a comment belongs to what a command said."""
        return bool(self.entry.command) and not line.startswith("##")

    def _is_rule(self, line: str) -> bool:
        """A line drawn under a title or through a table."""
        return not self.entry.command and "---" in line and _RULE.issuperset(line)

    def _moment(self, line: str) -> None:
        if self._timed(line) or self._ran(line):
            return
        self._say(line)

    def _timed(self, line: str) -> bool:
        found = _TIMED.fullmatch(line)
        at = self._time(found) if found and (found["open"] or not self.is_fenced) else None
        if not found or at is None:
            return False
        self.at, self.section = at, "timeline"
        self._begin()
        rest = found["rest"].removesuffix("|").rstrip()
        if rest and not self._ran(rest):
            self.entry.text.append(rest)
        return True

    def _time(self, found: re.Match[str]) -> datetime | None:
        """The moment; a clock that jumps back by half a day has passed midnight."""
        try:
            day = date.fromisoformat(found["day"]) if found["day"] else (self.at.date() if self.at else self.day)
            at = datetime.combine(day, time.fromisoformat(found["clock"]), tzinfo=_zone(found["zone"])).astimezone(UTC)
            passed = not found["day"] and self.at is not None and self.at - at > HALF_A_DAY
            return at + timedelta(days=1) if passed else at
        except (ValueError, OverflowError):
            return None

    def _ran(self, line: str) -> bool:
        """A command that was really run: after a prompt, or alone between backticks."""
        prompt = _PROMPT.fullmatch(line) or (_ROOT_PROMPT.fullmatch(line) if self.is_fenced else None)
        found = prompt or _RAN.fullmatch(line.strip())
        if not found:
            return False
        if self.entry.command or self.entry.output:
            self._begin()
        self.section = "timeline"
        who = found.groupdict()
        self.entry.command = found["command"]
        self.entry.by, self.entry.host = who.get("by") or "", who.get("host") or ""
        if (folder := who.get("folder") or "~") != "~":
            self.entry.text.append(f"in {folder}")
        return True

    def _say(self, line: str) -> None:
        if self.section != "timeline":
            self.said[self.section].append(line.strip())
        elif self.entry.command.endswith("\\"):
            self.entry.command += f"\n{line}"
        elif self.entry.command:
            self.entry.output.append(line)
        else:
            self.entry.text.append(line.strip())


def _zone(text: str | None) -> timezone:
    if not text or text in {"Z", "UTC"}:
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    return timezone((timedelta(hours=hours, minutes=minutes)) * (-1 if text[0] == "-" else 1))
