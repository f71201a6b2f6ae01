"""What the tasks of a role say while a run plays it, for the run's page. Reads only."""

from __future__ import annotations

from collections.abc import Sequence

from remediation.drafting.roles import OPERATION
from remediation.execution.models import Run, StepRun
from remediation.execution.states import StepStatus
from remediation.playbooks import live
from remediation.playbooks.models import PlayEvent
from remediation.review.plans import OperationStep, PlanStep

MOST_AT_ONCE = 20


def tasks_of(planned: Sequence[PlanStep], steps: Sequence[StepRun]) -> dict[int, list[PlayEvent]]:
    """What the tasks said, by step, of those that play a role; nothing is asked where none does."""
    playing = [step for each, step in zip(planned, steps, strict=True) if is_role(each)]
    found = live.tasks_of([key for step in playing for key in step.keys])
    return {step.pk: [event for key in step.keys for event in found.get(key, ())] for step in playing}


def newest(run: Run) -> int:
    """A number that grows with every word of what is being played for a run now."""
    steps = run.steps.filter(status__in=[StepStatus.INTENDED, StepStatus.ROLLING_BACK])[:MOST_AT_ONCE]
    keys = [key for step in steps for key in step.keys]
    return live.newest(keys) if keys else 0


def is_role(planned: PlanStep) -> bool:
    """Whether a step plays a role."""
    return isinstance(planned, OperationStep) and planned.operation == OPERATION
