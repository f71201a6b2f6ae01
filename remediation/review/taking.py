"""“I'm on it”: somebody takes a remediation, so that others turn to another one. It ends by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Least

from portal.access.models import Person
from portal.audit import services as audit
from portal.kit.actors import Door
from portal.kit.refusals import StaleTransition, because
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.drafting.states import WAITING
from remediation.review import standing
from remediation.review.models import Take

LASTS = timedelta(minutes=30)


def take(remediation_id: int, *, person: Person, door: Door, at: datetime) -> Take:
    """Be on it for the next half hour; taking again begins a new one."""
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        standing.refuse_outsider(remediation, person)
        if remediation.status not in WAITING:
            raise StaleTransition(
                because("not_waiting", f"The remediation is {remediation.status}; it waits for nobody.")
            )
        taken = standing.taken_of([remediation], at=at).get(remediation.pk)
        if taken and taken.person_id != person.pk:
            text = f"{taken.person} is on it until {taken.until:%H:%M} UTC."
            raise StaleTransition(because("taken", text))
        _end(Take.objects.filter(remediation=remediation), at)
        made = Take.objects.create(remediation=remediation, person=person, taken_at=at, until=at + LASTS)
        data = {"until": made.until.isoformat()}
        ticket = remediation.ticket.ref
        audit.record("review.taken", actor=person.at(door), at=at, subject=remediation.ref, ticket=ticket, data=data)
    return made


def release(remediation_id: int, *, person: Person, door: Door, at: datetime) -> None:
    """Leave it to others. Only whoever is on it does that; the others wait for its end."""
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        taken = standing.taken_of([remediation], at=at).get(remediation.pk)
        if taken is None or taken.person_id != person.pk:
            raise StaleTransition(because("not_taken", "You are not on it."))
        _end(Take.objects.filter(remediation=remediation), at)
        ticket = remediation.ticket.ref
        audit.record("review.released", actor=person.at(door), at=at, subject=remediation.ref, ticket=ticket)


def end(remediation: Remediation, person: Person, *, at: datetime) -> None:
    """Whoever decided is no longer on it; the caller holds the lock and records the decision."""
    _end(Take.objects.filter(remediation=remediation, person=person), at)


def _end(takes: QuerySet[Take], at: datetime) -> None:
    """End what stands; what timed out ended when it timed out."""
    takes.filter(released_at=None).update(released_at=Least(F("until"), at))
