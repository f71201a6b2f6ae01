"""Tells people about a review what they do not see for themselves."""

from __future__ import annotations

from datetime import datetime

from portal.access.models import Person
from portal.notices import services as notices
from portal.signoff.models import Plan


def signers(plan_id: int, *, at: datetime) -> str:
    """Tell everybody who signed a plan that it is void, and why."""
    plan = Plan.objects.get(pk=plan_id)
    people = Person.objects.filter(votes__plan=plan, kind=Person.Kind.HUMAN).distinct()
    text = f"{plan.ticket_key}: the {plan.stage} plan you signed is void. {plan.void_reason}"
    path = f"/tickets/{plan.ticket_key}/review"
    told = notices.tell(
        people, kind="review", ticket_key=plan.ticket_key, text=text, path=path, at=at, key=f"plan:{plan.pk}:untrue"
    )
    return f"Told {told} people."
