"""From accepted to drafted and queued: how many statements a ticket costs, and that history makes none more."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from portal.access.models import Person
from portal.dashboard import seeds
from portal.dashboard.walkthrough import incidents
from portal.jobs.testing import drain
from remediation.connectors.testing import LabProcess
from remediation.drafting.models import Remediation
from remediation.drafting.states import Status
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket
from remediation.tickets.services import NewEvidence, NewTicket

MOST = {"drafting": 23, "probe": 42, "general": 28}
"""Statements of one ticket's jobs on each queue, those that take and end a job and the look for another included."""


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
