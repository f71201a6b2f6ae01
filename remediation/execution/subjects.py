"""How jobs about runs and rehearsals are shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.jobs.subjects import Subject, finder
from remediation.execution.models import Run
from remediation.wayback.models import Rehearsal


@finder("execution.run")
def runs(ids: Collection[int]) -> Mapping[int, Subject]:
    """Runs, by the tickets they are for."""
    rows = Run.objects.filter(pk__in=ids).values_list("pk", "plan__ticket_key", "plan__category_id")
    return {pk: Subject(f"run {pk} of {key}", f"/tickets/{key}/run", category) for pk, key, category in rows}


@finder("wayback.rehearsal")
def rehearsals(ids: Collection[int]) -> Mapping[int, Subject]:
    """Rehearsals, by the tickets whose plans they rehearse."""
    rows = Rehearsal.objects.filter(pk__in=ids).values_list("pk", "ticket_key", "category_id")
    return {pk: Subject(f"rehearsal {pk} of {key}", f"/tickets/{key}/review", category) for pk, key, category in rows}
