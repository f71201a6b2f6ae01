"""What tests of runs in waves start from: snapshots of machines of the lab, and a signal that is watched meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from portal.estate.models import Service, Signal
from remediation.connectors import identities, seed
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.execution import driving
from remediation.execution.testing import Signed, draft, operation, signed
from remediation.review import testing as review

MACHINES = ("app-07", "app-08", "db-03", "batch-02")
TARGETS = tuple(identities.vm(first_day.VCENTER, name) for name in MACHINES)
ROOM = {"vcenter": first_day.VCENTER, "vm": "app-08", "snapshot": "none"}
SESSIONS = f'last_over_time(lab_sessions{{target="{TARGETS[0]}"}}[1h])'
"""A busy machine may miss a look at the lab; what was seen last counts."""
CANARY = {"canary": "1", "wave_growth": 2, "watch_minutes": 10}


def snapshots(*names: str) -> dict[str, Any]:
    """A draft that takes a snapshot of each of these machines."""
    steps = [_snapshot(name) for name in names or MACHINES[:3]]
    return draft(*steps, systems=tuple(identities.vm(first_day.VCENTER, name) for name in names or MACHINES[:3]))


def _snapshot(name: str) -> dict[str, Any]:
    parameters = {"vcenter": first_day.VCENTER, "vm": name, "snapshot": "before-change"}
    return operation("snapshot_vm", f"Snapshot {name}", parameters)


def room(**changes: Any) -> dict[str, Any]:
    """The signal that says how much room a datastore has, with fields replaced."""
    of_probe = {"connector": "lab-vmware", "tool": "get_vm_snapshot", "arguments": ROOM}
    wanted = {"field": "datastore_free_percent", "relation": "at_least", "threshold": 20}
    return {"name": "Room", "about": "business", "kind": "probe", **of_probe, **wanted, **changes}


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of the workers."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at


def query(promql: str, **changes: Any) -> dict[str, Any]:
    """The same signal as a query."""
    asked = {"kind": "prometheus", "query": promql, "connector": "", "tool": "", "arguments": {}, "field": ""}
    return room(**asked, **changes)


def staged(
    policy: dict[str, Any] = CANARY,
    *names: str,
    signal: dict[str, Any] | None = None,
    whole: dict[str, Any] | None = None,
) -> Signed:
    """A signed plan in waves, for a snapshot of each machine or a draft of one's own; its service has one signal."""
    review.world()
    cast = review.people()
    seed.load(timezone.now())
    Signal.objects.create(service=Service.objects.get(slug="payments"), **(signal or room()))
    return signed(whole or snapshots(*names), cast=cast, policy=policy, category_slug="virtualization")


def drive(made: Signed, at: datetime) -> str:
    """A worker's turn at the run at that time."""
    return driving.drive(made.run.pk, clock=Clock(at), keeps_lease=lambda: True)


def has_snapshot(lab: LabProcess) -> list[str]:
    """The machines that were changed."""
    return [each["name"] for each in lab.estate()["vms"] if "before-change" in each["snapshots"]]
