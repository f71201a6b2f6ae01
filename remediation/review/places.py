"""The places of a draft that a reviewer can comment on: parts of its steps, lines of its text and of its role. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from remediation.drafting import schema
from remediation.drafting.models import Revision
from remediation.review import draft_text

PARTS = ("pre-flight", "action", "verify", "rollback", "blast radius")


def lines_of(revision: Revision) -> list[str]:
    """The lines of a draft's text as people read it; the files of a role have lines of their own."""
    return draft_text.without_files(schema.from_text(revision.content)).splitlines()


def files_of(revision: Revision) -> Mapping[str, list[str]]:
    """The lines of every file of the draft's role, by its path."""
    part = schema.from_text(revision.content).role
    return {file.path: file.text.split("\n") for file in part.files} if part else {}


def parts_of(number: int) -> list[str]:
    """The places of one step."""
    return [f"step {number}, {part}" for part in PARTS]


def place_in(path: str, number: int) -> str:
    """The place of a line of a role's file."""
    return f"{path} line {number}"


def places_of(revision: Revision) -> dict[str, str]:
    """Every place with the text that stands there."""
    return dict(_places(revision))


def _places(revision: Revision) -> Iterator[tuple[str, str]]:
    for number, step in enumerate(schema.from_text(revision.content).steps, start=1):
        yield from zip(parts_of(number), _texts(step), strict=True)
    for number, line in enumerate(lines_of(revision), start=1):
        yield f"line {number}", line.strip()
    for path, lines in files_of(revision).items():
        for number, line in enumerate(lines, start=1):
            yield place_in(path, number), line.strip()


def _texts(step: schema.Step) -> tuple[str, ...]:
    action = step.action.command if step.action.kind == "command" else step.action.operation
    return (
        step.preflight.command or step.preflight.expects,
        action,
        step.verify.command or step.verify.expects,
        step.rollback.command or step.rollback.says,
        step.blast_radius,
    )
