"""Leaves a step out that was signed to be done: one person asks, and somebody else signs exactly that.

The question is a plan of the stage `skip`, so that everything which holds for signatures holds here: its makers are
the makers of the run's own plan and whoever asks, the database refuses their votes, and it takes as many people and the
same groups as the rollout did (law 4). Only a step that has changed nothing is left out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from portal.access.models import Person
from portal.kit import canonical
from portal.kit.actors import Door
from portal.kit.refusals import Refused, StaleTransition, because
from portal.signoff import services as signoffs
from portal.signoff.models import Plan
from portal.signoff.services import Ballot, NewPlan
from portal.signoff.states import LIVE, PlanStatus, Stage
from remediation.execution import controls, manual, operating, records, standings
from remediation.execution.controls import Control
from remediation.execution.models import Run, StepRun
from remediation.execution.states import StepStatus

VERSION = "countersign.skip/1"
TIME_TO_SIGN = timedelta(hours=4)


class Asked(NamedTuple):
    """Which step is to be left out, on which target, who asks, and why."""

    step: int
    title: str
    target: str
    asked_by: str
    reason: str


def ask(run_id: int, *, number: int, reason: str, person: Person, door: Door, at: datetime) -> Plan:
    """Ask that a step of a waiting run be left out; opens the question for somebody else's signature."""
    with transaction.atomic():
        run = operating.permitted(run_id, Control.SKIP, person)
        step = operating.step_of(run, number)
        _refuse_begun(step)
        if not reason.strip():
            raise Refused(because("reason", "Say why the run is right without this step.", "reason"))
        return signoffs.open_plan(_plan_for(run, step, reason.strip(), person, at), actor=person.at(door), at=at)


def sign(run_id: int, *, digest: str, person: Person, ballot: Ballot, door: Door, at: datetime) -> Plan:
    """Sign that the step is left out. The last signature it takes skips it.

    A run of workers then waits until somebody resumes it; one in a person's hands is at its next step.
    """
    plan_id = _named(run_id, digest)
    with signoffs.refusals_kept(plan_id, person=person, door=door, at=at), transaction.atomic():
        run = records.locked(run_id)
        plan = signoffs.locked(plan_id)
        step = run.steps.get(pk=plan.subject_id)
        plan = signoffs.give(plan, digest=digest, person=person, ballot=ballot, door=door, at=at)
        if reason := controls.refusal(Control.SKIP, standings.of(run)):
            raise StaleTransition(reason)
        _refuse_begun(step)
        if plan.status == PlanStatus.SIGNED:
            actor = person.at(door)
            signoffs.claim(plan.pk, actor=actor, at=at)
            content = canonical.parse(plan.content, version=VERSION)
            detail = f"{content['asked_by_name']} asked to leave it out, {person} signed: {content['reason']}"
            records.move_step(run, step, StepStatus.SKIPPED, actor=actor, at=at, detail=detail)
            if run.mode == Run.Mode.MANUAL:
                manual.settle(run, records.content_of(run), actor=actor, at=at)
    return plan


def waiting(run: Run) -> list[Plan]:
    """The questions about steps of this run that wait for signatures."""
    rows = _of(run).filter(status__in=LIVE).select_related("category").prefetch_related("votes")
    return list(rows.order_by("id"))


def asked(plan: Plan) -> Asked:
    """What a question says."""
    content = canonical.parse(plan.content, version=VERSION)
    return Asked(content["step"], content["title"], content["target"], content["asked_by_name"], content["reason"])


def _of(run: Run) -> QuerySet[Plan]:
    kind = StepRun._meta.label_lower
    return Plan.objects.filter(subject_kind=kind, subject_id__in=run.steps.values("pk"), stage=Stage.SKIP)


def _named(run_id: int, digest: str) -> int:
    plan = _of(Run(pk=run_id)).filter(digest=digest).order_by("-id").first()
    if plan is None:
        raise StaleTransition(
            because("not_asked", "Nobody asks to leave out a step in these words. Look again.", "digest")
        )
    return plan.pk


def _refuse_begun(step: StepRun) -> None:
    may_have_changed = step.intended_at is not None
    status = StepStatus(step.status)
    if reason := controls.step_refusal(Control.SKIP, status, may_have_changed=may_have_changed):
        raise StaleTransition(reason)


def _plan_for(run: Run, step: StepRun, reason: str, person: Person, at: datetime) -> NewPlan:
    planned = records.content_of(run).steps[step.number - 1]
    content = {
        "run": run.pk,
        "plan": run.plan.digest,
        "ticket": run.remediation.ticket.key,
        "step": step.number,
        "title": planned.title,
        "target": planned.target,
        "reason": reason,
        "asked_by": person.pk,
        "asked_by_name": person.username,
        "asked_at": at.isoformat(),
    }
    return NewPlan(
        stage=Stage.SKIP,
        subject=step.ref,
        category_id=run.remediation.category_id,
        risk=run.plan.risk,
        content=canonical.text_of(content, version=VERSION),
        makers=[*run.plan.makers, person.pk],
        excluded=run.plan.excluded,
        valid_until=at + TIME_TO_SIGN,
        ticket=run.remediation.ticket.ref,
        severity=run.plan.severity,
        needed=run.plan.needed,
        needed_groups=run.plan.needed_groups,
        votes_last_minutes=run.plan.votes_last_minutes,
    )
