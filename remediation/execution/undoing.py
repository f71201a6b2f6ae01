"""The way back of one step by a worker: intent, call, verify. No window, freeze or limit holds it (law 8)."""

from __future__ import annotations

from remediation.connectors.operations import WayBack
from remediation.execution import looking, records
from remediation.execution.models import Run, StepOutput, StepRun
from remediation.execution.records import WORKERS, Phase
from remediation.execution.shift import Shift, left_to_people
from remediation.execution.states import Asked, RunStatus, StepStatus
from remediation.review.plans import OperationStep

MOST_TRIES = 2


def turn_back(shift: Shift, number: int) -> None:
    """Stop going forward: undo what was done, the last step first; in waves, what this wave did."""
    with shift.writing_at(number) as step:
        reason = f"Step {number} failed. {step.detail}"
        wave = step.run.wave if shift.content.stages else 0
        records.move_run(step.run, RunStatus.ROLLING_BACK, actor=WORKERS, at=shift.clock(), reason=reason, undoes=wave)


def leave_out(shift: Shift, number: int) -> None:
    """Skip a step of a target that was given up."""
    with shift.at_step(number) as step:
        detail = "A step before it failed on this target, which was given up."
        records.move_step(step.run, step, StepStatus.SKIPPED, actor=WORKERS, at=shift.clock(), detail=detail)


def undo(shift: Shift, number: int) -> None:
    """Undo one step, unless an emergency stop is engaged that no person released for it."""
    if _intend(shift, number):
        _act(shift, number)


def resolve_undo(shift: Shift, number: int) -> None:
    """Go on with an interrupted way back: it worked, it is asked for again if it never began, or a person looks."""
    planned, way_back = _way_back(shift, number)
    with shift.at_step(number) as step:
        key = _key(step)
    state, words = looking.fate_of(planned, key, fence=shift.fence)
    seen = looking.look(planned.connector, way_back.verify)
    if seen.holds or state in {"done", "failed"}:
        _verify(shift, number)
    elif state == "not_performed" and seen.holds is False and _tries(step) < MOST_TRIES:
        if not _is_held_back(shift):
            _act(shift, number)
    elif state == "not_performed" and seen.holds is False:
        _verify(shift, number)
    else:
        _ask_person(shift, f"Nobody can tell whether the way back of step {number} was taken: {words}")


def _intend(shift: Shift, number: int) -> bool:
    if _is_held_back(shift):
        return False
    with shift.at_step(number) as step:
        records.move_step(step.run, step, StepStatus.ROLLING_BACK, actor=WORKERS, at=shift.clock())
    return True


def _is_held_back(shift: Shift) -> bool:
    """Whether a person has to come first: one who said stop, an emergency stop nobody released, workers off."""
    with shift.writing() as run:
        if records.asked_of(run) is Asked.STOP_NOW:
            return True
        stop = shift.stop()
        if stop and stop.pk != shift.released_stop:
            reason = f"{stop.says}. The rollback waits until a person releases it."
        else:
            reason = left_to_people(shift.content, run.remediation.ticket)
        if reason:
            _stop_for_person(run, shift, reason)
    return bool(reason)


def _act(shift: Shift, number: int) -> None:
    planned, way_back = _way_back(shift, number)
    with shift.at_step(number) as step:
        key = _key(step)
    outcome = shift.write(planned.connector, way_back.call, key=key)
    with shift.at_step(number) as step:
        is_good = outcome.ok if outcome.is_answered else None
        text = outcome.text if outcome.ok else outcome.error
        at = shift.clock()
        records.keep(step, Phase.ROLLBACK, is_good=is_good, says=way_back.says, text=text, by=WORKERS.name, at=at)
    if outcome.is_answered:
        _verify(shift, number)


def _verify(shift: Shift, number: int) -> None:
    """Only looking says whether the way back worked; the write's own word does not count."""
    planned, way_back = _way_back(shift, number)
    seen = looking.look(planned.connector, way_back.verify, settles_in=looking.settling(planned))
    with shift.writing_at(number) as step:
        run, at, says = step.run, shift.clock(), way_back.verify.says
        records.keep(step, Phase.ROLLBACK_VERIFY, is_good=seen.holds, says=says, text=seen.text, by=WORKERS.name, at=at)
        if seen.holds:
            records.move_step(run, step, StepStatus.ROLLED_BACK, actor=WORKERS, at=at)
        elif seen.holds is False:
            records.move_step(run, step, StepStatus.ROLLBACK_FAILED, actor=WORKERS, at=at, detail=seen.misses)
        else:
            _stop_for_person(run, shift, f"The way back of step {number} cannot be verified: {seen.misses}")


def _way_back(shift: Shift, number: int) -> tuple[OperationStep, WayBack]:
    planned = shift.planned(number)
    if planned.way_back is None:
        raise LookupError(f"Step {number} has no way back.")
    return planned, planned.way_back


def _key(step: StepRun) -> str:
    return step.keys[1]


def _tries(step: StepRun) -> int:
    return StepOutput.objects.filter(run_id=step.run_id, step_id=step.pk, phase=Phase.ROLLBACK).count()


def _ask_person(shift: Shift, reason: str) -> None:
    with shift.writing() as run:
        _stop_for_person(run, shift, reason)


def _stop_for_person(run: Run, shift: Shift, reason: str) -> None:
    words = f"{reason} {records.state_of(run, shift.content)}"
    records.move_run(run, RunStatus.NEEDS_PERSON, actor=WORKERS, at=shift.clock(), reason=words)
