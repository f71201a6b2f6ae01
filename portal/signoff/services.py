"""The verbs of a plan: open, sign, void, claim. One sign-off for everything that needs people (laws 3 and 4).

Every verb locks the plan's row first, so that fifty people at the same instant take turns.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from portal.access.models import Person
from portal.audit import services as audit
from portal.kit import canonical
from portal.kit.actors import Actor, Door, Ref
from portal.kit.moving import move
from portal.kit.refusals import NotAllowed, Reason, Refused, StaleTransition, because
from portal.signoff.models import Plan, Vote
from portal.signoff.states import NEXT, PlanStatus, Stage


@dataclass(frozen=True, slots=True)
class NewPlan:
    """What a plan is opened with; `content` is canonical text."""

    stage: Stage
    subject: Ref
    ticket: Ref
    category_id: int
    risk: str
    content: str
    makers: Collection[int]
    excluded: Collection[int]
    needed: int
    valid_until: datetime
    merge_plan: Plan | None = None
    severity: str = ""
    needed_groups: Collection[int] = ()
    votes_last_minutes: int = 240


def ref(plan: Plan) -> Ref:
    """The plan as a value."""
    return Ref("signoff.plan", plan.pk, f"{plan.stage} plan {plan.digest[:12]}")


def ticket_ref(plan: Plan) -> Ref:
    """The ticket the plan is about, as a value."""
    return Ref("tickets.ticket", plan.ticket_id or 0, plan.ticket_key)


def open_plan(new: NewPlan, *, actor: Actor, at: datetime) -> Plan:
    """A new plan, open for votes; voids the live one of the same subject and stage."""
    with transaction.atomic():
        for live in live_plans(new.subject, stages=[new.stage]):
            void(live, reason="A newer plan took its place.", actor=actor, at=at)
        plan = Plan.objects.create(
            stage=new.stage,
            subject_kind=new.subject.kind,
            subject_id=new.subject.id,
            ticket_key=new.ticket.name,
            ticket_id=new.ticket.id,
            category_id=new.category_id,
            risk=new.risk,
            content=new.content,
            digest=canonical.digest_of(new.content),
            makers=sorted(set(new.makers)),
            excluded=sorted({*new.makers, *new.excluded}),
            needed=new.needed,
            needed_groups=sorted(new.needed_groups),
            votes_last_minutes=new.votes_last_minutes,
            severity=new.severity,
            valid_until=new.valid_until,
            merge_plan=new.merge_plan,
            created_at=at,
            status_at=at,
        )
        data = {"stage": plan.stage, "digest": plan.digest, "makers": plan.makers, "excluded": plan.excluded}
        audit.record("plan.opened", actor=actor, at=at, subject=ref(plan), ticket=ticket_ref(plan), data=data)
    return plan


def live_plans(subject: Ref, *, stages: Collection[Stage] = tuple(Stage)) -> list[Plan]:
    """Open and signed plans of a subject, locked, merge before rollout."""
    live = Plan.objects.select_for_update().filter(
        subject_kind=subject.kind,
        subject_id=subject.id,
        stage__in=stages,
        status__in=[PlanStatus.OPEN, PlanStatus.SIGNED],
    )
    return list(live.order_by("id"))


def give(plan_id: int, *, digest: str, person: Person, comment: str, door: Door, at: datetime) -> Plan:
    """Sign the text with this digest. Returns the plan, signed if this was the last vote it needed."""
    with transaction.atomic():
        plan = Plan.objects.select_for_update().get(pk=plan_id)
        _refuse_person(plan, person)
        _refuse_stale(plan, digest, at)
        _vote(plan, person, comment, door, at)
        actor = person.at(door)
        data = {"stage": plan.stage, "digest": plan.digest, "comment": comment}
        audit.record("plan.signed", actor=actor, at=at, subject=ref(plan), ticket=ticket_ref(plan), data=data)
        if plan.votes.count() >= plan.needed:
            move(plan, PlanStatus.SIGNED, next_states=NEXT, status_at=at)
            audit.record("plan.completed", actor=actor, at=at, subject=ref(plan), ticket=ticket_ref(plan))
    return plan


def void(plan: Plan, *, reason: str, actor: Actor, at: datetime) -> None:
    """End a plan that may not be run any more; its votes are worth nothing from here on. The caller holds the lock."""
    move(plan, PlanStatus.VOID, next_states=NEXT, status_at=at, void_reason=reason)
    data = {"reason": reason, "stage": plan.stage, "digest": plan.digest}
    audit.record("plan.voided", actor=actor, at=at, subject=ref(plan), ticket=ticket_ref(plan), data=data)


def claim(plan_id: int, *, actor: Actor, at: datetime) -> Plan:
    """Take a signed plan for its one run. Recomputes the digest, so that no changed text is ever run."""
    with transaction.atomic():
        plan = Plan.objects.select_for_update().get(pk=plan_id)
        if plan.status != PlanStatus.SIGNED:
            raise StaleTransition(because("not_signed", f"The plan is {plan.status}, so nothing may run under it."))
        if plan.valid_until <= at:
            raise StaleTransition(because("expired", "The plan expired before it was claimed. Sign it again."))
        if canonical.digest_of(plan.content) != plan.digest:
            raise Refused(because("digest", "The plan's text does not match the digest that was signed."))
        move(plan, PlanStatus.CLAIMED, next_states=NEXT, status_at=at)
        audit.record("plan.claimed", actor=actor, at=at, subject=ref(plan), ticket=ticket_ref(plan))
    return plan


def missing(plan: Plan) -> list[str]:
    """What still stands between the plan and its completion, in words."""
    lacking = plan.needed - plan.votes.count()
    if plan.status != PlanStatus.OPEN or lacking <= 0:
        return []
    return [f"{lacking} {plan.stage} sign-off{'s' if lacking > 1 else ''}"]


def why_not(plan: Plan, person: Person) -> Reason | None:
    """Why this person's vote on this plan would not be taken, whatever their grants; None: it would."""
    if person.kind != Person.Kind.HUMAN:
        return because("machine", "A machine account cannot sign for a person.")
    if person.pk in plan.makers:
        return because("maker", "You asked for this or wrote part of it, so somebody else signs it.")
    if person.pk in plan.excluded:
        return because("signed_merge", "You signed the merge stage, so somebody else signs the rollout.")
    return None


def _refuse_person(plan: Plan, person: Person) -> None:
    if reason := why_not(plan, person):
        raise NotAllowed(reason)


def _refuse_stale(plan: Plan, digest: str, at: datetime) -> None:
    if plan.status != PlanStatus.OPEN:
        why = plan.void_reason or "It has all the votes it needs."
        raise StaleTransition(because("not_open", f"The {plan.stage} plan is {plan.status}. {why}", "digest"))
    if digest != plan.digest:
        raise StaleTransition(because("changed", "The plan changed since you looked. Read it again.", "digest"))
    if plan.valid_until <= at:
        raise StaleTransition(because("expired", "The plan has expired. Ask for a fresh one.", "digest"))


def _vote(plan: Plan, person: Person, comment: str, door: Door, at: datetime) -> None:
    try:
        with transaction.atomic():
            Vote.objects.create(
                plan=plan,
                digest=plan.digest,
                excluded=plan.excluded,
                person=person,
                principal=person,
                groups=sorted(person.groups.values_list("pk", flat=True)),
                comment=comment,
                door=door,
                at=at,
                expires_at=at + timedelta(minutes=plan.votes_last_minutes),
            )
    except IntegrityError as error:
        if "one_vote_per_person" in str(error):
            raise StaleTransition(because("signed_before", "You have signed this plan already.")) from error
        raise
