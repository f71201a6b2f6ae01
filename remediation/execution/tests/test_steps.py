"""What a step of a run costs the database, and in which order it locks what it writes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.utils import timezone

from portal.jobs.testing import drain
from portal.kit.testing.queries import statements
from remediation.connectors import identities
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.drafting.models import Remediation
from remediation.execution import claiming, driving
from remediation.execution.models import Run
from remediation.execution.testing import Signed, draft, operation, signed

VM = {"vcenter": first_day.VCENTER, "vm": "app-07"}
MOST_OF_A_STEP = 16
"""Statements from one pre-flight to the next, transactions not counted."""


def snapshots(count: int) -> Signed:
    steps = [operation("snapshot_vm", f"Snapshot {n}", {**VM, "snapshot": f"s{n}"}) for n in range(count)]
    made = signed(
        draft(*steps, systems=(identities.vm(*VM.values()),)), category_slug="virtualization", service_slug=None
    )
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    return made


@pytest.mark.django_db
def test_a_step_costs_so_many_statements(workers: LabProcess) -> None:
    made = snapshots(4)
    with statements() as asked:
        drain("execution")
    assert made.steps() == ["verified"] * 4
    moves = [number for number, sql in enumerate(asked) if 'UPDATE "execution_steprun"' in sql]
    assert len(moves) == 4 * len(["preflight", "intended", "acted", "verified"])
    counted = [sql for sql in asked[moves[4] : moves[8]] if "SAVEPOINT" not in sql]
    assert len(counted) <= MOST_OF_A_STEP, counted


def test_who_may_move_a_run_locks_its_remediation_before_it(committed_db: str, workers: LabProcess) -> None:
    made = snapshots(1)
    shift = driving.take_over(made.run.pk, clock=timezone.now, keeps_lease=lambda: True)
    assert shift

    def write() -> None:
        try:
            with shift.writing_at(1) as step:
                step.run.refresh_from_db()
        finally:
            connection.close()

    with ThreadPoolExecutor() as pool:
        with transaction.atomic():  # what waits for the remediation has not locked the run
            Remediation.objects.select_for_update().get(pk=made.remediation.pk)
            waiting = pool.submit(write)
            until_somebody_waits()
            Run.objects.select_for_update(nowait=True).get(pk=made.run.pk)
            assert not waiting.done()
        waiting.result(timeout=30)
    connection.close()


def until_somebody_waits() -> None:
    give_up_at = time.monotonic() + 30
    while time.monotonic() < give_up_at:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    pytest.fail("Nobody waits for the lock.")
