"""What reliability is computed from: recent feedback as pure facts. Bounded, so that it does not grow with history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet, Value

from patterns.models import Occurrence
from patterns.reliability import FeedbackFacts, is_negative
from portal.kit import recall
from portal.kit.statements import Query, given

WINDOW = timedelta(days=365)
"""Older feedback weighs less than 0.03% of today's (twelve half-lives) and is left out."""
MOST = 500


@dataclass(frozen=True, slots=True)
class Pending:
    """An answer that is being recorded: the reliability stored with it already counts it."""

    ticket_id: int
    person_id: int
    facts: FeedbackFacts


def feedback_of_pattern(pattern_id: int, at: datetime, *, pending: Pending | None = None) -> list[FeedbackFacts]:
    """The newest feedback of a pattern, one per person and ticket."""
    rows = recall.or_ask(
        ("feedback of pattern", pattern_id), lambda: _OF_PATTERN.all(pattern=pattern_id, since=at - WINDOW, at=at)
    )
    return _latest(_facts(rows), pending)


def feedback_of_category(category_id: int, at: datetime, *, pending: Pending | None = None) -> list[FeedbackFacts]:
    """The newest feedback of a category, one per person and ticket."""
    rows = recall.or_ask(
        ("feedback of category", category_id), lambda: _OF_CATEGORY.all(category=category_id, since=at - WINDOW, at=at)
    )
    return _latest(_facts(rows), pending)


def executed(pattern_id: int, *, action: str = "", environment: str = "") -> list[Occurrence]:
    """The newest runs of a pattern, newest first; of one kind of fix only, where one is named."""
    rows = Occurrence.objects.filter(pattern_id=pattern_id, kind=Occurrence.Kind.EXECUTED)
    if action:
        rows = rows.filter(action=action, environment=environment)
    return list(rows.order_by("-id")[:MOST])


def newest_executed(pattern: Value, *, most: int) -> QuerySet[Occurrence]:
    """The newest runs of a pattern, for a query to look into: a run is what succeeded or did not."""
    return Occurrence.objects.filter(pattern=pattern, succeeded__isnull=False).order_by("-id")[:most]


def disliked(pattern_id: int, tickets: Collection[int]) -> set[int]:
    """Of these tickets, those of which somebody's newest answer says that it did not help."""
    rows = Occurrence.objects.filter(
        pattern_id=pattern_id, kind=Occurrence.Kind.FEEDBACK, ticket_id__in=tickets
    ).order_by("at", "id")
    latest = {(row.ticket_id, row.person_id): row for row in rows}
    return {ticket for (ticket, _), row in latest.items() if is_negative(row)}  # type: ignore[arg-type]  # one of the choices


def _recent(where: Q) -> QuerySet[Occurrence]:
    """Newest first."""
    is_feedback = Q(kind=Occurrence.Kind.FEEDBACK)
    rows = Occurrence.objects.filter(where, is_feedback, at__gt=given("since"), at__lte=given("at"))
    return rows.order_by("-at", "-id")[:MOST]


_OF_PATTERN = Query(lambda: _recent(Q(pattern_id=given("pattern"))))
_OF_CATEGORY = Query(lambda: _recent(Q(pattern__category_id=given("category"))))


def _facts(rows: Iterable[Occurrence]) -> Iterator[Pending]:
    for row in rows:
        facts = FeedbackFacts(
            feedback_type=row.feedback_type,  # type: ignore[arg-type]  # one of the choices
            rating=row.rating or 0,
            at=row.at,
            resolution_accurate=row.resolution_accurate,
            actions_worked=row.actions_worked,
        )
        yield Pending(row.ticket_id, row.person_id or 0, facts)


def _latest(newest_first: Iterable[Pending], pending: Pending | None) -> list[FeedbackFacts]:
    latest = {(pending.ticket_id, pending.person_id): pending.facts} if pending else {}
    for one in newest_first:
        latest.setdefault((one.ticket_id, one.person_id), one.facts)
    return list(latest.values())
