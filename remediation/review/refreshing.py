"""A person asks for a fresh look at the targets, because the evidence grew old."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.jobs import services as jobs
from portal.kit.actors import Door
from portal.kit.refusals import Refused, StaleTransition, because
from portal.signoff.states import PlanStatus
from remediation.drafting import services as remediations
from remediation.review import looking, plans, standing


def look_again(remediation_id: int, *, person: Person, door: Door, at: datetime) -> None:
    """Have the pre-flights of the live plan asked again; what they show becomes evidence in a moment."""
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        grants.require(person, "review", remediation.category)
        plan = standing.plan_of(remediation)
        if plan is None or plan.status == PlanStatus.CLAIMED:
            raise StaleTransition(because("no_plan", "There is no plan whose targets could be looked at."))
        if not looking.independent(plans.read(plan.content).steps):
            text = "People run these commands, and no probe can look for them. Add what you see as evidence."
            raise Refused(because("for_people", text))
        jobs.enqueue("review.look", subject_id=remediation.pk, payload={"person": person.pk}, at=at)
        ticket = remediation.ticket.ref
        audit.record("review.look_asked", actor=person.at(door), at=at, subject=remediation.ref, ticket=ticket)
