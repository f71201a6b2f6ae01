"""Rehearsals, brakes and the record of ways back with the real rights of each process, on a database of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from portal.estate.models import TargetLock
from portal.jobs.models import Job
from portal.jobs.testing import drain
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.execution import rehearsal, rehearsing
from remediation.execution import services as runs
from remediation.execution.testing import SECONDARY, Signed, draft, scaling, signed
from remediation.policy import braking
from remediation.wayback.models import Rehearsal, Taken

RunningAs = Callable[[str], AbstractContextManager[None]]
AsRole = Callable[[str], AbstractContextManager[psycopg.Connection]]
ONE_STEP = draft(scaling(SECONDARY, 2, 6), systems=(first_day.SECONDARY,))


@pytest.fixture
def here(committed_db: str, workers: LabProcess) -> Iterator[LabProcess]:
    """The lab and workers, on a database of their own."""
    yield workers
    connection.close()


def ask(made: Signed) -> Rehearsal:
    at, digest = timezone.now(), made.plan.digest
    return runs.ask_to_rehearse(made.remediation.pk, digest=digest, person=made.operator, door="page", at=at)


def test_web_asks_execution_rehearses_and_nobody_changes_the_record(
    here: LabProcess, running_as: RunningAs, as_role: AsRole
) -> None:
    made = signed(ONE_STEP, is_open=True)
    with running_as("web"):
        ask(made)
    with running_as("execution"):
        drain("execution")
    assert made.plan.rehearsals.get().status == "worked"
    assert Taken.objects.get().has_worked
    for process in ("web", "execution", "general", "probe", "drafting"):
        for statement in ("UPDATE wayback_taken SET has_worked = false", "DELETE FROM wayback_taken"):
            with as_role(process) as role, pytest.raises(psycopg.errors.InsufficientPrivilege):
                role.execute(statement)


def test_general_ends_a_lost_rehearsal_and_frees_its_targets(here: LabProcess, running_as: RunningAs) -> None:
    made = signed(ONE_STEP, is_open=True)
    found = ask(made)
    with running_as("execution"):
        assert rehearsal._begin(found.pk, timezone.now, lambda: True)
    Job.objects.filter(kind=rehearsing.KIND).delete()
    with running_as("general"):
        assert rehearsing.give_up_on_lost(at=timezone.now()) == 1
    assert not TargetLock.objects.filter(released_at=None).exists()


def test_execution_engages_a_brake_and_web_releases_it(
    here: LabProcess, running_as: RunningAs, settings: LazySettings
) -> None:
    settings.AUTO_REMEDIATION_MAX_FAILURES_IN_A_ROW = 1
    made = signed(ONE_STEP)
    here.fault("scale_deployment", "lies")
    with running_as("execution"):
        drain("execution")
    (brake,) = braking.live(made.operator)
    with running_as("web"):
        braking.release(brake.pk, reason="replaced", person=made.operator, door="page", at=timezone.now())
    assert not braking.any_engaged()
