"""Guided manual mode: the human owns the keystroke (law 1). One phase at a time, the same records as workers keep.

The person says what they saw; the intent is committed before the page shows the action, so that an action nobody
reported on is known to be open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import transaction

from portal.access import grants
from portal.access.models import Person
from portal.kit.actors import Actor, Door
from portal.kit.refusals import NotAllowed, Refused, StaleTransition, because
from portal.signoff import brakes
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus, Stage
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.execution import claiming, clocks, controls, deciding, records, standings, wording
from remediation.execution.controls import Control
from remediation.execution.models import Run, StepOutput, StepRun
from remediation.execution.planning import TURNED, Do, next_move
from remediation.execution.records import Phase
from remediation.execution.shift import scopes_of
from remediation.execution.states import RunStatus, StepStatus
from remediation.review import comparing, plans, voiding
from remediation.review.plans import Content, PlanStep
from remediation.review.signing import last_answers

R, S = RunStatus, StepStatus
Said = Literal["yes", "no", "not_run"]
IN_HAND = frozenset({R.RUNNING, R.ROLLING_BACK})
"""Statuses in which whoever holds a manual run is at it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a person reports about one phase of one step: `said`, and the output they saw.

    `check` is the output of the check after a way back.
    """

    number: int
    phase: str
    said: Said
    output: str
    check: str = ""


def start(remediation_id: int, *, digest: str, person: Person, door: Door, at: datetime) -> Run:
    """Claim the signed plan that the person has in front of them, to be run by their hands."""
    if found := voiding.settle(remediation_id, actor=person.at(door), at=at):
        raise StaleTransition(because("changed", voiding.reason_of(found)), more=comparing.members(found))
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        grants.require(person, "run", remediation.category)
        plan = _signed_plan(remediation, digest)
        revision = remediations.head(remediation)
        checks = last_answers(revision) if revision else []
        content = plans.read(plan.content)
        actor = person.at(door)
        mode = Run.Mode.MANUAL
        run = claiming.claim(plan, remediation, content, checks=checks, mode=mode, actor=actor, at=at)
        records.take(run, actor=actor, at=at, by=person)
    return run


def take_over(run_id: int, *, person: Person, door: Door, at: datetime) -> Run:
    """Go on by hand: with somebody else's manual run, or with one that workers left to people."""
    with transaction.atomic():
        run = records.locked(run_id)
        grants.require(person, "run", run.remediation.category)
        _refuse_taking(run, person)
        actor = person.at(door)
        records.take(run, actor=actor, at=at, by=person)
        if run.mode == Run.Mode.WORKERS:
            run.mode = Run.Mode.MANUAL
            run.save(update_fields=["mode"])
        if run.status in {R.PAUSED, R.NEEDS_PERSON}:
            is_turned = any(step.status in TURNED for step in run.steps.all())
            to = R.ROLLING_BACK if is_turned else R.RUNNING
            if to is R.RUNNING:
                records.refuse_elsewhere(run)
            records.move_run(run, to, actor=actor, at=at, reason=f"{person} goes on by hand.")
            settle(run, plans.read(run.plan.content), actor=actor, at=at)
    return run


def report(run_id: int, *, fence: int, told: Report, person: Person, door: Door, at: datetime) -> Run:
    """Take down what the person saw, and open the next phase. `fence` is the one of the page they looked at."""
    with transaction.atomic():
        run = records.held(run_id, fence=fence)
        grants.require(person, "run", run.remediation.category)
        if run.held_by_id != person.pk:
            raise NotAllowed(because("not_yours", f"{run.held_by} has this run in hand. Take it over first."))
        content = plans.read(run.plan.content)
        if (told.number, told.phase) not in answered(run, content, at=at):
            raise StaleTransition(because("moved_on", "The run has moved on since you looked."))
        _refuse_silence(told)
        step, planned = records.step_of(run, told.number), content.steps[told.number - 1]
        TAKE_DOWN[Phase(told.phase)](_Desk(run, step, planned, content, told, person, person.at(door), at))
        settle(run, content, actor=person.at(door), at=at)
    return run


