"""The condition of a step, asked before its pre-flight: where it does not hold, the target is left alone."""

from __future__ import annotations

from remediation.connectors.operations import Probe
from remediation.execution import looking, records
from remediation.execution.looking import Look
from remediation.execution.models import StepRun
from remediation.execution.records import WORKERS, Phase
from remediation.execution.shift import Shift
from remediation.execution.states import StepStatus


def lets_begin(shift: Shift, number: int) -> bool:
    """Whether the step may begin. If not, it is skipped with what comes after it on its target, or it has failed.

    It fails as it would at its pre-flight when nobody can say whether the condition holds.
    """
    planned = shift.planned(number)
    if planned.guard is None:
        return True
    seen = looking.look(planned.connector, planned.guard)
    with shift.at_step(number) as step:
        _keep(shift, step, planned.guard, seen)
        if seen.holds is None:
            _fail(shift, step, f"Its condition could not be looked at, so the step was not begun: {seen.misses}")
        elif not seen.holds:
            _leave_alone(shift, step, f"Its condition does not hold: {seen.misses}")
    return bool(seen.holds)


def _keep(shift: Shift, step: StepRun, guard: Probe, seen: Look) -> None:
    by, at = WORKERS.name, shift.clock()
    records.keep(step, Phase.GUARD, is_good=seen.holds, says=guard.says, text=seen.text, by=by, at=at)


def _fail(shift: Shift, step: StepRun, detail: str) -> None:
    if step.status == StepStatus.PENDING:
        records.move_step(step.run, step, StepStatus.PREFLIGHT, actor=WORKERS, at=shift.clock())
    records.move_step(step.run, step, StepStatus.FAILED, actor=WORKERS, at=shift.clock(), detail=detail)


def _leave_alone(shift: Shift, step: StepRun, detail: str) -> None:
    """Later steps on the target may rest on this one."""
    records.move_step(step.run, step, StepStatus.SKIPPED, actor=WORKERS, at=shift.clock(), detail=detail)
    target = shift.planned(step.number).target
    later = [each.number for each in shift.content.steps if each.number > step.number and each.target == target]
    for other in step.run.steps.filter(number__in=later, status=StepStatus.PENDING):
        words = f"Step {step.number} was skipped on this target. {detail}"
        records.move_step(step.run, other, StepStatus.SKIPPED, actor=WORKERS, at=shift.clock(), detail=words)
