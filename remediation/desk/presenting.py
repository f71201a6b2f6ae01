"""What the desk's pages show, worked out from rows: no request, no query, no decision is made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any

from django.urls import reverse
from django.utils.html import format_html

from patterns.models import Pattern
from patterns.reliability import level_of
from portal.kit.labels import label_of
from remediation.desk.reads import Details
from remediation.desk.waiting import MOST, Figures, Waiting
from remediation.drafting.models import Attempt, Drafter, Remediation
from remediation.drafting.states import Status
from remediation.execution.shift import left_to_people
from remediation.review import plans
from remediation.tickets.models import Ticket
from remediation.tickets.states import TicketStatus

LATE = timedelta(hours=4)
MOVING = frozenset({TicketStatus.PROCESSING, TicketStatus.EXECUTING})
"""Statuses in which the ticket page keeps itself fresh."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """What a status means for a person, and the page on which the ticket goes on."""

    text: str
    url_name: str = ""
    action: str = ""
    tone: str = "info"


NEXT_STEPS = {
    TicketStatus.PROCESSING: NextStep("The drafter reads the evidence. This page follows."),
    TicketStatus.AWAITING_REVIEW: NextStep("A draft waits for review.", "review", "Review", "warn"),
    TicketStatus.AWAITING_APPROVAL: NextStep("The content is signed; the rollout is not.", "review", "Review", "warn"),
    TicketStatus.EXECUTING: NextStep("The rollout is signed; the run says how far it is.", "run", "See the run"),
    TicketStatus.RESOLVED: NextStep("The run did what it should. Did it help?", "feedback", "Give feedback", "good"),
    TicketStatus.PARTIALLY_REMEDIATED: NextStep(
        "The fix did not hold, and the ticket is not resolved.", "run", "See the run", "bad"
    ),
    TicketStatus.FAILED: NextStep("This did not work.", "review", "See what was drafted", "bad"),
    TicketStatus.NEEDS_PERSON: NextStep("A person has to go on.", "review", "What is missing", "warn"),
    TicketStatus.REJECTED: NextStep("The draft was rejected.", "review", "See why", "bad"),
    TicketStatus.CLOSED: NextStep("The ticket is closed.", "feedback", "Give feedback", "good"),
}


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A row of the queue without its age: the same until something happens to it."""

    key: str
    url: str
    title: str
    severity: str
    about: str
    risk: str
    status: str
    gates: tuple[tuple[str, bool], ...]
    is_mine: bool
    taken_by: str
    score: float | None
    level: str


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A row of the list of tickets without its age."""

    key: str
    url: str
    title: str
    severity: str
    category: str
    status: str
    score: float | None
    level: str


def row_of(row: Waiting, *, at: datetime) -> dict[str, Any]:
    """A row of the queue, with what time makes of it beside it."""
    since = row.remediation.status_at
    return {"row": _queue_row(row), "at": since, "is_late": at - since > LATE}


def _queue_row(row: Waiting) -> QueueRow:
    remediation, ticket = row.remediation, row.remediation.ticket
    missing = ", ".join(row.missing) or label_of("status", remediation.status).text
    score, level = score_of(remediation.reliability_permille)
    return QueueRow(
        key=ticket.key,
        url=_page("review", ticket.key),
        title=ticket.title,
        severity=ticket.get_severity_display(),
        about=f"{remediation.category} · {missing}",
        risk=remediation.risk,
        status=remediation.status,
        gates=tuple((gate.name.capitalize(), gate.has_passed) for gate in row.gates),
        is_mine=row.is_mine,
        taken_by=row.taken_by,
        score=score,
        level=level,
    )


def ticket_row(ticket: Ticket) -> dict[str, Any]:
    """A row of the list of tickets; `reads.tickets` has put its newest remediation beside it."""
    newest: list[Remediation] = ticket.newest_remediations  # type: ignore[attr-defined]  # prefetched
    score, level = score_of(newest[0].reliability_permille if newest else None)
    row = TicketRow(
        key=ticket.key,
        url=_page("ticket", ticket.key),
        title=ticket.title,
        severity=ticket.get_severity_display(),
        category=str(ticket.category),
        status=ticket.status,
        score=score,
        level=level,
    )
    return {"row": row, "at": ticket.opened_at}


def score_of(permille: int | None) -> tuple[float | None, str]:
    """A reliability as a number with its level."""
    return (None, "") if permille is None else (permille / 10, level_of(permille / 10))


@lru_cache(maxsize=4096)  # lists are looked at again and again, and finding an address takes Django its time
def _page(name: str, key: str) -> str:
    return reverse(name, args=[key])


def figures_of(figures: Figures, *, at: datetime) -> list[dict[str, Any]]:
    """The figures on top of the queue."""
    count = f"{MOST}+" if figures.count >= MOST else figures.count
    oldest = _span(at - figures.oldest) if figures.oldest else "none"
    return [
        {"name": "Waiting", "value": count, "note": "for a decision, in the categories you see"},
        {"name": "Longest wait", "value": oldest, "note": "since its last step"},
    ]


def seen_of(rows: Sequence[Waiting], figures: Figures) -> str:
    """What a reader of the queue has seen; changes with every row that comes, goes or moves."""
    parts = [_seen(row) for row in rows]
    return sha256("|".join([str(figures), *parts]).encode()).hexdigest()[:16]


def _seen(row: Waiting) -> str:
    each = row.remediation
    return f"{each.pk}.{each.status}.{each.status_at}.{row.missing}.{row.taken_by}"


def facts_of(details: Details) -> list[tuple[str, Any]]:
    """What is known about a ticket from the start."""
    ticket = details.ticket
    confidence = None if details.confidence is None else f"{round(details.confidence * 100)} %"
    return [
        ("Category", ticket.category),
        ("Service", ticket.service or "not said"),
        ("Environment", ticket.get_environment_display()),
        ("Systems", ", ".join(ticket.affected_systems) or "not said"),
        ("Opened by", ticket.opened_by),
        (
            "Workers may run",
            "yes, once it is signed" if ticket.enable_auto_remediation else "no: people run it by hand",
        ),
        ("Pattern", _linked(ticket.pattern) if ticket.pattern else "none yet"),
        ("Confidence of the draft", confidence or "no data"),
    ]


def _linked(pattern: Pattern) -> str:
    return format_html('<a href="{}">{}</a>', reverse("pattern", args=[pattern.pk]), pattern)


def drafted_by(details: Details) -> str:
    """Who wrote the draft, and who changed it last."""
    remediation, revision = details.remediation, details.revision
    if remediation is None or revision is None:
        return "no draft yet"
    drafter = "people" if remediation.drafter == Drafter.PERSON else remediation.get_drafter_display() or "nobody yet"
    by = f"drafted by {drafter}"
    return f"{by}, revision {revision.number} by {revision.author}" if revision.author else by


WAITS_FOR_OPERATOR = NextStep("The rollout is signed; it waits for an operator to run it.", "run", "Run it", "warn")


def step_of(details: Details) -> NextStep:
    """What the ticket's status means."""
    ticket = details.ticket
    is_signed = details.remediation is not None and details.remediation.status == Status.APPROVED_FOR_ROLLOUT
    if is_signed and details.plan and left_to_people(plans.read(details.plan.content), ticket):
        return WAITS_FOR_OPERATOR
    return NEXT_STEPS[TicketStatus(ticket.status)]


def price_of(attempt: Attempt) -> str:
    """Tokens and price of an attempt; nothing for a drafter that costs none."""
    if attempt.input_tokens is None:
        return ""
    price = "" if attempt.price_microdollars is None else f", ${attempt.price_microdollars / 1_000_000:.4f}"
    return f"{attempt.input_tokens:,} tokens in, {attempt.output_tokens or 0:,} out{price}"


def _span(wait: timedelta) -> str:
    minutes = int(wait.total_seconds() // 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{max(minutes, 0)} min"
    hours, days = minutes // 60, minutes // 1440
    return f"{days} day{'s' if days > 1 else ''}" if days else f"{hours} h {minutes % 60} min"
