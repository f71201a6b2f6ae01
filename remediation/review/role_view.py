"""The role of a draft as its reviewers see it: every file with what was found, marked and said at its lines. Pure.

Each file stands beside its differences: against what the drafter wrote, and against the role of that name on the main
branch of the role repository.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from django.utils.safestring import SafeString

from portal.kit import highlight
from portal.kit.diff import Diff, diff_of
from remediation.drafting import roles
from remediation.drafting.schema import RolePart

BACK_OUT = "tasks/backout.yml"
FIRST = ("tasks/main.yml", BACK_OUT, "tasks/verify.yml", "handlers/main.yml", "defaults/main.yml")
"""The order in which people read them; every other file follows by its path."""
_FOUND = re.compile(r"role/(?P<file>.+):(?P<line>\d+)")
_SAID = re.compile(r"(?P<file>.+) line (?P<line>\d+)")

MOST_COLOURED = 60_000
"""Characters."""
At = tuple[str, int]
"""A file and a line."""


@dataclass(frozen=True, slots=True)
class Note:
    """What stands below a line: the finding of a gate with its mend, an item to confirm, or what somebody said."""

    kind: str
    who: str
    text: str
    mend: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file, with what stands below it."""

    number: int
    html: SafeString
    notes: Sequence[Note]

    @property
    def is_flagged(self) -> bool:
        """Whether a reviewer has to confirm something here."""
        return any(note.kind == "item" for note in self.notes)


@dataclass(frozen=True, slots=True)
class FileView:
    """One file; a difference is None where there is nothing to compare with, or nothing differs."""

    path: str
    lines: Sequence[Line]
    against_draft: Diff | None
    against_merged: Diff | None

    @property
    def anchor(self) -> str:
        """Where it stands on the page."""
        return f"file-{self.path}"

    @property
    def findings(self) -> int:
        """How many things gates found in it."""
        return sum(note.kind == "finding" for line in self.lines for note in line.notes)


@dataclass(frozen=True, slots=True)
class RoleView:
    """A whole role. `gone` are files of the drafter's that it no longer has; `is_merged`: the repository knows it."""

    name: str
    digest: str
    root_cause: str
    symptom: str
    files: Sequence[FileView]
    gone: Sequence[str]
    is_merged: bool
    has_back_out: bool

    @property
    def pair(self) -> Sequence[FileView]:
        """What is done, and beside it how it is taken back."""
        return [each for each in self.files if each.path in FIRST[:2]]

    @property
    def others(self) -> Sequence[FileView]:
        """Every other file."""
        return [each for each in self.files if each.path not in FIRST[:2]]


@dataclass(frozen=True)
class Notes:
    """What is known of lines, gathered from wherever it comes."""

    _by_line: dict[At, list[Note]] = field(default_factory=lambda: defaultdict(list))

    def find(self, place: str, text: str, mend: str) -> None:
        """The finding of a gate, where its place is a line of the role."""
        if match := _FOUND.fullmatch(place):
            self._by_line[match["file"], int(match["line"])].append(Note("finding", "", text, mend))

    def confirm(self, file: str, line: int, text: str, *, by: str) -> None:
        """An item of the checklist, and who confirmed it."""
        self._by_line[file, line].append(Note("item", by, text))

    def say(
        self, place: str, who: str, text: str, at: datetime, *, lines: Mapping[str, Sequence[str]], quote: str
    ) -> bool:
        """What somebody said of a line; False where the role no longer has a line that says what it said."""
        match = _SAID.fullmatch(place)
        number = nearest(lines.get(match["file"], ()), int(match["line"]), quote) if match else 0
        if match is None or not number:
            return False
        self._by_line[match["file"], number].append(Note("said", who, text, at=at))
        return True

    def at(self, file: str, line: int) -> Sequence[Note]:
        """What stands below a line."""
        return self._by_line.get((file, line), ())


def nearest(lines: Sequence[str], number: int, quote: str) -> int:
    """The number of the line nearest to `number` that says `quote`; 0 where none does."""
    same = [at for at, line in enumerate(lines, start=1) if line.strip() == quote]
    return min(same, key=lambda at: abs(at - number), default=0)


def of(part: RolePart, notes: Notes, *, first: Mapping[str, str], merged: Mapping[str, str]) -> RoleView:
    """The view of a role; `first` are the files as the drafter wrote them, `merged` those in the repository."""
    files = {file.path: file.text for file in part.files}
    return RoleView(
        name=part.name,
        digest=roles.digest_of(part.name, files),
        root_cause=part.root_cause,
        symptom=part.symptom,
        files=[_file(path, files[path], notes, first, merged) for path in in_order(files)],
        gone=sorted(first.keys() - files.keys()),
        is_merged=bool(merged),
        has_back_out=BACK_OUT in files,
    )


def in_order(paths: Iterable[str]) -> list[str]:
    """Paths as people read them."""
    return sorted(paths, key=lambda path: (FIRST.index(path) if path in FIRST else len(FIRST), path))


def _file(path: str, text: str, notes: Notes, first: Mapping[str, str], merged: Mapping[str, str]) -> FileView:
    return FileView(
        path,
        [Line(number, html, notes.at(path, number)) for number, html in enumerate(_coloured(path, text), start=1)],
        _difference(first, path, text),
        _difference(merged, path, text),
    )


def _difference(before: Mapping[str, str], path: str, text: str) -> Diff | None:
    """What differs from another version of the role; a file that it does not have is all new."""
    old = before.get(path, "")
    return _compared(old, text, path) if before and old != text else None


# A page is looked at again and again while it is reviewed, and a text never changes.


@lru_cache(maxsize=64)
def _coloured(path: str, text: str) -> tuple[SafeString, ...]:
    """The lines as HTML; those of a very long file have no colours, which would take longer than anybody waits."""
    syntax = path if len(text) <= MOST_COLOURED else ""
    return tuple(highlight.html_of(line) for line in highlight.tokens_of(text, syntax))


@lru_cache(maxsize=64)
def _compared(old: str, new: str, path: str) -> Diff:
    return diff_of(old, new, path=path if len(old) + len(new) <= MOST_COLOURED else "")
