"""One step forward by a worker: look, commit the intent, act outside any transaction, commit the outcome, verify."""

from __future__ import annotations

from portal.kit import statements
from remediation.connectors.probes import Outcome
from remediation.execution import course, guarding, looking, records
from remediation.execution.looking import Look
from remediation.execution.models import Run, StepOutput, StepRun
from remediation.execution.planning import HOLDS_WRITES
from remediation.execution.records import WORKERS, Phase
from remediation.execution.shift import Shift
from remediation.execution.states import Asked, RunStatus, StepStatus
from remediation.review.plans import OperationStep


def carry_out(shift: Shift, number: int) -> None:
    """A whole step. Where somebody or something came between, its verify is a move of its own, or none is made."""
    if take_step(shift, number):
        verify(shift, number)


def take_step(shift: Shift, number: int) -> bool:
    """The condition if it has one, pre-flight, then the action; whether nothing stands between it and its verify."""
    if not guarding.lets_begin(shift, number):
        return False
    key = intend(shift, number, preflight(shift, number))
    if not key:
        return False
    planned = shift.planned(number)
    return keep_outcome(shift, number, shift.write(planned.connector, planned.call, key=key))


def preflight(shift: Shift, number: int) -> Look:
    """Look whether the step may begin."""
    planned = shift.planned(number)
    with shift.at_step(number) as step:
        if step.status == StepStatus.PENDING:
            records.move_step(step.run, step, StepStatus.PREFLIGHT, actor=WORKERS, at=shift.clock())
    return looking.look(planned.connector, planned.preflight)


def intend(shift: Shift, number: int, seen: Look) -> str:
    """Commit what the pre-flight saw and the intent, and return the key of the write; empty if there is to be none.

    Then the step has failed and nothing was changed by it, or something holds the run back and it pauses. Where a
    person asked for no further write, the next move is the halt; what went wrong beside this step leaves it as it is.
    """
    with shift.writing_at(number) as step:
        run, at = step.run, shift.clock()
        said = _said(shift, step, Phase.PREFLIGHT, seen)
        if not seen.holds:
            detail = _stopped(shift.planned(number), seen)
            records.move_step(run, step, StepStatus.FAILED, actor=WORKERS, at=at, detail=detail, said=said)
            return ""
        is_halted = records.asked_of(run) in HOLDS_WRITES or _is_over_beside(shift, run)
        reason = "" if is_halted else shift.held_back(run)
        if is_halted or reason:
            statements.insert(said)
            if reason:
                records.move_run(run, RunStatus.PAUSED, actor=WORKERS, at=at, reason=reason)
            return ""
        records.intend(run, step, actor=WORKERS, at=at, said=said)
        return step.idempotency_key


def keep_outcome(shift: Shift, number: int, outcome: Outcome) -> bool:
    """Commit what the write brought. Only a clear yes is an outcome; anything else has to be found out.

    Whether it is a yes, and nobody wants the run to stand still before it is verified.
    """
    planned = shift.planned(number)
    with shift.at_step(number) as step:
        at = shift.clock()
        is_good = outcome.ok if outcome.is_answered else None
        text = outcome.text if outcome.ok else outcome.error
        said = records.output(step, Phase.ACTION, is_good=is_good, says=planned.says, text=text, by=WORKERS.name, at=at)
        if not outcome.ok:
            detail = outcome.error
            records.move_step(step.run, step, StepStatus.UNKNOWN, actor=WORKERS, at=at, detail=detail, said=said)
            return False
        records.move_step(step.run, step, StepStatus.ACTED, actor=WORKERS, at=at, said=said, acted_at=at)
        return records.asked_of(step.run) is not Asked.STOP_NOW and not _is_over_beside(shift, step.run)


def verify(shift: Shift, number: int) -> None:
    """Look whether the action worked, giving it the time it needs to settle; a person who says stop ends that time.

    Then nothing is said of the step: it is verified when the run goes on.
    """
    planned = shift.planned(number)
    settles_in = looking.settling(planned)
    seen = looking.look(planned.connector, planned.verify, settles_in=settles_in, until=shift.is_to_stop)
    if seen.holds is None:
        _leave_unverified(shift, number, seen)
        return
    with shift.at_step(number) as step:
        if not seen.holds and records.asked_of(step.run) is Asked.STOP_NOW:
            return
        at, said = shift.clock(), _said(shift, step, Phase.VERIFY, seen)
        if seen.holds:
            records.move_step(step.run, step, StepStatus.VERIFIED, actor=WORKERS, at=at, said=said)
        else:
            detail = f"The action was reported as done, and the verify says otherwise: {seen.misses}"
            records.move_step(step.run, step, StepStatus.FAILED, actor=WORKERS, at=at, detail=detail, said=said)


def _leave_unverified(shift: Shift, number: int, seen: Look) -> None:
    """Nobody could look, so a person decides."""
    with shift.writing_at(number) as step:
        if records.asked_of(step.run) is Asked.STOP_NOW:
            return
        statements.insert(_said(shift, step, Phase.VERIFY, seen))
        reason = f"Step {number} was done and cannot be verified: {seen.misses}"
        records.call_person(step.run, actor=WORKERS, at=shift.clock(), reason=reason)


def _is_over_beside(shift: Shift, run: Run) -> bool:
    """Whether a step on another target, taken at the same time, held the run or ended its way forward meanwhile."""
    return run.status != RunStatus.RUNNING or course.has_failed_beside(run, shift.content)


def _said(shift: Shift, step: StepRun, phase: Phase, seen: Look) -> StepOutput:
    planned = shift.planned(step.number)
    says, by = planned.preflight.says if phase is Phase.PREFLIGHT else planned.verify.says, WORKERS.name
    return records.output(step, phase, is_good=seen.holds, says=says, text=seen.text, by=by, at=shift.clock())


def _stopped(planned: OperationStep, seen: Look) -> str:
    if seen.holds is None:
        return f"The pre-flight could not look, so the step was not begun: {seen.misses}"
    return f"Stopped by its rule “{planned.stop_if}”: {seen.misses}"
