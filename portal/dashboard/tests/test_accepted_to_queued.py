"""From accepted to drafted and queued: how many statements a ticket costs, and that history makes none more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from portal.access.models import Person
from portal.dashboard import seeds
from portal.dashboard.walkthrough import incidents
from portal.jobs import services as jobs
from portal.jobs import work
from portal.jobs.testing import drain
from portal.signoff.models import Plan
from remediation.connectors.testing import LabProcess
from remediation.drafting.models import Remediation
from remediation.drafting.states import Status
from remediation.policy.models import CategoryPolicy
from remediation.review import plans
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket
from remediation.tickets.services import NewEvidence, NewTicket

MOST = {"drafting": 20, "probe": 38, "general": 28}
"""Statements of one ticket's jobs on each queue, those that take and end a job and the look for another included."""
MOST_OF_ANOTHER = 24
"""Statements of a revision that is made ready within the same second as one of the same pattern."""


@pytest.fixture
def erin(lab_connectors: LabProcess, settings: Settings, tmp_path: Path) -> Person:
    settings.ANTHROPIC_API_KEY = ""
    at = timezone.now()
    seeds.load(at)
    seeds.load_demo(at, keep_in=tmp_path / "demo.json")
    return Person.objects.get(username="erin")


def accept(opener: Person, key: str) -> Ticket:
    at = timezone.now()
    sent = incidents.payments(key, at)
    evidence = [NewEvidence(each["kind"], each["text"], at, each.get("command", "")) for each in sent["evidence"]]
    new = NewTicket(
        key=key,
        title=sent["title"],
        description=sent["description"],
        category_slug=sent["category"],
        service_slug=sent["service"],
        affected_systems=sent["affected_systems"],
        enable_auto_remediation=True,
        severity=1,
        evidence=evidence,
    )
    return tickets.open_ticket(opener=opener, new=new, door="api", at=at).ticket


def statements_until_queued(opener: Person, key: str) -> dict[str, int]:
    """How many statements the jobs of a new ticket send on each queue until reviewers see it and were told."""
    counted: dict[str, int] = {}
    ticket = accept(opener, key)
    for queue in MOST:
        with CaptureQueriesContext(connection) as sent:
            drain(queue, at=timezone.now() + timedelta(seconds=10))
        counted[queue] = len([each for each in sent if "SAVEPOINT" not in each["sql"]])
    assert Remediation.objects.get(ticket=ticket).status == Status.IN_REVIEW
    return counted


def test_a_ticket_costs_so_many_statements_whatever_came_before(erin: Person) -> None:
    for number in range(6):  # from the sixth on, its pattern does not have to be looked at again
        statements_until_queued(erin, f"INC-{number}")
    early = statements_until_queued(erin, "INC-early")
    assert {queue: count for queue, count in early.items() if count > MOST[queue]} == {}
    for number in range(12):
        statements_until_queued(erin, f"INC-1{number}")
    assert statements_until_queued(erin, "INC-late") == early


def test_tickets_that_come_together_share_what_may_be_a_moment_old_and_nothing_that_is_signed(erin: Person) -> None:
    for key in ("INC-first", "INC-second", "INC-third"):
        accept(erin, key)
    drain("drafting")
    shared: dict[Any, Any] = {}
    make_ready(shared)
    with CaptureQueriesContext(connection) as sent:
        make_ready(shared)
    assert len([each for each in sent if "SAVEPOINT" not in each["sql"]]) <= MOST_OF_ANOTHER

    CategoryPolicy.objects.update(max_actions_per_hour=7)
    make_ready(shared)
    merge = Plan.objects.order_by("id")
    assert [plans.read(plan.content).limits["max_actions_per_hour"] == 7 for plan in merge] == [False, False, True]


def make_ready(shared: dict[Any, Any]) -> None:
    """The next job of the probe cluster, as its worker does it within a second of the one before."""
    (job,) = jobs.take("probe", limit=1, lease_seconds=60)
    assert work.run(replace(job, shared=shared)).startswith("Ready for review")
