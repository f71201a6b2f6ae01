"""States of a ticket. A person closes it; all else follows the remediation by a table in `drafting.states`. Pure."""

from __future__ import annotations

from enum import StrEnum


class TicketStatus(StrEnum):
    """What an engineer sees of a ticket."""

    PROCESSING = "processing"
    AWAITING_REVIEW = "awaiting_review"
    AWAITING_APPROVAL = "awaiting_approval"
    EXECUTING = "executing"
    RESOLVED = "resolved"
    PARTIALLY_REMEDIATED = "partially_remediated"
    FAILED = "failed"
    NEEDS_PERSON = "needs_person"
    REJECTED = "rejected"
    CLOSED = "closed"


FINISHED = frozenset(
    {
        TicketStatus.RESOLVED,
        TicketStatus.PARTIALLY_REMEDIATED,
        TicketStatus.FAILED,
        TicketStatus.REJECTED,
        TicketStatus.CLOSED,
    }
)
"""Statuses in which nothing is on its way any more."""
