"""One step forward by a worker: look, commit the intent, act outside any transaction, commit the outcome, verify."""

from __future__ import annotations

from remediation.connectors.probes import Outcome
from remediation.execution import looking, records
from remediation.execution.looking import Look
from remediation.execution.planning import HOLDS_WRITES
from remediation.execution.records import WORKERS, Phase
from remediation.execution.shift import Shift, left_to_people
from remediation.execution.states import Asked, RunStatus, StepStatus
from remediation.review.plans import OperationStep


def take_step(shift: Shift, number: int) -> None:
    """Pre-flight, then the action; the verify is a move of its own."""
    if preflight(shift, number) and (key := intend(shift, number)):
        planned = shift.planned(number)
        keep_outcome(shift, number, shift.write(planned.connector, planned.call, key=key))


def preflight(shift: Shift, number: int) -> bool:
    """Look whether the step may begin; if not, it has failed and nothing was changed by it."""
    planned = shift.planned(number)
    with shift.writing() as run:
        step = records.step_of(run, number)
        if step.status == StepStatus.PENDING:
            records.move_step(run, step, StepStatus.PREFLIGHT, actor=WORKERS, at=shift.clock())
    seen = looking.look(planned.connector, planned.preflight)
    with shift.writing() as run:
        step, at = records.step_of(run, number), shift.clock()
        records.keep(
            step,
            Phase.PREFLIGHT,
            is_good=seen.holds,
            says=planned.preflight.says,
            text=seen.text,
            by=WORKERS.name,
            at=at,
        )
        if not seen.holds:
            records.move_step(run, step, StepStatus.FAILED, actor=WORKERS, at=at, detail=_stopped(planned, seen))
    return bool(seen.holds)


def intend(shift: Shift, number: int) -> str:
    """Commit the intent and return the key of the write; empty if something holds the run back, which then pauses.

    Where a person asked for no further write, the next move is the halt.
    """
    with shift.writing() as run:
        if records.asked_of(run) in HOLDS_WRITES:
            return ""
        at = shift.clock()
        stop = shift.stop()
        reason = stop.says if stop else left_to_people(shift.content, run.remediation.ticket)
        if reason:
            records.move_run(run, RunStatus.PAUSED, actor=WORKERS, at=at, reason=reason)
            return ""
        step = records.step_of(run, number)
        records.intend(run, step, actor=WORKERS, at=at)
        return step.idempotency_key


def keep_outcome(shift: Shift, number: int, outcome: Outcome) -> None:
    """Commit what the write brought. Only a clear yes is an outcome; anything else has to be found out."""
    planned = shift.planned(number)
    with shift.writing() as run:
        step, at = records.step_of(run, number), shift.clock()
        is_good = outcome.ok if outcome.is_answered else None
        text = outcome.text if outcome.ok else outcome.error
        records.keep(step, Phase.ACTION, is_good=is_good, says=planned.says, text=text, by=WORKERS.name, at=at)
        if outcome.ok:
            records.move_step(run, step, StepStatus.ACTED, actor=WORKERS, at=at, acted_at=at)
        else:
            records.move_step(run, step, StepStatus.UNKNOWN, actor=WORKERS, at=at, detail=outcome.error)


def verify(shift: Shift, number: int) -> None:
    """Look whether the action worked, giving it the time it needs to settle; a person who says stop ends that time.

    Then nothing is said of the step: it is verified when the run goes on.
    """
    planned = shift.planned(number)
    settles_in = looking.settling(planned)
    seen = looking.look(planned.connector, planned.verify, settles_in=settles_in, until=shift.is_to_stop)
    with shift.writing() as run:
        if not seen.holds and records.asked_of(run) is Asked.STOP_NOW:
            return
        step, at = records.step_of(run, number), shift.clock()
        records.keep(
            step, Phase.VERIFY, is_good=seen.holds, says=planned.verify.says, text=seen.text, by=WORKERS.name, at=at
        )
        if seen.holds:
            records.move_step(run, step, StepStatus.VERIFIED, actor=WORKERS, at=at)
        elif seen.holds is False:
            detail = f"The action was reported as done, and the verify says otherwise: {seen.misses}"
            records.move_step(run, step, StepStatus.FAILED, actor=WORKERS, at=at, detail=detail)
        else:
            reason = f"Step {number} was done and cannot be verified: {seen.misses}"
            records.move_run(run, RunStatus.NEEDS_PERSON, actor=WORKERS, at=at, reason=reason)


def _stopped(planned: OperationStep, seen: Look) -> str:
    if seen.holds is None:
        return f"The pre-flight could not look, so the step was not begun: {seen.misses}"
    return f"Stopped by its rule “{planned.stop_if}”: {seen.misses}"
