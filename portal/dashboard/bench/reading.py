"""How long people wait for the lists they live in, among ten thousand tickets and among a hundred thousand."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.access import tokens
from portal.access.models import Person, Scope
from portal.dashboard.bench import load, rows
from portal.dashboard.bench.load import Ask
from portal.dashboard.bench.rows import Reader
from portal.dashboard.bench.site import CLUSTERS, Site
from portal.kit.figures import Figure

SIZES = (10_000, 100_000)
TIMES = 40
GOAL_MS = 25.0


def measure(site: Site, *, place: str, opener: Person) -> Iterator[Figure]:
    """Fifty rows for a reviewer with grants on 10 of 60 categories, wherever among the tickets those rows lie.

    The workers rest, or they would find the plans untrue and prepare them anew.
    """
    readers = rows.readers()
    with site.resting(CLUSTERS):
        for size in SIZES:
            rows.fill(size, opener)
            for reader in readers:
                yield from _of(reader, size, place)
        rows.empty()


def _of(reader: Reader, size: int, place: str) -> Iterator[Figure]:
    asks = {
        "ticket list, API": (Ask("GET", "/api/v1/tickets?size=50"), _with_token(reader.person)),
        "ticket list, page": (Ask("GET", reverse("tickets")), with_session(reader.person)),
        "review queue, page": (Ask("GET", reverse("queue")), with_session(reader.person)),
    }
    for name, (ask, headers) in asks.items():
        taken = load.median_ms(place, ask, times=TIMES, headers=headers)
        waiting = f"{size:,} tickets, {size // rows.WAITS_ONE_IN:,} waiting"
        yield Figure(f"{name}, {waiting}, {reader.where}: p50", taken, "ms", at_most=GOAL_MS)


def _with_token(person: Person) -> dict[str, str]:
    _, text = tokens.issue(
        person=person, name="bench", scopes=[Scope.TICKETS_READ], actor=person.at("command"), at=timezone.now()
    )
    return {"Authorization": f"Bearer {text}"}


def with_session(person: Person) -> dict[str, str]:
    """The headers of a browser in which this person is signed in."""
    client = Client()
    client.force_login(person)
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"}
