"""Signing in somebody's stead: from, to, until. A delegate has the rights of who delegated, for signing and no more.

Law 4 holds for both people: whoever is excluded from a plan neither signs for another nor has another sign for them.
What was delegated to somebody cannot be handed on, because a delegation speaks for its own giver's grants.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.estate.models import VERBS, Category
from portal.jobs import services as jobs
from portal.kit.actors import Actor, Door, Ref
from portal.kit.refusals import NotAllowed, Reason, Refused, StaleTransition, because
from portal.signoff.models import Delegation, Plan

LONGEST = timedelta(days=90)
SIGNING = tuple(verb for verb in VERBS if verb.startswith("sign_"))


def delegate(
    *,
    person: Person,
    to: Person,
    category: Category | None,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    door: Door,
    at: datetime,
) -> Delegation:
    """Let somebody sign in your stead for a while, in one category or in all of yours."""
    if not may_delegate(person, category):
        where = f"in the category {category.name}" if category else "anywhere"
        raise NotAllowed(because("no_right", f"You have no signing right {where} that you could delegate."))
    delegation = Delegation(
        from_person=person,
        to_person=to,
        category=category,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason.strip(),
        created_at=at,
    )
    if problems := _problems(delegation):
        raise Refused(*problems)
    with transaction.atomic():
        delegation.save(force_insert=True)
        data = {
            "to": to.username,
            "category": category.slug if category else None,
            "starts_at": starts_at.isoformat(),
            "ends_at": ends_at.isoformat(),
            "reason": delegation.reason,
        }
        _record("delegation.given", delegation, actor=person.at(door), at=at, data=data)
        jobs.publish("delegation.given", subject_id=delegation.pk, at=at)
    return delegation


def end_delegation(delegation_id: int, *, person: Person, door: Door, at: datetime) -> Delegation:
    """End a delegation before its time; either of the two may. Votes that were given under it stay."""
    with transaction.atomic():
        rows = Delegation.objects.select_for_update(of=("self",)).select_related("from_person", "to_person")
        delegation = rows.get(pk=delegation_id)
        if person.pk not in (delegation.from_person_id, delegation.to_person_id):
            raise NotAllowed(because("not_yours", "The two people of a delegation end it."))
        if delegation.revoked_at or delegation.ends_at <= at:
            raise StaleTransition(because("ended", "This delegation has ended before."))
        delegation.revoked_at = at
        delegation.save(update_fields=["revoked_at"])
        _record("delegation.ended", delegation, actor=person.at(door), at=at, data={})
    return delegation


def of(person: Person) -> QuerySet[Delegation]:
    """Delegations a person gave or received, the newest first."""
    rows = Delegation.objects.filter(Q(from_person=person) | Q(to_person=person))
    return rows.select_related("from_person", "to_person", "category")


def received(plan: Plan, person: Person, *, at: datetime) -> list[Delegation]:
    """The delegations under which this person could sign this plan for others, as far as law 4 goes."""
    if person.pk in plan.excluded:
        return []
    live = Delegation.objects.filter(to_person=person, revoked_at=None, starts_at__lte=at, ends_at__gt=at)
    here = live.filter(Q(category=None) | Q(category_id=plan.category_id)).exclude(from_person_id__in=plan.excluded)
    signed = plan.votes.values("principal")
    return list(here.exclude(from_person__in=signed).select_related("from_person").order_by("id"))


def state_of(delegation: Delegation, *, at: datetime) -> str:
    """Whether it is in force: live, planned or ended."""
    if delegation.revoked_at or delegation.ends_at <= at:
        return "ended"
    return "live" if delegation.starts_at <= at else "planned"


def may_delegate(person: Person, category: Category | None = None) -> bool:
    """Whether the person has a signing right of their own, in one category or in any."""
    granted = grants.of(person)
    rights = [
        granted.may(verb, category.pk) if category else granted.categories(verb) != frozenset() for verb in SIGNING
    ]
    return person.kind == Person.Kind.HUMAN and any(rights)


def find(delegation_id: int, *, plan: Plan, person: Person, at: datetime) -> Delegation:
    """The delegation a vote names; NotAllowed unless it is to this person, for this category and in force."""
    rows = Delegation.objects.select_related("from_person").filter(pk=delegation_id, to_person=person)
    delegation = rows.first()
    if delegation is None:
        raise NotAllowed(because("delegation", "Nobody delegated this to you.", "delegation"))
    in_force = delegation.revoked_at is None and delegation.starts_at <= at < delegation.ends_at
    if not in_force or delegation.category_id not in (None, plan.category_id):
        text = f"The delegation by {delegation.from_person} does not cover this plan now."
        raise NotAllowed(because("delegation", text, "delegation"))
    return delegation


def _problems(new: Delegation) -> list[Reason]:
    found = []
    if new.to_person_id == new.from_person_id:
        found.append(because("self", "Delegate to somebody else.", "to"))
    if new.to_person.kind != Person.Kind.HUMAN or not new.to_person.is_active:
        found.append(because("not_a_person", f"{new.to_person} is not a person who can sign in.", "to"))
    if new.ends_at <= max(new.starts_at, new.created_at):
        found.append(because("ends_at", "A delegation ends after it starts, and not in the past.", "ends_at"))
    elif new.ends_at - new.starts_at > LONGEST:
        found.append(because("too_long", f"A delegation lasts {LONGEST.days} days at most.", "ends_at"))
    if not new.reason:
        found.append(because("reason", "Say why, in a few words.", "reason"))
    return found


def _record(kind: str, delegation: Delegation, *, actor: Actor, at: datetime, data: dict[str, str | None]) -> None:
    audit.record(kind, actor=actor, at=at, subject=Ref("signoff.delegation", delegation.pk, str(delegation)), data=data)
