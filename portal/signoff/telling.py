"""Tells people of stops, delegations and ended plans, after the fact: a stop waits for no notice (law 9)."""

from __future__ import annotations

from datetime import datetime

from portal.access import grants
from portal.access.models import Person
from portal.notices import services as notices
from portal.signoff import duties, plans
from portal.signoff.models import Delegation, Plan, Stop


def of_stop(stop_id: int, *, at: datetime) -> int:
    """Everybody who may stop and release hears of a stop; returns how many."""
    stop = Stop.objects.select_related("engaged_by").get(pk=stop_id)
    return _of_stop(stop, stop.says, "engaged", at)


def of_release(stop_id: int, *, at: datetime) -> int:
    """The same people hear that work goes on."""
    stop = Stop.objects.select_related("released_by").get(pk=stop_id)
    return _of_stop(stop, f"{stop.released_by} released the stop of {stop.covers}. Work goes on.", "released", at)


def of_delegation(delegation_id: int, *, at: datetime) -> int:
    """Whoever shall sign for somebody hears of it."""
    row = Delegation.objects.select_related("from_person", "to_person", "category").get(pk=delegation_id)
    where = f" in {row.category.name}" if row.category else ""
    when = f"from {row.starts_at:%Y-%m-%d %H:%M} until {row.ends_at:%Y-%m-%d %H:%M} UTC"
    return notices.tell(
        [row.to_person],
        kind="delegation",
        ticket_key="",
        text=f"You sign in the place of {row.from_person}{where}, {when}: {row.reason}",
        path="/delegations",
        at=at,
        key=f"delegation:{row.pk}:given",
    )


def of_expiry(plan_id: int, *, at: datetime) -> int:
    """Makers and signers of a plan of a ticket hear that it ended; certificates have words of their own."""
    plan = Plan.objects.get(pk=plan_id)
    if not plan.ticket_key:
        return 0
    part = {*plan.makers, *duties.signers_of(plan)}
    return notices.tell(
        Person.objects.filter(pk__in=part, is_active=True, kind=Person.Kind.HUMAN),
        kind="review",
        ticket_key=plan.ticket_key,
        text=f"{plan.ticket_key}: the {plan.stage} plan ended. {plan.void_reason}",
        path=plans.page_of(plan),
        at=at,
        key=f"plan:{plan.pk}:ended",
    )


def _of_stop(stop: Stop, text: str, what: str, at: datetime) -> int:
    people = grants.with_permission("signoff.add_stop")
    key = f"stop:{stop.pk}:{what}"
    return notices.tell(people, kind="stop", ticket_key="", text=text, path="/stop", at=at, key=key)
