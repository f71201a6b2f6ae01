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

TICKETS = 400
CLIENTS = 8
PATIENCE_SECONDS = 180
GOAL_PER_SECOND = 40.0
WHAT_FOLLOWS = timedelta(seconds=5)
PAYING = ("web", "drafting", "probe", "general", "postgres")


def measure(site: Site, *, place: str, headers: Mapping[str, str], run: str) -> Iterator[Figure]:
    """All at once and about the same, as an outage brings them, until the last one waits for a reviewer.

    What a ticket costs includes what follows for it: the look whether a machine may sign, and telling people.
    """
    before = {name: site.seconds(name) for name in PAYING}
    began = time.perf_counter()
    load.at_once(place, [_ticket(run, number) for number in range(TICKETS)], clients=CLIENTS, headers=headers)
    _until_queued(f"BENCH-{run}-D")
    seconds = time.perf_counter() - began
    yield Figure("accepted to drafted and queued", TICKETS / seconds, "/s", at_least=GOAL_PER_SECOND)
    until_idle(within=WHAT_FOLLOWS)
    for name, was in before.items():
        yield Figure(f"  CPU of a ticket in {name}", (site.seconds(name) - was) * 1000 / TICKETS, "ms")


def _until_queued(prefix: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    waiting = Ticket.objects.filter(key__startswith=prefix)
    while (left := waiting.exclude(status=TicketStatus.AWAITING_REVIEW).count()) > 0:
        if time.monotonic() > give_up_at:
            raise DidNotHappen(f"{left} of {TICKETS} tickets were not drafted and queued in {PATIENCE_SECONDS} s.")
        time.sleep(0.2)  # each look takes from what it looks at


def _ticket(run: str, number: int) -> Ask:
    body = incidents.payments(f"BENCH-{run}-D{number}", timezone.now())
    return Ask("POST", "/api/v1/tickets", json.dumps(body).encode(), 201)
