"""How jobs about drafts are shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.jobs.subjects import Subject, finder
from remediation.drafting.models import Remediation, Revision


@finder("drafting.remediation")
def remediations(ids: Collection[int]) -> Mapping[int, Subject]:
    """Drafts, by the tickets they are for."""
    rows = Remediation.objects.filter(pk__in=ids).values_list("pk", "ticket__key", "category_id")
    return {pk: Subject(f"draft for {key}", f"/tickets/{key}/review", category) for pk, key, category in rows}


@finder("drafting.revision")
def revisions(ids: Collection[int]) -> Mapping[int, Subject]:
    """Revisions, by their number and the ticket they are for."""
    rows = Revision.objects.filter(pk__in=ids).values_list(
        "pk", "number", "remediation__ticket__key", "remediation__category_id"
    )
    return {
        pk: Subject(f"revision {number} for {key}", f"/tickets/{key}/review", category)
        for pk, number, key, category in rows
    }
