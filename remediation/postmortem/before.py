"""What a ticket that comes again is shown first: the role that was merged for its like, then what was written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.access.models import Person
from remediation.drafting import services as remediations
from remediation.playbooks.repository import requests
from remediation.playbooks.repository.requests import MergedRoleFound
from remediation.postmortem.models import Postmortem
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket

MOST = 3


@dataclass(frozen=True, slots=True)
class Before:
    """A merged role, whether it can be drafted for this ticket now, and the newest postmortems of the same pattern."""

    role: MergedRoleFound | None
    may_draft: bool
    has_timeline: bool
    postmortems: Sequence[Postmortem]


def of(ticket: Ticket, person: Person) -> Before | None:
    """What happened before; None if nothing like it has. All of it is of the ticket's own category."""
    role = requests.merged_role_for(category_id=ticket.category_id, pattern_id=ticket.pattern_id)
    role = None if role and role.ticket_key == ticket.key else role
    written = _postmortems(ticket) if ticket.pattern_id else []
    if role is None and not written:
        return None
    may_draft = role is not None and remediations.may_draft_role(person, ticket)
    return Before(role, may_draft, may_draft and tickets.timeline_of(ticket) is not None, written)


def _postmortems(ticket: Ticket) -> list[Postmortem]:
    rows = Postmortem.objects.filter(pattern=ticket.pattern_id).exclude(ticket=ticket)
    return list(rows.select_related("ticket").order_by("-id")[:MOST])
