"""What people do with a run that waits for them: let it go on, have it rolled back, or give it up."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from portal.access import grants
from portal.access.models import Person
from portal.kit.actors import Actor, Door
from portal.kit.refusals import Refused, StaleTransition, because
from portal.signoff import brakes
from remediation.execution import advancing, manual, records
from remediation.execution.models import Run
from remediation.execution.planning import OPEN_OUTCOME, TURNED
from remediation.execution.shift import left_to_people, scopes_of
from remediation.execution.states import RunStatus, StepStatus
from remediation.review import plans

R, S = RunStatus, StepStatus
WAITING = frozenset({R.PAUSED, R.NEEDS_PERSON})
BY_HAND = frozenset({R.RUNNING, R.ROLLING_BACK, *WAITING})
"""A run in a person's hands can be turned around or given up at any point; one of workers only while it waits."""


def resume(run_id: int, *, person: Person, door: Door, at: datetime) -> Run:
    """Let a paused run, or one that needed a person, go on forward."""
    with transaction.atomic():
        run = _waiting(run_id, person, WAITING)
        records.refuse_elsewhere(run)
        if run.steps.filter(status__in=TURNED).exists():
            raise Refused(because("turned", "A step of this run has failed, so it cannot go on: roll it back."))
        content = plans.read(run.plan.content)
        if stop := brakes.stopped(scopes_of(content)):
            raise Refused(because("emergency_stop", f"{stop.says}. Nothing goes on before that is released."))
        if run.mode == Run.Mode.WORKERS and (reason := left_to_people(content, run.remediation.ticket)):
            raise Refused(because("people_only", f"{reason} Take the run over and go on by hand."))
        actor = person.at(door)
        records.move_run(run, R.RUNNING, actor=actor, at=at, reason=f"{person} let it go on.")
        _hand_on(run, actor, at)
    return run


def roll_back(run_id: int, *, person: Person, door: Door, at: datetime) -> Run:
    """Undo what was done. Under an emergency stop this is what releases the rollback (law 8)."""
    with transaction.atomic():
        run = _waiting(run_id, person, BY_HAND - {R.ROLLING_BACK})
        actor = person.at(door)
        if not run.steps.filter(intended_at__isnull=False).exists():
            raise Refused(because("nothing_done", "Nothing was changed, so there is nothing to roll back. Give it up."))
        for step in run.steps.filter(status__in=OPEN_OUTCOME):
            detail = f"{person} asked for the rollback before its outcome was known."
            records.move_step(run, step, S.FAILED, actor=actor, at=at, detail=detail)
        stop = brakes.stopped(scopes_of(plans.read(run.plan.content)))
        reason = (
            f"{person} released the rollback under the stop of {stop.covers}." if stop else f"{person} asked for it."
        )
        records.move_run(run, R.ROLLING_BACK, actor=actor, at=at, reason=reason)
        _hand_on(run, actor, at, released_stop=stop.pk if stop else None)
    return run


def give_up(run_id: int, *, reason: str, person: Person, door: Door, at: datetime) -> Run:
    """End a run as failed, as its steps stand; the reason and the state of every step are kept."""
    with transaction.atomic():
        run = _waiting(run_id, person, BY_HAND)
        if not reason.strip():
            raise Refused(because("reason", "Say why, in a few words.", "reason"))
        content = plans.read(run.plan.content)
        words = f"{person} gave it up: {reason.strip()} {records.state_of(run, content)}"
        records.end(run, R.FAILED, content, actor=person.at(door), at=at, reason=words)
    return run


def allowed(run: Run) -> frozenset[str]:
    """The verbs that this run's state offers, for the page; the verbs themselves decide."""
    verbs: set[str] = set()
    status = R(run.status)
    by_hand = run.mode == Run.Mode.MANUAL
    is_turned = any(step.status in TURNED for step in run.steps.all())
    may_have_changed = any(step.intended_at for step in run.steps.all())
    if status in WAITING and not is_turned:
        verbs.add("resume")
    if may_have_changed and status in (BY_HAND - {R.ROLLING_BACK} if by_hand else WAITING):
        verbs.add("roll_back")
    if status in (BY_HAND if by_hand else WAITING):
        verbs |= {"give_up", "take_over"}
    return frozenset(verbs)


def _waiting(run_id: int, person: Person, by_hand: Collection[RunStatus]) -> Run:
    run = records.locked(run_id)
    grants.require(person, "run", run.remediation.category)
    permitted = by_hand if run.mode == Run.Mode.MANUAL else WAITING
    if run.status not in permitted:
        text = f"The run is {run.status.replace('_', ' ')}, so this is not possible now."
        raise StaleTransition(because("not_from_here", text))
    return run


def _hand_on(run: Run, actor: Actor, at: datetime, *, released_stop: int | None = None) -> None:
    if run.mode == Run.Mode.WORKERS:
        advancing.ask_for(run, at=at, released_stop=released_stop)
    else:
        manual.settle(run, plans.read(run.plan.content), actor=actor, at=at)
