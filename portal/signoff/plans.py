"""The life of a plan: opened, voided, withdrawn, expired, claimed (law 3).

Every verb locks the plan's row first, so that fifty people at the same instant take turns.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from portal.access.models import Person
from portal.audit import services as audit
from portal.audit.models import Event
from portal.jobs import services as jobs
from portal.kit import canonical, statements
from portal.kit.actors import Actor, Door, Ref, system
from portal.kit.moving import move
from portal.kit.refusals import NotAllowed, Reason, Refused, StaleTransition, because
from portal.kit.statements import Query, among
from portal.signoff import quorum
from portal.signoff.models import Certificate, Plan, Vote
from portal.signoff.quorum import Given, Requirement, Window
from portal.signoff.states import LIVE, NEXT, PlanStatus, Stage

CLOCK = system("general")
AT_ONCE = 200
"""How many expired plans one sweep ends."""


@dataclass(frozen=True, slots=True)
class NewPlan:
    """What a plan is opened with; `content` is canonical text."""

    stage: Stage
    subject: Ref
    category_id: int
    risk: str
    content: str
    makers: Collection[int]
    valid_until: datetime
    ticket: Ref | None = None
    excluded: Collection[int] = ()
    severity: str = ""
    needed: int = 1
    needed_groups: Collection[int] = ()
    votes_last_minutes: int = 240
    merge_plan: Plan | None = None


def ref(plan: Plan) -> Ref:
    """The plan as a value."""
    return Ref("signoff.plan", plan.pk, f"{plan.stage} plan {plan.digest[:12]}")


def ticket_ref(plan: Plan) -> Ref | None:
    """The ticket the plan is about, as a value; None if it is about something else."""
    return Ref("tickets.ticket", plan.ticket_id, plan.ticket_key) if plan.ticket_id else None


def page_of(plan: Plan) -> str:
    """Where the plan of a ticket is read and signed: the review, or the run of which a step is to be left out."""
    return f"/tickets/{plan.ticket_key}/{'run' if plan.stage == Stage.SKIP else 'review'}"


def record(kind: str, plan: Plan, *, actor: Actor, at: datetime, data: Mapping[str, Any] | None = None) -> None:
    """An event about a plan."""
    audit.record(kind, actor=actor, at=at, subject=ref(plan), ticket=ticket_ref(plan), data=data)


def is_last_word(kind: str, plan: Plan, *, actor: Actor, data: Mapping[str, Any]) -> bool:
    """Whether the newest event of this kind that the actor left about a plan says just that."""
    about = ref(plan)
    said = Event.objects.filter(kind=kind, subject_kind=about.kind, subject_id=about.id, actor_name=actor.name)
    last = said.order_by("-id").first()
    return last is not None and audit.body_of(last) == data


def open_plan(new: NewPlan, *, actor: Actor, at: datetime) -> Plan:
    """A new plan, open for votes; voids the live one of the same subject and stage."""
    with transaction.atomic(savepoint=False):
        for live in live_plans(new.subject, stages=[new.stage]):
            void(live, reason="A newer plan took its place.", actor=actor, at=at)
        plan = Plan(
            stage=new.stage,
            subject_kind=new.subject.kind,
            subject_id=new.subject.id,
            ticket_key=new.ticket.name if new.ticket else "",
            ticket_id=new.ticket.id if new.ticket else None,
            category_id=new.category_id,
            risk=new.risk,
            severity=new.severity,
            content=new.content,
            digest=canonical.digest_of(new.content),
            makers=sorted(set(new.makers)),
            excluded=sorted({*new.makers, *new.excluded}),
            needed=new.needed,
            needed_groups=sorted(new.needed_groups),
            votes_last_minutes=new.votes_last_minutes,
            valid_until=new.valid_until,
            merge_plan=new.merge_plan,
            created_at=at,
            status_at=at,
        )
        statements.insert(plan)
        data = {
            "stage": plan.stage,
            "digest": plan.digest,
            "makers": plan.makers,
            "excluded": plan.excluded,
            "needed": plan.needed,
            "needed_groups": plan.needed_groups,
        }
        event = audit.to_record(
            "plan.opened", actor=actor, at=at, subject=ref(plan), ticket=ticket_ref(plan), data=data
        )
        statements.insert_together([event, *jobs.to_publish("plan.opened", subject_id=plan.pk, at=at)])
    return plan


def live_plans(subject: Ref, *, stages: Collection[Stage] = tuple(Stage)) -> list[Plan]:
    """Open and signed plans of a subject, locked, merge before rollout."""
    return _LIVE_ONES.all(kind=subject.kind, id=subject.id, stages=list(stages))


def _live() -> QuerySet[Plan]:
    of_subject = Plan.objects.select_for_update().filter(
        subject_kind=statements.given("kind"), subject_id=statements.given("id")
    )
    return of_subject.filter(among("stage", "stages"), status__in=LIVE).order_by("id")


_LIVE_ONES = Query(_live)
_VOTES = Query(lambda: Vote.objects.filter(plan=statements.given("plan")).order_by("id"))


def void(plan: Plan, *, reason: str, actor: Actor, at: datetime) -> None:
    """End a plan that may not be run any more; its votes are worth nothing from here on. The caller holds the lock."""
    move(plan, PlanStatus.VOID, next_states=NEXT, status_at=at, void_reason=reason)
    data = {"reason": reason, "stage": plan.stage, "digest": plan.digest}
    record("plan.voided", plan, actor=actor, at=at, data=data)


def withdraw(plan_id: int, *, person: Person, reason: str, door: Door, at: datetime) -> Plan:
    """Take back a signature, until the run claims the plan: everything live of its subject is void.

    Whoever signed may, and in whose stead somebody signed.
    """
    if not reason.strip():
        raise Refused(because("reason", "Say in a few words why you take your signature back.", "reason"))
    subject = Ref(*Plan.objects.values_list("subject_kind", "subject_id").get(pk=plan_id), "")
    with transaction.atomic():
        live = live_plans(subject)
        plan = _live_one(live, plan_id)
        if not plan.votes.filter(Q(person=person) | Q(principal=person)).exists():
            raise NotAllowed(because("not_signed", "You did not sign this plan, so there is nothing to take back."))
        actor = person.at(door)
        record("plan.withdrawn", plan, actor=actor, at=at, data={"reason": reason, "digest": plan.digest})
        for each in live:
            void(each, reason=f"{person.username} withdrew: {reason.strip()}", actor=actor, at=at)
    return plan


def claim(plan_id: int, *, actor: Actor, at: datetime) -> Plan:
    """Take a signed plan for its one run. Recomputes the digest, so that no changed text is ever run.

    Refused with `not_yet` before the time it was approved for: that passes. What lapsed does not.
    """
    with transaction.atomic():
        plan = Plan.objects.select_for_update().get(pk=plan_id)
        if plan.status != PlanStatus.SIGNED:
            raise StaleTransition(because("not_signed", f"The plan is {plan.status}, so nothing may run under it."))
        if reason := lapsed(plan, at=at):
            raise StaleTransition(reason)
        if reason := not_yet(plan, at=at):
            raise Refused(reason)
        if canonical.digest_of(plan.content) != plan.digest:
            raise Refused(because("digest", "The plan's text does not match the digest that was signed."))
        move(plan, PlanStatus.CLAIMED, next_states=NEXT, status_at=at)
        record("plan.claimed", plan, actor=actor, at=at)
    return plan


def lapsed(plan: Plan, *, at: datetime) -> Reason | None:
    """Why a live plan leads to nothing any more; None: it still may.

    A window that people approved ahead takes the place of `valid_until`: they said when the run may start.
    """
    votes = given(plan)
    span = quorum.window(votes)
    if span and span.runs_until <= at:
        return because("expired", f"It was approved for {span}, and no run claimed it in that time.")
    if any(vote.expires_at <= at for vote in votes):
        return because("expired", "A signature on it expired. Ask for a fresh plan and sign that.")
    if plan.valid_until <= at and not (span and plan.status == PlanStatus.SIGNED):
        return because("expired", "The plan has expired. Ask for a fresh one.")
    return _uncertified(plan, at) if votes or plan.merge_plan_id else None


def not_yet(plan: Plan, *, at: datetime) -> Reason | None:
    """Why a run must still wait for the time it was approved for; None: it need not."""
    span = window_of(plan)
    return because("not_yet", f"It was approved for {span}.") if span and at < span.runs_from else None


def window_of(plan: Plan) -> Window | None:
    """When the run may start, if people approved ahead."""
    return quorum.window(given(plan))


def votes_of(plan: Plan) -> list[Vote]:
    """The votes on a plan, in the order in which they were given."""
    return _VOTES.all(plan=plan.pk)


def given(plan: Plan) -> list[Given]:
    """What was voted so far. On a live plan every vote counts: the first that expires ends the plan."""
    return [as_given(vote) for vote in votes_of(plan)]


def _gone() -> QuerySet[Certificate]:
    value = statements.given
    used = Certificate.objects.filter(Q(votes__plan=value("plan")) | Q(votes__plan=value("merge")))
    return used.filter(Q(revoked_at__isnull=False) | Q(expires_at__lte=value("at"))).order_by("id")[:1]


_GONE = Query(_gone)


def as_given(vote: Vote) -> Given:
    """A vote as the pure rules see it."""
    return Given(frozenset(vote.groups), vote.expires_at, vote.runs_from, vote.runs_until)


def required(plan: Plan) -> Requirement:
    """What the plan was opened with."""
    return Requirement(plan.needed, tuple(plan.needed_groups))


def missing(plan: Plan) -> list[str]:
    """What still stands between the plan and its completion, in words."""
    if plan.status != PlanStatus.OPEN:
        return []
    short = quorum.lacking(required(plan), given(plan))
    groups = Group.objects.filter(pk__in=short.groups) if short.groups else Group.objects.none()
    names = groups.values_list("name", flat=True).order_by("name")
    votes = [f"{short.needed} {plan.stage} sign-off{'s' if short.needed > 1 else ''}"] if short.needed else []
    return [*votes, *(f"a {plan.stage} sign-off by {name}" for name in names)]


def sweep(*, at: datetime) -> int:
    """End what nobody signed or claimed in time, and tell whoever listens (`plan.expired`); returns how many."""
    ended = [_end(pk, at) for pk in list(_expired(at).values_list("pk", flat=True)[:AT_ONCE])]
    return sum(ended)


def _live_one(live: Sequence[Plan], plan_id: int) -> Plan:
    plan = next((each for each in live if each.pk == plan_id), None)
    runs = Plan.objects.filter(merge_plan=plan_id, status=PlanStatus.CLAIMED)
    if plan is None or runs.exists():
        status = Plan.objects.values_list("status", flat=True).get(pk=plan_id)
        text = f"The plan is {status}." if plan is None and status == PlanStatus.VOID else "The run has claimed it."
        raise StaleTransition(because("not_live", f"{text} There is nothing to take back any more."))
    return plan


def _uncertified(plan: Plan, at: datetime) -> Reason | None:
    """Why the certificate does not hold any more under which a machine signed the plan, or its merge plan."""
    if gone := _GONE.first(plan=plan.pk, merge=plan.merge_plan_id, at=at):
        why = f"was revoked: {gone.revoke_reason}" if gone.revoked_at else "expired."
        return because("certificate", f"The certificate that a machine signed under {why}")
    return None


def _expired(at: datetime) -> QuerySet[Plan]:
    """Plans that may have lapsed; a signed merge plan has led to its rollout plan, and ends with that."""
    votes = Vote.objects.filter(plan=OuterRef("pk"))
    waiting = Q(status=PlanStatus.OPEN) | Q(status=PlanStatus.SIGNED, stage=Stage.ROLLOUT)
    ahead = Q(status=PlanStatus.SIGNED) & Exists(votes.exclude(runs_from=None))
    too_old = Q(valid_until__lte=at) & ~ahead
    return Plan.objects.filter(waiting).filter(too_old | Exists(votes.filter(expires_at__lte=at))).order_by(F("id"))


def _end(plan_id: int, at: datetime) -> bool:
    with transaction.atomic():
        plan = Plan.objects.select_for_update(skip_locked=True).filter(pk=plan_id, status__in=LIVE).first()
        reason = lapsed(plan, at=at) if plan else None
        if plan is None or reason is None:
            return False
        void(plan, reason=reason.text, actor=CLOCK, at=at)
        jobs.publish("plan.expired", subject_id=plan.pk, at=at)
    return True
