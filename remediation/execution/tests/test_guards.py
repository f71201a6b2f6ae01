"""The condition of a step: where it does not hold the target is skipped, where nobody can say the run stops."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.jobs.testing import drain
from remediation.connectors import identities
from remediation.connectors.lab import first_day
from remediation.connectors.models import Connector
from remediation.connectors.testing import LabProcess
from remediation.execution import claiming
from remediation.execution.testing import Signed, draft, operation, signed

pytestmark = pytest.mark.django_db

MACHINES = ("app-07", "app-08")
BUSY, CALM = (identities.vm(first_day.VCENTER, name) for name in MACHINES)


def guarded(name: str, operation_name: str, **parameters: Any) -> dict[str, Any]:
    """A step on a machine that is done only if nobody uses it."""
    values = {"vcenter": first_day.VCENTER, "vm": name, **parameters}
    return operation(operation_name, f"{operation_name} {name}", values) | {"only_if": "no_active_sessions"}


def signed_for(*machines: str, policy: dict[str, Any] | None = None) -> Signed:
    """A snapshot of every machine, then more memory for it, if nobody uses it when its turn comes."""
    steps = []
    for name in machines:
        steps.append(guarded(name, "snapshot_vm", snapshot="before-change"))
        steps.append(guarded(name, "increase_memory", from_mb=4_096, to_mb=6_144) | {"only_if": None})
    systems = tuple(identities.vm(first_day.VCENTER, name) for name in machines)
    return signed(draft(*steps, systems=systems), category_slug="virtualization", policy=policy)


def test_a_target_in_use_is_skipped_and_the_others_are_done(workers: LabProcess, client: Client) -> None:
    made = signed_for(*MACHINES)
    workers.change(BUSY, "sessions", 3)
    drain("execution")
    assert (made.run.status, made.steps()) == ("succeeded", ["skipped", "skipped", "verified", "verified"])
    assert made.said()[0] == ("guard", False)
    first, second = made.run.steps.filter(number__in=(1, 2))
    assert first.detail == "Its condition does not hold: active should be 0 and is 3."
    assert second.detail.startswith("Step 1 was skipped on this target.")
    assert {each["arguments"]["vm"] for each in workers.ledger() if "arguments" in each} == {"app-08"}
    client.force_login(made.operator)
    page = html.unescape(client.get(f"/tickets/{made.ticket.key}/run").content.decode())
    assert f"Nobody uses {BUSY}: it has no active sessions. Else it is skipped." in page
    assert "active should be 0 and is 3." in page


def test_a_target_that_nobody_uses_is_done(workers: LabProcess) -> None:
    made = signed_for("app-08")
    drain("execution")
    assert (made.run.status, made.steps()) == ("succeeded", ["verified", "verified"])
    assert made.said()[:2] == [("guard", True), ("preflight", True)]


def test_where_nobody_can_say_the_run_stops_before_anything_is_changed(workers: LabProcess) -> None:
    made = signed_for("app-08")
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    connector = Connector.objects.get(slug="lab-vmware")
    del connector.pinned_tools["active_sessions"]
    connector.save()
    drain("execution")
    assert (made.run.status, made.steps()) == ("failed", ["failed", "skipped"])
    assert "Its condition could not be looked at" in made.run.status_reason
    assert workers.ledger() == []


def test_where_every_target_is_in_use_nothing_is_done(workers: LabProcess) -> None:
    made = signed_for("app-07")
    workers.change(BUSY, "sessions", 1)
    drain("execution")
    assert made.run.status == "failed"
    assert made.run.status_reason == "Every step was skipped, so nothing was done."


def test_a_target_in_use_counts_against_no_budget(workers: LabProcess) -> None:
    made = signed_for(*MACHINES, policy={"canary": "1", "watch_minutes": 0})
    workers.change(CALM, "sessions", 1)
    drain("execution")
    assert (made.run.status, made.steps()) == ("succeeded", ["verified", "verified", "skipped", "skipped"])


def test_signers_read_the_condition(workers: LabProcess, client: Client) -> None:
    made = signed_for("app-08")
    client.force_login(made.cast["reviewer"])
    page = html.unescape(client.get(f"/tickets/{made.ticket.key}/review").content.decode())
    assert f"Nobody uses {CALM}: it has no active sessions." in page
