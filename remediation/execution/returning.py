"""Keeps every way back that was taken and decided about, by workers and by hand, in the transaction that decides."""

from __future__ import annotations

from datetime import datetime

from portal.kit.actors import Actor
from remediation.execution.models import Run, StepRun
from remediation.execution.states import StepStatus
from remediation.review import plans
from remediation.review.plans import OperationStep
from remediation.wayback import services as waysback
from remediation.wayback.services import NewTaken

DECIDED = frozenset({StepStatus.ROLLED_BACK, StepStatus.ROLLBACK_FAILED})


def step_moved(run: Run, step: StepRun, to: StepStatus, *, detail: str, actor: Actor, at: datetime) -> None:
    """A step of a held run has just been moved. Commands of people are nobody's operation and have no record."""
    if to not in DECIDED:
        return
    planned = plans.read(run.plan.content).steps[step.number - 1]
    if not isinstance(planned, OperationStep):
        return
    new = NewTaken(
        operation=planned.operation,
        category_id=run.remediation.category_id,
        source=f"run:{run.pk}:{step.number}",
        has_worked=to is StepStatus.ROLLED_BACK,
        target=planned.target,
        is_lab=planned.is_lab,
        ticket=run.remediation.ticket.ref,
        says=detail,
    )
    waysback.keep(new, actor=actor, at=at)
