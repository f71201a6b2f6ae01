"""What a draft suggests to do and where, in one line per step. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from portal.kit.refusals import Refused
from remediation.connectors import catalogue
from remediation.drafting import schema


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The name of an operation, or a literal command, and the system it touches (None while that cannot be told)."""

    action: str
    system: str | None


def suggested(draft: schema.Draft) -> list[Suggestion]:
    """The steps of a draft in order; a draft is read here before its gates have judged it."""
    return [_of(step.action) for step in draft.steps]


def _of(action: schema.OperationAction | schema.CommandAction) -> Suggestion:
    if action.kind == "command":
        return Suggestion(action.command, action.system)
    return Suggestion(action.operation, _target(action))


def _target(action: schema.OperationAction) -> str | None:
    try:
        parameters = catalogue.validated(action.operation, schema.parameters_of(action))
    except (Refused, ValueError):
        return None
    return catalogue.get(action.operation).target(parameters)
