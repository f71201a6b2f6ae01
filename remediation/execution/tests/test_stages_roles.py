"""A run in waves with the rights of the processes that have a part in it: workers read, keep and take back, no more."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.db import ProgrammingError, transaction
from django.utils import timezone

from portal.jobs.models import Job
from portal.jobs.testing import drain
from remediation.connectors.testing import LabProcess
from remediation.execution import advancing
from remediation.execution.models import Reading
from remediation.execution.tests.staging import TARGETS, drive, staged

RunningAs = Callable[[str], AbstractContextManager[None]]


def test_the_execution_role_may_do_what_waves_need(
    committed_db: str, running_as: RunningAs, workers: LabProcess
) -> None:
    made, at = staged(), timezone.now()
    with running_as("execution"):
        drain("execution")
        workers.change(TARGETS[1], "datastore_free_percent", 12)
        drive(made, at + timedelta(minutes=1))
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            Reading.objects.update(holds=True)
    assert made.run.status == "rolled_back"


def test_a_run_between_waves_that_lost_its_job_is_a_person_s(
    committed_db: str, running_as: RunningAs, workers: LabProcess
) -> None:
    made = staged()
    drain("execution")
    Job.objects.filter(kind="execution.advance").delete()
    with running_as("general"):
        assert advancing.give_up_on_lost(at=timezone.now()) == 1
    assert (made.run.status, made.run.watch_until) == ("needs_person", None)
