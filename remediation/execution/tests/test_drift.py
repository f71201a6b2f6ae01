"""A target that no longer looks as when its plan was signed: nothing is written, and the plan is back in review."""

from __future__ import annotations

import html

import pytest
from django.test import Client

from portal.jobs.testing import drain
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus
from remediation.connectors import identities
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.execution.models import Run
from remediation.execution.testing import draft, operation, signed

pytestmark = pytest.mark.django_db

MACHINES = ("app-07", "app-08")


def test_drift_of_any_target_returns_the_plan_to_review_before_the_first_write(
    workers: LabProcess, client: Client
) -> None:
    """The machine of the second wave is drifted; the canary is not touched either."""
    steps = [
        operation(
            "increase_memory",
            f"More memory for {name}",
            {"vcenter": first_day.VCENTER, "vm": name, "from_mb": 4_096, "to_mb": 6_144},
        )
        for name in MACHINES
    ]
    targets = tuple(identities.vm(first_day.VCENTER, name) for name in MACHINES)
    made = signed(draft(*steps, systems=targets), category_slug="virtualization", policy={"canary": "1"})
    workers.change(targets[1], "memory_mb", 8_192)
    drain("execution")
    assert not Run.objects.exists()
    assert workers.ledger() == []
    assert made.remediation.status == "in_review"
    made.plan.refresh_from_db()
    assert made.plan.status == PlanStatus.VOID
    difference = "memory_mb should be 4096 and is 8192."
    assert "Step 2: the pre-flight on the target was as expected" in made.plan.void_reason
    assert difference in made.plan.void_reason
    drain("probe")
    client.force_login(made.cast["reviewer"])
    page = html.unescape(client.get(f"/tickets/{made.ticket.key}/review").content.decode())
    assert "What was signed is void." in page
    assert difference in page
    assert Plan.objects.latest("id").status == PlanStatus.OPEN
