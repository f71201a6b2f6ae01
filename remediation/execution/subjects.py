"""How jobs about runs are shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.jobs.subjects import Subject, finder
from remediation.execution.models import Run


@finder("execution.run")
def runs(ids: Collection[int]) -> Mapping[int, Subject]:
    """Runs, by the tickets they are for."""
    rows = Run.objects.filter(pk__in=ids).values_list("pk", "plan__ticket_key", "plan__category_id")
    return {pk: Subject(f"run {pk} of {key}", f"/tickets/{key}/run", category) for pk, key, category in rows}
