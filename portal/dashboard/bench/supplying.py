"""Signed runs that wait for workers: tickets about machines of the lab's crowd, as many steps each as a draft may have.

Everything goes through the services that pages and API call; the probe cluster prepares the plans.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.utils import timezone

from portal.access.models import Person
from portal.dashboard.chaos.supply import open_run, sign
from portal.dashboard.walkthrough.cast import PARTS
from portal.dashboard.walkthrough.tour import DidNotHappen
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus, Stage
from remediation.connectors.lab import first_day

STEPS = 30
PATIENCE_SECONDS = 240
SIGNERS = {Stage.MERGE: "merge_approver", Stage.ROLLOUT: "rollout_approver"}


def signed(prefix: str, machines: Sequence[int]) -> list[Plan]:
    """One signed rollout plan for each of these machines; their tickets begin with `prefix`."""
    for number in machines:
        open_run(
            f"{prefix}{number}",
            [first_day.crowd_name(number)],
            steps=STEPS,
            engineer=_person("engineer"),
            at=timezone.now(),
        )
    ready = Plan.objects.filter(ticket_key__startswith=prefix, stage=Stage.ROLLOUT, status=PlanStatus.SIGNED)
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while (done := ready.count()) < len(machines):
        if time.monotonic() > give_up_at:
            raise DidNotHappen(f"{done} of {len(machines)} plans were signed in {PATIENCE_SECONDS} s.")
        _sign_what_is_open(prefix)
        time.sleep(0.1)
    return list(ready)


def _sign_what_is_open(prefix: str) -> None:
    for stage, part in SIGNERS.items():
        for plan in Plan.objects.filter(ticket_key__startswith=prefix, stage=stage, status=PlanStatus.OPEN):
            sign(plan, _person(part), timezone.now())


def _person(part: str) -> Person:
    return Person.objects.get(username=PARTS[part])