def answered(run: Run, content: Content, *, at: datetime) -> set[tuple[int, str]]:
    """The steps and phases about which a report is taken down: what is awaited, and the outcome of an open action.

    An action whose pre-flight is too old was on somebody's page before: that it was run is never refused.
    """
    due = awaited(run, content, at=at)
    if due is None:
        return set()
    is_open = due[1] == Phase.PREFLIGHT and records.step_of(run, due[0]).status == S.INTENDED
    return {due, (due[0], Phase.ACTION)} if is_open else {due}


def awaited(run: Run, content: Content, *, at: datetime) -> tuple[int, str] | None:
    """The step and phase that a person's report is awaited for; None while there is none."""
    if run.mode != Run.Mode.MANUAL:
        return None
    move = next_move(R(run.status), deciding.steps(run, content))
    if move.do is Do.RESOLVE:
        step = records.step_of(run, move.number)
        if step.status != S.INTENDED:
            return move.number, Phase.PROBE
        return move.number, Phase.PREFLIGHT if clocks.is_stale(run, step, at=at) else Phase.ACTION
    phase = {Do.STEP: Phase.PREFLIGHT, Do.VERIFY: Phase.VERIFY, Do.RESOLVE_UNDO: Phase.ROLLBACK}.get(move.do)
    return (move.number, phase) if phase else None


def settle(run: Run, content: Content, *, actor: Actor, at: datetime) -> None:
    """Make the moves that need no hands: turn back, begin a way back, end."""
    while True:
        move = next_move(R(run.status), deciding.steps(run, content))
        if move.do is Do.TURN_BACK:
            reason = f"Step {move.number} failed. {records.step_of(run, move.number).detail}"
            records.move_run(run, R.ROLLING_BACK, actor=actor, at=at, reason=reason)
        elif move.do is Do.UNDO:
            records.move_step(run, records.step_of(run, move.number), S.ROLLING_BACK, actor=actor, at=at)
        elif move.do is Do.END:
            records.conclude(run, content, move, actor=actor, at=at)
        else:
            return


@dataclass(frozen=True, slots=True)
class _Desk:
    """Everything at hand while a report is taken down."""

    run: Run
    step: StepRun
    planned: PlanStep
    content: Content
    told: Report
    person: Person
    actor: Actor
    at: datetime

    @property
    def is_good(self) -> bool:
        return self.told.said == "yes"

    def keep(self, phase: StepOutput.Phase, says: str, text: str) -> None:
        by, is_good = self.person.username, None if self.told.said == "not_run" else self.is_good
        records.keep(self.step, phase, is_good=is_good, says=says, text=text, by=by, at=self.at)

    def move(self, to: StepStatus, *, detail: str = "", acted_at: datetime | None = None) -> None:
        fields: dict[str, Any] = {"acted_at": acted_at} if acted_at else {}
        records.move_step(self.run, self.step, to, actor=self.actor, at=self.at, detail=detail, **fields)

    def disprove(self, to: StepStatus, detail: str) -> None:
        records.disprove(self.run, self.step, to, actor=self.actor, at=self.at, detail=detail)


def _preflight(desk: _Desk) -> None:
    """As expected: the intent, and with it the action on the page. Otherwise nothing was changed by this step.

    Who looks again, because the last look was too long ago, finds the intent there already: if something is different
    by now, that may be the action, run by somebody who did not say so.
    """
    if desk.is_good and (stop := brakes.stopped(scopes_of(desk.content))):
        raise Refused(because("emergency_stop", f"{stop.says}. Wait or give it up."))
    desk.keep(Phase.PREFLIGHT, wording.preflight_of(desk.planned).says, desk.told.output)
    if desk.step.status == S.PENDING:
        desk.move(S.PREFLIGHT)
    if desk.step.status == S.INTENDED:
        if not desk.is_good:
            desk.move(S.UNKNOWN, detail="The pre-flight is no longer as expected: the action may have been run.")
    elif desk.is_good:
        records.intend(desk.run, desk.step, actor=desk.actor, at=desk.at)
    else:
        desk.move(S.FAILED, detail=f"Stopped by its rule “{desk.planned.stop_if}”")


