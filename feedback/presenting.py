"""What the feedback pages show: what an answer changed, and what people said about a ticket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count
from django.http import HttpRequest

from feedback.models import Feedback
from patterns.models import Pattern
from patterns.standing import Standing
from portal.access.pages import person_of
from remediation.policy.models import Assessment, Moment
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket
from remediation.tickets.states import TicketStatus

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Change:
    """One figure before and after an answer; None where there was no data."""

    name: str
    before: float | None
    after: float | None
    unit: str = ""

    @property
    def word(self) -> str:
        """Which way it went; empty where it stayed or nothing was known."""
        if self.before is None or self.after is None or self.before == self.after:
            return ""
        return "up" if self.after > self.before else "down"

    @property
    def tone(self) -> str:
        """More is better for every figure here."""
        return {"up": "good", "down": "bad"}.get(self.word, "")


@dataclass(frozen=True, slots=True)
class Effect:
    """What an answer changed: the ticket's reliability, the pattern's standing, and what the next decision will see."""

    pattern: Pattern
    changes: tuple[Change, ...]
    was_eligible: bool
    is_eligible: bool
    reasons: tuple[str, ...]


def effect_of(given: Feedback) -> Effect | None:
    """What an answer changed; None until it has been learned."""
    lesson = given.lessons.select_related("pattern").filter(answered_at=given.updated_at).first()
    if lesson is None:
        return None
    before, after = Standing(**lesson.before), Standing(**lesson.after)
    return Effect(
        pattern=lesson.pattern,
        changes=(_reliability(given), *_standing(before, after)),
        was_eligible=before.eligible,
        is_eligible=after.eligible,
        reasons=tuple(after.reasons),
    )


def _reliability(given: Feedback) -> Change:
    of_ticket = Assessment.objects.filter(remediation__ticket=given.ticket_id)
    after = of_ticket.filter(moment=Moment.FEEDBACK, at=given.updated_at).last()
    earlier = of_ticket.filter(remediation=after.remediation_id, pk__lt=after.pk).last() if after else None
    return Change("Reliability of this ticket", _overall(earlier), _overall(after))


def _overall(assessment: Assessment | None) -> float | None:
    return None if assessment is None else assessment.overall_permille / 10


def _standing(before: Standing, after: Standing) -> tuple[Change, ...]:
    return (
        Change("Positive feedback on the pattern", _short(before.positive_rate), _short(after.positive_rate), " %"),
        Change("At least, with 95 % confidence", _bound(before), _bound(after), " %"),
        Change("Average rating", _short(before.average_rating, 2), _short(after.average_rating, 2)),
        Change("Mean reliability after feedback", _short(before.mean_reliability), _short(after.mean_reliability)),
    )


def _bound(standing: Standing) -> float | None:
    return _short(standing.positive_lower_bound) if standing.feedback_count else None


def _short(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)


def aside(request: HttpRequest, ticket: Ticket) -> Mapping[str, Any] | None:
    """What people said about a ticket, for its page; nothing while there is nothing to judge."""
    if ticket.status == TicketStatus.PROCESSING:
        return None
    rows = Feedback.objects.filter(ticket=ticket)
    counted = rows.aggregate(count=Count("pk"), average=Avg("rating"))
    return {
        "ticket": ticket,
        "count": counted["count"],
        "average": _short(counted["average"]),
        "newest": rows.select_related("person").order_by("-updated_at")[:SHOWN],
        "mine": rows.filter(person=person_of(request)).exists(),
        "may_judge": tickets.takes_part(person_of(request), ticket.category),
    }
