"""How jobs about feedback are shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from feedback.models import Feedback
from portal.jobs.subjects import Subject, finder


@finder("feedback.feedback")
def answers(ids: Collection[int]) -> Mapping[int, Subject]:
    """Answers, by the tickets they are about."""
    rows = Feedback.objects.filter(pk__in=ids).values_list("pk", "ticket__key", "ticket__category_id")
    return {pk: Subject(f"feedback on {key}", f"/tickets/{key}", category) for pk, key, category in rows}
