"""Keeps every way back that was taken and decided about, by workers and by hand, in the transaction that decides."""

from __future__ import annotations

from datetime import datetime

from portal.kit.actors import Actor
from remediation.execution.models import Run, StepRun
from remediation.execution.states import StepStatus
from remediation.review import plans
from remediation.review.plans import OperationStep, PlanStep
from remediation.wayback import services as waysback
from remediation.wayback.services import NewTaken

DECIDED = frozenset({StepStatus.ROLLED_BACK, StepStatus.ROLLBACK_FAILED})
"""Where a step stands once it is known whether its way back worked."""


def keep(run: Run, step: StepRun, planned: PlanStep, *, actor: Actor, at: datetime) -> None:
    """Keep the way back of a step of a held run. Commands of people are nobody's operation and have no record."""
    if not isinstance(planned, OperationStep):
        return
    new = NewTaken(
        operation=planned.operation,
        category_id=run.remediation.category_id,
        source=f"run:{run.pk}:{step.number}",
        has_worked=step.status == StepStatus.ROLLED_BACK,
        target=planned.target,
        is_lab=planned.is_lab,
        ticket=run.remediation.ticket.ref,
        says=step.detail,
        playbook=plans.role_in(planned),
    )
    waysback.keep(new, actor=actor, at=at)
