"""A worker ends at every boundary there is, one after the other, on the way there and on the way back (law 7)."""

from __future__ import annotations

from itertools import count

import pytest
from django.utils import timezone
from pytest_django import Settings

from remediation.connectors import identities
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.execution import claiming, driving
from remediation.execution.planning import Do
from remediation.execution.shift import Shift
from remediation.execution.testing import Signed, draft, operation, signed
from remediation.execution.tests.fragile import Crash, Fuse, fragile, repeated, taken_back

pytestmark = pytest.mark.django_db

VM = {"vcenter": first_day.VCENTER, "vm": "app-07"}
SNAPSHOT = draft(
    operation("snapshot_vm", "Take a snapshot", {**VM, "snapshot": "before-the-change"}),
    systems=(identities.vm(*VM.values()),),
)


@pytest.fixture
def made(workers: LabProcess, settings: Settings) -> Signed:
    """A claimed run of one step."""
    settings.RUN_SETTLE_SECONDS = 0.0
    made = signed(SNAPSHOT, category_slug="virtualization", service_slug=None)
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    return made


@pytest.mark.parametrize("lies", [False, True], ids=["there", "and back"])
@pytest.mark.parametrize("freezes", [False, True], ids=["killed", "frozen"])
def test_whatever_the_boundary_the_write_is_made_once(
    made: Signed,
    workers: LabProcess,
    lies: bool,  # noqa: FBT001 - two ways
    freezes: bool,  # noqa: FBT001 - two ends
) -> None:
    for boundary in count():
        with taken_back():
            workers.reset()
            if lies:
                workers.fault("create_vm_snapshot", "lies")
            fuse = Fuse(boundary, freezes)
            if not _drive_until_it_ends(made, fuse):
                break
            if made.run.finished_at is None:
                _drive(_shift(made))
            answers = [late() for late in fuse.late]
            assert (made.run.status, made.steps()) == (
                ("rolled_back", ["rolled_back"]) if lies else ("succeeded", ["verified"])
            ), boundary
            assert len(repeated(workers.lines())) == sum(answer.ok for answer in answers), "it was made again"
            assert all(answer.ok or "is older than" in answer.error for answer in answers)
            assert ("before-the-change" in _snapshots(workers)) is not lies
    assert boundary > (20 if lies else 10)


def _drive_until_it_ends(made: Signed, fuse: Fuse) -> bool:
    """Whether the worker got as far as the boundary."""
    try:
        _drive(fragile(_shift(made), fuse))
    except Crash:
        return True
    return False


def _drive(shift: Shift) -> None:
    while (move := driving._next(shift)[0]).do is not Do.WAIT:
        driving._make(shift, move)


def _shift(made: Signed) -> Shift:
    shift = driving.take_over(made.run.pk, clock=timezone.now, keeps_lease=lambda: True)
    assert shift
    return shift


def _snapshots(lab: LabProcess) -> list[str]:
    return next(each["snapshots"] for each in lab.estate()["vms"] if each["name"] == VM["vm"])
