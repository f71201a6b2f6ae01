"""Accepting a ticket (token, validation, ticket, event, job in one transaction) beside a plain view of one INSERT."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import psutil
from django.conf import settings
from django.db import connection

from portal.dashboard.bench import load, plain, rows
from portal.dashboard.bench.load import Ask
from portal.dashboard.bench.site import CLUSTERS, Site
from portal.kit.figures import Figure

CLIENTS = 8
TICKETS = 2000
WARM = 200
GOAL_CPU_MS = 5.0
GOAL_PER_SECOND = 250.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request of a kind costs the processes that serve it, and how many a second they manage."""

    web_ms: float
    database_ms: float
    per_second: float

    @property
    def cpu_ms(self) -> float:
        """Web and database together."""
        return self.web_ms + self.database_ms


def measure(site: Site, *, place: str, headers: Mapping[str, str], run: str) -> list[Figure]:
    """Both kinds of request in the same minute; the workers rest, or they would draft what comes in."""
    with site.resting(CLUSTERS):
        product = _cost(site, "web", place, headers, [_ticket(run, number) for number in range(WARM + TICKETS)])
        with _plain_site() as (master, plain_place):
            simple = Site({**site.children, "plain": master})
            asks = [Ask("POST", "/insert", _body(run, number), 201) for number in range(WARM + TICKETS)]
            baseline = _cost(simple, "plain", plain_place, {}, asks)
        rows.empty()  # before the workers wake up: nothing is left to draft
    return [
        Figure("accepting a ticket: CPU, web and database", product.cpu_ms, "ms", at_most=GOAL_CPU_MS),
        Figure("  of that in the web processes", product.web_ms, "ms"),
        Figure("  of that in PostgreSQL", product.database_ms, "ms"),
        Figure("  a plain view with one INSERT", baseline.cpu_ms, "ms"),
        Figure("  ratio", product.cpu_ms / baseline.cpu_ms, "times"),
        Figure(f"tickets accepted a second, {CLIENTS} clients", product.per_second, "/s", at_least=GOAL_PER_SECOND),
        Figure("  a plain view with one INSERT", baseline.per_second, "/s"),
        Figure("  ratio", baseline.per_second / product.per_second, "times"),
    ]


def _cost(site: Site, server: str, place: str, headers: Mapping[str, str], asks: Sequence[Ask]) -> Cost:
    send = partial(load.at_once, place, clients=CLIENTS, headers=headers)
    send(asks[:WARM])
    web, database = site.seconds(server), site.seconds("postgres")
    seconds = send(asks[WARM:])
    each = 1000 / (len(asks) - WARM)
    return Cost(
        (site.seconds(server) - web) * each,
        (site.seconds("postgres") - database) * each,
        (len(asks) - WARM) / seconds,
    )


def _ticket(run: str, number: int) -> Ask:
    return Ask("POST", "/api/v1/tickets", _body(run, number), 201)


def _body(run: str, number: int) -> bytes:
    ticket = {
        "ticket_id": f"BENCH-{run}-{number}",
        "title": "Error rate of the checkout is above its threshold",
        "description": "Since the last release one request of fifty fails. Nothing else changed in that hour.",
        "category": "kubernetes",
        "severity": "sev2",
        "environment": "staging",
        "service": "payments",
        "affected_systems": ["payments-secondary"],
        "evidence": [{"kind": "alert", "text": "error_rate 2.1%", "observed_at": "2026-01-31T03:14:00Z"}],
    }
    return json.dumps(ticket).encode()


@contextmanager
def _plain_site() -> Iterator[tuple[psutil.Process, str]]:
    """The plain view behind the product's own web server, with the same number of processes and threads."""
    with connection.cursor() as cursor:
        cursor.execute(plain.TABLE)
    place = f"127.0.0.1:{settings.PORT + 1}"
    options = ["--bind", place, "--workers", "2", "--threads", "4", "--no-control-socket", "--log-level", "warning"]
    server = subprocess.Popen([sys.executable, "-m", "gunicorn", "portal.dashboard.bench.plain:serve()", *options])
    try:
        _wait(place)
        yield psutil.Process(server.pid), place
    finally:
        server.terminate()
        server.wait()
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE bench_plain")


def _wait(place: str) -> None:
    give_up_at = time.monotonic() + 20
    while True:
        try:
            load.one_by_one(place, [Ask("POST", "/insert", b"first", 201)], headers={})
        except OSError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.1)
        else:
            return
