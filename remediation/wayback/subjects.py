"""How jobs about rehearsals are shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.jobs.subjects import Subject, finder
from remediation.wayback.models import Rehearsal


@finder("wayback.rehearsal")
def rehearsals(ids: Collection[int]) -> Mapping[int, Subject]:
    """Rehearsals, by the tickets of their plans."""
    rows = Rehearsal.objects.filter(pk__in=ids).values_list("pk", "ticket_key", "category_id")
    return {pk: Subject(f"rehearsal {pk} of {key}", f"/tickets/{key}/review", category) for pk, key, category in rows}
