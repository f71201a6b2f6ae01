"""How jobs about plans, certificates and stops are shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.jobs.subjects import Subject, finder
from portal.signoff.models import Certificate, Plan, Stop


@finder("signoff.plan")
def plans(ids: Collection[int]) -> Mapping[int, Subject]:
    """Plans of tickets; what asks for a certificate has no page of its own."""
    rows = (
        Plan.objects.filter(pk__in=ids).exclude(ticket_key="").values_list("pk", "stage", "ticket_key", "category_id")
    )
    return {
        pk: Subject(f"{stage} plan {pk} of {key}", f"/tickets/{key}/review", category)
        for pk, stage, key, category in rows
    }


@finder("signoff.certificate")
def certificates(ids: Collection[int]) -> Mapping[int, Subject]:
    """Certificates by their numbers."""
    rows = Certificate.objects.filter(pk__in=ids).values_list("pk", "category_id")
    return {pk: Subject(f"certificate #{pk}", f"/certificates/{pk}", category) for pk, category in rows}


@finder("signoff.stop")
def stops(ids: Collection[int]) -> Mapping[int, Subject]:
    """Emergency stops, by what they cover."""
    return {stop.pk: Subject(f"stop of {stop.covers}", "/stop") for stop in Stop.objects.filter(pk__in=ids)}
