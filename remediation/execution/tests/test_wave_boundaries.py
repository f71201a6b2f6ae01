"""A worker of a run in waves ends at every boundary: the next wave begins once, or the canary goes back once."""

from __future__ import annotations

from itertools import count

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.audit.models import Event
from remediation.connectors import client
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.execution import claiming, driving, watching
from remediation.execution.planning import Do
from remediation.execution.shift import Shift
from remediation.execution.testing import Signed
from remediation.execution.tests.fragile import Crash, Fuse, fragile, repeated, taken_back
from remediation.execution.tests.staging import CANARY, MACHINES, TARGETS, has_snapshot, staged

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(workers: LabProcess, settings: Settings) -> Signed:
    """A run whose canary is done, with one more target to come; its signal is looked at once."""
    settings.RUN_SETTLE_SECONDS = 0.0
    made = staged({**CANARY, "watch_minutes": 0}, *MACHINES[:2])
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    shift = _shift(made)
    while (move := driving._next(shift)[0]).do is not Do.WATCH:
        driving._make(shift, move)
    return made


@pytest.mark.parametrize("is_well", [True, False], ids=["on", "back"])
def test_whatever_the_boundary_the_next_wave_begins_once_or_the_canary_goes_back_once(
    made: Signed,
    workers: LabProcess,
    is_well: bool,  # noqa: FBT001 - two ends
) -> None:
    for boundary in count():
        with taken_back():
            workers.reset()
            _take_snapshot()
            workers.change(TARGETS[1], "datastore_free_percent", 40 if is_well else 15)
            if not _ends_at(made, boundary):
                break
            if made.run.finished_at is None:
                _drive(_shift(made))
            done = ["verified", "verified"] if is_well else ["rolled_back", "skipped"]
            assert (made.run.status, made.steps()) == ("succeeded" if is_well else "rolled_back", done), boundary
            assert repeated(workers.lines()) == []
            assert has_snapshot(workers) == (list(MACHINES[:2]) if is_well else [])
            assert Event.objects.filter(kind="run.wave_opened").count() == int(is_well)
    assert boundary > 7


def _take_snapshot() -> None:
    """What the canary's step did, in a lab that was reset."""
    wanted = {"vcenter": first_day.VCENTER, "vm": MACHINES[0], "snapshot": "before-change"}
    assert client.write("lab-vmware", "create_vm_snapshot", wanted, idempotency_key="as-before", fence=0).ok


def _ends_at(made: Signed, boundary: int) -> bool:
    """Whether the worker got as far as the boundary."""
    try:
        _drive(fragile(_shift(made), Fuse(boundary)))
    except Crash:
        return True
    return False


def _drive(shift: Shift) -> None:
    while (move := driving._next(shift)[0]).do is not Do.WAIT:
        if move.do is Do.WATCH:
            watching.watch(shift)
        else:
            driving._make(shift, move)


def _shift(made: Signed) -> Shift:
    shift = driving.take_over(made.run.pk, clock=timezone.now, keeps_lease=lambda: True)
    assert shift
    return shift
