"""The clocks of guided manual mode: how old the pre-flight is, how long to wait, how long it took before. Reads only.

A person may be called away between looking and acting. Once a pre-flight is older than the policy of the category
allows, the action is off the page until somebody has looked again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portal.access.models import Person
from remediation.execution import lasttime, looking
from remediation.execution.models import Run, StepOutput, StepRun
from remediation.execution.states import StepStatus
from remediation.policy import services as policies
from remediation.review.plans import OperationStep, PlanStep


@dataclass(frozen=True, slots=True)
class Clocks:
    """What stands beside the phase that waits for a person, in seconds; None where there is nothing to count.

    `seen`: since the pre-flight was recorded; `holds`: until it has to be looked at again, 0 if it has to be. `open`:
    since the step came to where it is. `settles`: how much longer its effect may need to show. `usual`: how long the
    action took in the last run of the same pattern, in words.
    """

    seen: float | None
    holds: float | None
    open: float
    settles: float | None
    usual: str


def is_stale(run: Run, step: StepRun, *, at: datetime) -> bool:
    """Whether the pre-flight of a step that was opened for its action is too old to act on."""
    return _holds(run, _seen_at(step), at) == 0.0


def of(run: Run, step: StepRun, planned: PlanStep, *, viewer: Person, at: datetime) -> Clocks:
    """The clocks of the step that a person has in hand."""
    is_to_act = step.status == StepStatus.INTENDED
    seen_at = _seen_at(step) if is_to_act else None
    return Clocks(
        seen=_since(seen_at, at),
        holds=_holds(run, seen_at, at),
        open=(at - step.status_at).total_seconds(),
        settles=_settles(step, planned, at),
        usual=lasttime.usual(run, step, planned, viewer) if is_to_act else "",
    )


def _seen_at(step: StepRun) -> datetime | None:
    """When the newest pre-flight of a step was recorded that was as expected."""
    outputs = StepOutput.objects.filter(run_id=step.run_id, step_id=step.pk, phase=StepOutput.Phase.PREFLIGHT)
    return outputs.filter(is_good=True).order_by("-id").values_list("at", flat=True).first()


def _holds(run: Run, seen_at: datetime | None, at: datetime) -> float | None:
    age = _since(seen_at, at)
    if age is None:
        return None
    return max(0.0, policies.preflight_validity(run.remediation.category_id).total_seconds() - age)


def _settles(step: StepRun, planned: PlanStep, at: datetime) -> float | None:
    """Only the catalogue knows how long what an operation does takes to show; nobody knows it of a command."""
    if step.status != StepStatus.ACTED or step.acted_at is None or not isinstance(planned, OperationStep):
        return None
    return max(0.0, looking.settling(planned) - (at - step.acted_at).total_seconds())


def _since(then: datetime | None, at: datetime) -> float | None:
    return (at - then).total_seconds() if then else None
