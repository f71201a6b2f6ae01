"""How jobs about tickets are shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.jobs.subjects import Subject, finder
from remediation.tickets.models import Ticket


@finder("tickets.ticket")
def tickets(ids: Collection[int]) -> Mapping[int, Subject]:
    """Tickets by their keys."""
    rows = Ticket.objects.filter(pk__in=ids).values_list("pk", "key", "category_id")
    return {pk: Subject(key, f"/tickets/{key}", category) for pk, key, category in rows}
