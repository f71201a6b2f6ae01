"""What people do with a run: pause or stop it, let it go on, try a step again, have it rolled back, or give it up.

`controls` says what its state allows; the verbs hold the run, ask that table and write. A halt is a wish that the
worker reads before its next write: nobody but the holder of the fence moves a run that is being driven.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from portal.access import grants
from portal.access.models import Person
from portal.kit.actors import Actor, Door
from portal.kit.refusals import Reason, Refused, StaleTransition, because
from portal.signoff import brakes
from portal.signoff import services as signoffs
from remediation.execution import advancing, controls, manual, records, standings
from remediation.execution.controls import HALTS, Control
from remediation.execution.models import Run, StepRun
from remediation.execution.planning import OPEN_OUTCOME, next_key
from remediation.execution.shift import scopes_of
from remediation.execution.states import RunStatus, StepStatus

R, S = RunStatus, StepStatus


def pause(run_id: int, *, person: Person, door: Door, at: datetime) -> Run:
    """Ask the worker to hold before its next write; somebody lets the run go on."""
    return _ask(run_id, Control.PAUSE, person, door, at)


def stop_after_step(run_id: int, *, person: Person, door: Door, at: datetime) -> Run:
    """Ask the worker to finish the step in hand and to begin no other."""
    return _ask(run_id, Control.STOP_AFTER_STEP, person, door, at)


def stop_now(run_id: int, *, person: Person, door: Door, at: datetime) -> Run:
    """Ask the worker to write nothing more; what became of a write in flight it only looks at."""
    return _ask(run_id, Control.STOP_NOW, person, door, at)


def resume(run_id: int, *, person: Person, door: Door, at: datetime) -> Run:
    """Let a paused run, or one that needed a person, go on forward."""
    with transaction.atomic():
        run = permitted(run_id, Control.RESUME, person)
        records.refuse_elsewhere(run)
        actor = person.at(door)
        records.move_run(run, R.RUNNING, actor=actor, at=at, reason=f"{person} let it go on.")
        _hand_on(run, actor, at)
    return run


def retry(run_id: int, *, number: int, reason: str, person: Person, door: Door, at: datetime) -> Run:
    """Try a step again that failed or whose outcome nobody knows; the person says why nothing speaks against it.

    Its pre-flight looks first. An outcome that was unknown keeps its key, so that a server which did receive the
    request does not carry it out again; a failure was an answer, and the next request is another one. What may have
    changed something still may: if the second try fails as well, it is undone.
    """
    with transaction.atomic():
        run = permitted(run_id, Control.RETRY, person)
        step = step_of(run, number)
        _refuse_step(Control.RETRY, step)
        _refuse_silence(reason, "Say what you saw: why may it be tried again?")
        records.refuse_elsewhere(run)
        if lapsed := signoffs.lapsed(run.plan, at=at):
            raise Refused(because("lapsed", f"{lapsed.text} What is signed anew is run anew; this run only goes back."))
        actor, detail = person.at(door), f"{person} has it tried again: {reason.strip()}"
        key = step.idempotency_key if step.status == S.UNKNOWN else next_key(step.idempotency_key)
        records.move_step(run, step, S.PENDING, actor=actor, at=at, detail=detail, idempotency_key=key)
        records.move_run(run, R.RUNNING, actor=actor, at=at, reason=f"Step {number}: {detail}")
        _hand_on(run, actor, at)
    return run


def roll_back(run_id: int, *, person: Person, door: Door, at: datetime) -> Run:
    """Undo what was done. Under an emergency stop this is what releases the rollback (law 8)."""
    with transaction.atomic():
        run = permitted(run_id, Control.ROLL_BACK, person)
        actor = person.at(door)
        for step in run.steps.filter(status__in=OPEN_OUTCOME):
            detail = f"{person} asked for the rollback before its outcome was known."
            records.move_step(run, step, S.FAILED, actor=actor, at=at, detail=detail)
        stop = brakes.stopped(scopes_of(records.content_of(run)))
        reason = (
            f"{person} released the rollback under the stop of {stop.covers}." if stop else f"{person} asked for it."
        )
        records.move_run(run, R.ROLLING_BACK, actor=actor, at=at, reason=reason)
        _hand_on(run, actor, at, released_stop=stop.pk if stop else None)
    return run


def give_up(run_id: int, *, reason: str, person: Person, door: Door, at: datetime) -> Run:
    """End a run as failed, as its steps stand; the reason and the state of every step are kept."""
    with transaction.atomic():
        run = permitted(run_id, Control.GIVE_UP, person)
        _refuse_silence(reason, "Say why, in a few words.")
        content = records.content_of(run)
        words = f"{person} gave it up: {reason.strip()} {records.state_of(run, content)}"
        records.end(run, R.FAILED, content, actor=person.at(door), at=at, reason=words)
    return run


def permitted(run_id: int, control: Control, person: Person) -> Run:
    """The locked run, if this person may run things there and its state allows the control."""
    run = records.locked(run_id)
    grants.require(person, "run", run.remediation.category)
    if reason := controls.refusal(control, standings.of(run)):
        raise _refusal(reason)
    return run


def step_of(run: Run, number: int) -> StepRun:
    """A step that somebody names; Refused where the plan has none of that number."""
    step = run.steps.filter(number=number).first()
    if step is None:
        raise Refused(because("unknown_step", f"The plan has no step {number}.", "step"))
    return step


def _ask(run_id: int, control: Control, person: Person, door: Door, at: datetime) -> Run:
    with transaction.atomic():
        run = permitted(run_id, control, person)
        records.ask(run, HALTS[control], person=person, actor=person.at(door), at=at)
        if run.watch_until:
            advancing.hurry(run, at=at)
    return run


def _refuse_step(control: Control, step: StepRun) -> None:
    may_have_changed = step.intended_at is not None
    if reason := controls.step_refusal(control, S(step.status), may_have_changed=may_have_changed):
        raise StaleTransition(reason)


def _refuse_silence(reason: str, text: str) -> None:
    if not reason.strip():
        raise Refused(because("reason", text, "reason"))


def _refusal(reason: Reason) -> Refused | StaleTransition:
    return Refused(reason) if reason.code in controls.WHO_WAITS else StaleTransition(reason)


def _hand_on(run: Run, actor: Actor, at: datetime, *, released_stop: int | None = None) -> None:
    if run.mode == Run.Mode.WORKERS:
        advancing.ask_for(run, at=at, released_stop=released_stop)
    else:
        manual.settle(run, records.content_of(run), actor=actor, at=at)
