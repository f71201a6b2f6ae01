"""The places of a draft that a reviewer can comment on: the parts of its steps, and the lines of its text. Pure."""

from __future__ import annotations

from remediation.drafting import schema
from remediation.drafting.models import Revision
from remediation.review import draft_text

PARTS = ("pre-flight", "action", "verify", "rollback", "blast radius")


def lines_of(revision: Revision) -> list[str]:
    """The lines of a draft's text as people read it."""
    return draft_text.text_of(schema.from_text(revision.content)).splitlines()


def parts_of(number: int) -> list[str]:
    """The places of one step."""
    return [f"step {number}, {part}" for part in PARTS]


def places_of(revision: Revision) -> dict[str, str]:
    """Every place with the text that stands there."""
    draft = schema.from_text(revision.content)
    parts = {
        place: text
        for number, step in enumerate(draft.steps, start=1)
        for place, text in zip(parts_of(number), _texts(step), strict=True)
    }
    return parts | {f"line {number}": line.strip() for number, line in enumerate(lines_of(revision), start=1)}


def _texts(step: schema.Step) -> tuple[str, ...]:
    action = step.action.command if step.action.kind == "command" else step.action.operation
    return (
        step.preflight.command or step.preflight.expects,
        action,
        step.verify.command or step.verify.expects,
        step.rollback.command or step.rollback.says,
        step.blast_radius,
    )
