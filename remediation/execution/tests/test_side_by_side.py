"""Targets of a wave worked on at the same time: nothing twice, nothing lost, nothing begun beside a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from portal.audit.models import Event
from portal.kit import canonical
from portal.signoff import brakes
from remediation.connectors.models import Connector
from remediation.connectors.testing import LabProcess
from remediation.execution import claiming, driving, stepping
from remediation.execution.models import StepRun
from remediation.execution.shift import Shift
from remediation.execution.testing import Signed
from remediation.execution.tests.fragile import Crash, repeated
from remediation.execution.tests.staging import MACHINES, TARGETS, has_snapshot, staged

THREE = MACHINES[:3]
BESIDE = {"canary": "", "side_by_side": 3}
PATIENCE_SECONDS = 60


@pytest.fixture
def here(committed_db: str, workers: LabProcess) -> Iterator[LabProcess]:
    """The lab and workers, on a database of their own."""
    yield workers
    connection.close()


def claimed(policy: dict[str, Any] = BESIDE) -> Signed:
    """A run of three snapshots that a worker has claimed."""
    made = staged(policy, *THREE)
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    return made


def drive(made: Signed, keeps_lease: Callable[[], bool] = lambda: True) -> str:
    """A worker's turn; it is asked whether it keeps its lease right before each write."""
    return driving.drive(made.run.pk, clock=timezone.now, keeps_lease=keeps_lease)


def shift_of(made: Signed) -> Shift:
    """The turn of the next worker."""
    shift = driving.take_over(made.run.pk, clock=timezone.now, keeps_lease=lambda: True)
    assert shift
    return shift


def test_the_targets_of_a_wave_are_written_at_the_same_time(here: LabProcess) -> None:
    made, together = claimed(), Barrier(len(THREE))
    drive(made, lambda: together.wait(PATIENCE_SECONDS) >= 0)
    assert (made.run.status, made.steps()) == ("succeeded", ["verified"] * 3)
    assert has_snapshot(here) == list(THREE)
    assert len(here.ledger()) == 3
    moved = [
        canonical.parse(event.body or "", version="countersign.event/1")
        for event in Event.objects.filter(kind="step.moved").order_by("id")
    ]
    for number in (1, 2, 3):
        afters = [each["after"] for each in moved if each["step"] == number]
        assert afters == ["preflight", "intended", "acted", "verified"]


def test_no_more_targets_than_the_policy_says_are_written_at_the_same_time(here: LabProcess) -> None:
    made, writing = claimed({**BESIDE, "side_by_side": 2}), []

    def counted() -> bool:
        writing.append(StepRun.objects.filter(status="intended").count())
        return True

    drive(made, counted)
    assert made.run.status == "succeeded"
    assert max(writing) <= 2


def test_a_worker_that_dies_in_the_middle_of_three_writes_leaves_each_to_be_found_out(here: LabProcess) -> None:
    made, together = claimed(), Barrier(len(THREE))

    def dies() -> bool:
        if together.wait(PATIENCE_SECONDS) == 0:
            return True
        raise Crash

    with pytest.raises(Crash):
        drive(made, dies)
    assert sorted(made.steps()) == ["intended", "intended", "verified"]
    drive(made)
    assert (made.run.status, made.steps()) == ("succeeded", ["verified"] * 3)
    assert repeated(here.lines()) == []
    assert len(here.ledger()) == 3


def test_answers_that_are_lost_side_by_side_are_each_found_out(here: LabProcess) -> None:
    made = claimed()
    here.fault("create_vm_snapshot", "loses_connection", times=3)
    drive(made)
    assert (made.run.status, made.steps()) == ("succeeded", ["verified"] * 3)
    assert repeated(here.lines()) == []
    assert [phase for phase, _ in made.said()].count("probe") == 3


def test_a_target_that_fails_takes_back_what_was_done_beside_it(here: LabProcess) -> None:
    made = claimed()
    here.fault("create_vm_snapshot", "fails", times=1)
    drive(made)
    assert made.run.status == "rolled_back"
    assert set(made.steps()) <= {"rolled_back", "failed", "skipped"}
    assert has_snapshot(here) == []


def test_what_nobody_can_verify_on_several_targets_brings_every_reason_to_people(
    here: LabProcess, client: Client
) -> None:
    made = claimed()
    shift = shift_of(made)
    for number in (1, 2, 3):
        stepping.take_step(shift, number)
    Connector.objects.filter(slug="lab-vmware").update(is_enabled=False)
    drive(made)
    assert (made.run.status, made.steps()) == ("needs_person", ["acted"] * 3)
    for number in (1, 2, 3):
        assert f"Step {number} was done and cannot be verified" in made.run.status_reason
    client.force_login(made.operator)
    page = client.get(f"/tickets/{made.ticket.key}/run").content.decode()
    assert "and 2 more side by side" in page
    assert "Up to 3 targets of a wave side by side." in page
    Connector.objects.filter(slug="lab-vmware").update(is_enabled=True)


def test_under_an_emergency_stop_none_of_them_writes(here: LabProcess) -> None:
    made = claimed()
    brakes.engage(scope="all", reason="smoke", person=made.operator, door="page", at=timezone.now())
    drive(made)
    assert made.run.status == "paused"
    assert set(made.steps()) <= {"preflight", "pending"}
    assert here.ledger() == []


def test_a_step_that_has_looked_is_not_begun_once_another_target_failed(here: LabProcess) -> None:
    made = claimed()
    shift = shift_of(made)
    seen = stepping.preflight(shift, 1)
    here.change(TARGETS[1], "datastore_free_percent", 5)
    stepping.take_step(shift, 2)
    assert stepping.intend(shift, 1, seen) == ""
    assert made.steps() == ["preflight", "failed", "pending"]
    assert here.ledger() == []
    drive(made)
    assert (made.run.status, made.steps()) == ("failed", ["skipped", "failed", "skipped"])
