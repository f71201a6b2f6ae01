"""Finds out what became of an action whose outcome nobody knows: by asking and looking, never by acting."""

from __future__ import annotations

from remediation.connectors.operations import Probe
from remediation.execution import looking, records
from remediation.execution.models import Run, StepOutput, StepRun
from remediation.execution.planning import Found, found
from remediation.execution.records import WORKERS, Phase
from remediation.execution.shift import Shift
from remediation.execution.states import StepStatus

MOST_TRIES = 2
"""A write that never began is asked for once more, then the step has failed."""

SAYS: dict[Found, str] = {
    Found.DONE: "It was done; only the answer was lost.",
    Found.NOT_STARTED: "It never began: the server knows no such request and the state is as it was.",
    Found.REFUSED: "The server refused it and nothing changed.",
    Found.PARTIAL: "The server could not finish it, and the state is not what it was before.",
    Found.UNCLEAR: "Nobody can tell whether it was done.",
}


def resolve(shift: Shift, number: int) -> None:
    """Decide about an interrupted step with read-only means: done, not started, partial, or a question for a person."""
    planned = shift.planned(number)
    with shift.at_step(number) as step:
        if step.status == StepStatus.INTENDED:
            detail = "The worker was interrupted between intent and outcome."
            records.move_step(step.run, step, StepStatus.UNKNOWN, actor=WORKERS, at=shift.clock(), detail=detail)
    state, words = looking.fate_of(planned, step.idempotency_key, fence=shift.fence)
    after, before = _holds(planned.connector, planned.verify), _holds(planned.connector, planned.preflight)
    what = found(state, is_as_after=after, is_as_before=before)
    with shift.writing_at(number) as step:
        text = f"Server: {words}\nState as after the action: {_word(after)}. State as before it: {_word(before)}."
        is_good = None if what is Found.UNCLEAR else what is Found.DONE
        at = shift.clock()
        records.keep(step, Phase.PROBE, is_good=is_good, says=SAYS[what], text=text, by=WORKERS.name, at=at)
        _settle(shift, step.run, step, what)


def _settle(shift: Shift, run: Run, step: StepRun, what: Found) -> None:
    at, detail = shift.clock(), f"{SAYS[what]} {step.detail}".strip()
    if what is Found.DONE:
        records.move_step(run, step, StepStatus.ACTED, actor=WORKERS, at=at, acted_at=at, detail=SAYS[what])
    elif what is Found.NOT_STARTED and _may_try_again(step):
        records.disprove(run, step, StepStatus.PENDING, actor=WORKERS, at=at, detail=SAYS[what])
    elif what in {Found.NOT_STARTED, Found.REFUSED}:
        records.disprove(run, step, StepStatus.FAILED, actor=WORKERS, at=at, detail=detail)
    elif what is Found.PARTIAL:
        records.move_step(run, step, StepStatus.FAILED, actor=WORKERS, at=at, detail=detail)
    else:
        reason = f"Step {step.number}: {detail}"
        records.call_person(run, actor=WORKERS, at=at, reason=reason)


def _may_try_again(step: StepRun) -> bool:
    """A clear no is not asked for again; a lost request is, but not for ever."""
    outputs = StepOutput.objects.filter(run_id=step.run_id, step_id=step.pk)
    was_refused = outputs.filter(phase=Phase.ACTION, is_good=False).exists()
    return not was_refused and outputs.filter(phase=Phase.PROBE).count() < MOST_TRIES


def _holds(connector: str, probe: Probe) -> bool | None:
    return looking.look(connector, probe).holds


def _word(holds: bool | None) -> str:  # noqa: FBT001 - one look
    return {True: "yes", False: "no", None: "could not look"}[holds]
