"""States of a remediation as data, and the ticket status that follows from each. Pure."""

from __future__ import annotations

from enum import StrEnum

from remediation.tickets.states import TicketStatus


class Status(StrEnum):
    """Where a remediation stands."""

    DRAFTING = "drafting"
    IN_REVIEW = "in_review"
    APPROVED_FOR_MERGE = "approved_for_merge"
    PROVEN = "proven"
    APPROVED_FOR_ROLLOUT = "approved_for_rollout"
    EXECUTING = "executing"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    NEEDS_PERSON = "needs_person"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


S = Status
NEXT: dict[Status, frozenset[Status]] = {
    S.DRAFTING: frozenset({S.IN_REVIEW, S.NEEDS_PERSON, S.FAILED}),
    S.IN_REVIEW: frozenset({S.APPROVED_FOR_MERGE, S.REJECTED, S.SUPERSEDED, S.EXECUTING}),
    S.APPROVED_FOR_MERGE: frozenset({S.PROVEN, S.APPROVED_FOR_ROLLOUT, S.FAILED, S.IN_REVIEW}),
    S.PROVEN: frozenset({S.APPROVED_FOR_ROLLOUT, S.IN_REVIEW}),
    S.APPROVED_FOR_ROLLOUT: frozenset({S.EXECUTING, S.IN_REVIEW}),
    S.EXECUTING: frozenset({S.PAUSED, S.SUCCEEDED, S.ROLLED_BACK, S.FAILED, S.NEEDS_PERSON}),
    S.PAUSED: frozenset({S.EXECUTING}),
    S.NEEDS_PERSON: frozenset({S.DRAFTING, S.IN_REVIEW, S.EXECUTING, S.FAILED}),
    S.FAILED: frozenset({S.DRAFTING}),
    S.SUCCEEDED: frozenset(),
    S.ROLLED_BACK: frozenset(),
    S.REJECTED: frozenset(),
    S.SUPERSEDED: frozenset(),
}

OVER = frozenset(status for status, after in NEXT.items() if not after)
"""Statuses that nothing follows; of remediations in the others a ticket has at most one."""
WAITING = frozenset({S.IN_REVIEW, S.APPROVED_FOR_MERGE, S.PROVEN, S.APPROVED_FOR_ROLLOUT, S.NEEDS_PERSON})
"""Statuses in which a person has to do something: the review queue."""

_TICKET: dict[Status, TicketStatus] = {
    S.DRAFTING: TicketStatus.PROCESSING,
    S.IN_REVIEW: TicketStatus.AWAITING_REVIEW,
    S.APPROVED_FOR_MERGE: TicketStatus.AWAITING_APPROVAL,
    S.PROVEN: TicketStatus.AWAITING_APPROVAL,
    S.APPROVED_FOR_ROLLOUT: TicketStatus.EXECUTING,
    S.EXECUTING: TicketStatus.EXECUTING,
    S.PAUSED: TicketStatus.EXECUTING,
    S.SUCCEEDED: TicketStatus.RESOLVED,
    S.NEEDS_PERSON: TicketStatus.NEEDS_PERSON,
    S.REJECTED: TicketStatus.REJECTED,
    S.SUPERSEDED: TicketStatus.PROCESSING,
}


def ticket_status(status: Status, *, has_written: bool) -> TicketStatus:
    """The ticket status that follows; a failure after any write leaves the ticket partially remediated."""
    if status in {Status.ROLLED_BACK, Status.FAILED}:
        return TicketStatus.PARTIALLY_REMEDIATED if has_written else TicketStatus.FAILED
    return _TICKET[status]