def _action(desk: _Desk) -> None:
    desk.keep(Phase.ACTION, wording.action_of(desk.planned).says, desk.told.output)
    if desk.told.said == "not_run":
        desk.disprove(S.FAILED, f"{desk.person} did not run it.")
    elif desk.is_good:
        desk.move(S.ACTED, acted_at=desk.at)
    else:
        desk.move(S.FAILED, detail=f"{desk.person} reported an error.")


def _probe(desk: _Desk) -> None:
    """A worker was interrupted here; the person has looked."""
    desk.keep(Phase.PROBE, wording.verify_of(desk.planned).says, desk.told.output)
    if desk.is_good:
        desk.move(S.ACTED, acted_at=desk.at, detail=f"{desk.person} saw that it was done.")
    else:
        desk.disprove(S.PENDING, f"{desk.person} saw that it was not done.")


def _verify(desk: _Desk) -> None:
    desk.keep(Phase.VERIFY, wording.verify_of(desk.planned).says, desk.told.output)
    if desk.is_good:
        desk.move(S.VERIFIED)
    else:
        desk.move(S.FAILED, detail="It was done, and the verify is not as expected.")


def _rollback(desk: _Desk) -> None:
    way_back, check = wording.way_back_of(desk.planned), wording.way_back_check_of(desk.planned)
    desk.keep(Phase.ROLLBACK, way_back.says if way_back else "", desk.told.output)
    desk.keep(Phase.ROLLBACK_VERIFY, check.says if check else "", desk.told.check)
    if desk.is_good:
        desk.move(S.ROLLED_BACK)
    else:
        desk.move(S.ROLLBACK_FAILED, detail=f"{desk.person} reported that the way back did not work.")


TAKE_DOWN: dict[StepOutput.Phase, Callable[[_Desk], None]] = {
    Phase.PREFLIGHT: _preflight,
    Phase.ACTION: _action,
    Phase.PROBE: _probe,
    Phase.VERIFY: _verify,
    Phase.ROLLBACK: _rollback,
}


def _signed_plan(remediation: Remediation, digest: str) -> Plan:
    subject = remediation.ref
    plans_of = Plan.objects.filter(subject_kind=subject.kind, subject_id=subject.id, stage=Stage.ROLLOUT)
    plan = plans_of.filter(status=PlanStatus.SIGNED).first()
    if plan is None or plan.digest != digest:
        text = "The plan on your page is not the one that is signed now. Look again."
        raise StaleTransition(because("changed", text, "digest"))
    return plan


def _refuse_taking(run: Run, person: Person) -> None:
    if reason := controls.refusal(Control.TAKE_OVER, standings.of(run)):
        raise StaleTransition(reason)
    if run.mode == Run.Mode.MANUAL and run.held_by_id == person.pk and run.status in IN_HAND:
        raise StaleTransition(because("yours", "You have this run in hand already."))


def _refuse_silence(told: Report) -> None:
    """Every report carries what was seen; the record of a run by hand is worth as much as one by workers."""
    reasons = []
    hint = "Paste what you saw; write “no output” if it printed nothing."
    if not told.output.strip():
        reasons.append(because("blank", hint, "output"))
    if told.phase == Phase.ROLLBACK and not told.check.strip():
        reasons.append(because("blank", hint, "check"))
    if told.said == "not_run" and told.phase != Phase.ACTION:
        reasons.append(because("invalid", "Only an action can be left undone.", "said"))
    if reasons:
        raise Refused(*reasons)
