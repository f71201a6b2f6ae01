"""From accepted to drafted and queued: how many tickets a second the clusters bring before reviewers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta

from django.utils import timezone

from portal.dashboard.bench import load
from portal.dashboard.bench.load import Ask
from portal.dashboard.bench.site import Site, until_idle
from portal.dashboard.walkthrough import incidents
from portal.dashboard.walkthrough.tour import DidNotHappen
from portal.kit.figures import Figure
from remediation.tickets.models import Ticket
from remediation.tickets.states import TicketStatus

TICKETS = 200
FIRST = 40
CLIENTS = 8
PATIENCE_SECONDS = 120
GOAL_PER_SECOND = 40.0
WHAT_FOLLOWS = timedelta(seconds=5)
PAYING = ("web", "drafting", "probe", "general", "postgres")


def measure(site: Site, *, place: str, headers: Mapping[str, str], run: str) -> Iterator[Figure]:
    """All at once and about the same, as an outage brings them, until the last one waits for a reviewer.

    Some come first: what a worker learns once after its start, it has learnt on any day on which this matters.
    What a ticket costs includes what follows for it: the look whether a machine may sign, and telling people.
    """
    _queue(f"BENCH-{run}-C", FIRST, place=place, headers=headers)
    until_idle(within=WHAT_FOLLOWS)
    before = {name: site.seconds(name) for name in PAYING}
    began = time.perf_counter()
    _queue(f"BENCH-{run}-D", TICKETS, place=place, headers=headers)
    seconds = time.perf_counter() - began
    yield Figure("accepted to drafted and queued", TICKETS / seconds, "/s", at_least=GOAL_PER_SECOND)
    until_idle(within=WHAT_FOLLOWS)
    for name, was in before.items():
        yield Figure(f"  CPU of a ticket in {name}", (site.seconds(name) - was) * 1000 / TICKETS, "ms")


def _queue(prefix: str, count: int, *, place: str, headers: Mapping[str, str]) -> None:
    """Open so many tickets, and wait until reviewers have them all."""
    load.at_once(place, [_ticket(prefix, number) for number in range(count)], clients=CLIENTS, headers=headers)
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    waiting = Ticket.objects.filter(key__startswith=prefix)
    while (left := waiting.exclude(status=TicketStatus.AWAITING_REVIEW).count()) > 0:
        if time.monotonic() > give_up_at:
            raise DidNotHappen(f"{left} of {count} tickets were not drafted and queued in {PATIENCE_SECONDS} s.")
        time.sleep(0.2)  # each look takes from what it looks at


def _ticket(prefix: str, number: int) -> Ask:
    body = incidents.payments(f"{prefix}{number}", timezone.now())
    return Ask("POST", "/api/v1/tickets", json.dumps(body).encode(), 201)
