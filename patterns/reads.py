"""What reliability is computed from: recent feedback as pure facts. Bounded, so that it does not grow with history."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q

from patterns.models import Occurrence
from patterns.reliability import FeedbackFacts

WINDOW = timedelta(days=365)
"""Older feedback weighs less than 0.03% of today's (twelve half-lives) and is left out."""
MOST = 500


def feedback_of_pattern(pattern_id: int, at: datetime) -> list[FeedbackFacts]:
    """The newest feedback of a pattern, one per person and ticket."""
    return _facts(_recent(Q(pattern_id=pattern_id), at))


def feedback_of_category(category_id: int, at: datetime) -> list[FeedbackFacts]:
    """The newest feedback of a category, one per person and ticket."""
    return _facts(_recent(Q(pattern__category_id=category_id), at))


def _recent(where: Q, at: datetime) -> Iterable[Occurrence]:
    rows = Occurrence.objects.filter(where, kind=Occurrence.Kind.FEEDBACK, at__gt=at - WINDOW, at__lte=at)
    return rows.order_by("-at", "-id")[:MOST]


def _facts(newest_first: Iterable[Occurrence]) -> list[FeedbackFacts]:
    latest: dict[tuple[int, int | None], Occurrence] = {}
    for row in newest_first:
        latest.setdefault((row.ticket_id, row.person_id), row)
    return [
        FeedbackFacts(
            feedback_type=row.feedback_type,  # type: ignore[arg-type]  # the database checks the choices
            rating=row.rating or 0,
            at=row.at,
            resolution_accurate=row.resolution_accurate,
            actions_worked=row.actions_worked,
        )
        for row in latest.values()
    ]
