"""How jobs about patterns are shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from patterns.models import Pattern
from portal.jobs.subjects import Subject, finder


@finder("patterns.pattern")
def patterns(ids: Collection[int]) -> Mapping[int, Subject]:
    """Patterns by their numbers."""
    rows = Pattern.objects.filter(pk__in=ids).values_list("pk", "category_id")
    return {pk: Subject(f"pattern {pk}", f"/patterns/{pk}", category) for pk, category in rows}
