"""Real `manage.py workers` processes under their real database role: what they survive, and what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from django.db import connections
from django.utils import timezone

from portal.jobs import services
from portal.jobs.models import ClusterBeat, Job
from portal.jobs.states import State
from portal.jobs.tests.errands import tasks  # noqa: F401 - registers the kinds
from portal.launch import roles, testing

AsRole = Callable[[str], AbstractContextManager[psycopg.Connection]]
ROOT = Path(__file__).parents[3]
PATIENCE = 60.0
CUT_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
def supervisor(committed_db: str, test_server: testing.TestServer) -> Iterator[psutil.Process]:
    """`manage.py workers probe` on this test's database, impatient so that tests need not wait long."""
    environment = {
        "PATH": os.environ["PATH"],
        "COUNTERSIGN_PROCESS": "probe",
        "DATABASE_URL": test_server.url(committed_db, roles.role_of("probe")),
        "DJANGO_SETTINGS_MODULE": "portal.jobs.tests.errands.settings",
        "JOBS_LEASE_SECONDS": "1",
        "JOBS_SILENCE_SECONDS": "4",
        "SECRET_KEY": "for tests",
    }
    command = [sys.executable, str(ROOT / "manage.py"), "workers", "probe"]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as started:
        try:
            yield psutil.Process(started.pid)
        finally:
            started.kill()  # and with it, by its own doing, all that it started
            connections.close_all()


def enqueue(kind: str, **payload: Any) -> Job:
    return services.enqueue(kind, at=timezone.now(), payload=payload)


def eventually(holds: Callable[[], bool]) -> None:
    """Wait for something that other processes bring about."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.05)


def ended(job: Job) -> Job:
    eventually(lambda: Job.objects.filter(pk=job.pk, state__in=[State.DONE, State.DEAD]).exists())
    return Job.objects.get(pk=job.pk)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def test_a_job_runs_in_a_process_group_of_its_own_and_the_cluster_shows_life(supervisor: psutil.Process) -> None:
    done = ended(enqueue("errand.introduce"))

    group, worker = map(int, done.result.split())
    assert (done.state, done.attempts) == (State.DONE, 1)
    assert group not in (worker, supervisor.pid, os.getpgrp())
    assert worker in [each.pid for each in supervisor.children(recursive=True)]
    eventually(lambda: ClusterBeat.objects.filter(queue="probe", pid=group).exists())


def test_what_a_handler_names_is_loaded_before_its_first_job(supervisor: psutil.Process) -> None:
    assert ended(enqueue("errand.look")).result == "True"


def test_a_job_that_kills_its_worker_is_dead_after_three_attempts_and_others_go_on(supervisor: psutil.Process) -> None:
    deadly, others = enqueue("errand.die"), [enqueue("errand.introduce") for _ in range(3)]

    assert [(each.state, each.attempts) for each in map(ended, others)] == [(State.DONE, 1)] * 3
    dead = ended(deadly)
    assert (dead.state, dead.attempts, dead.error) == (State.DEAD, 3, "Attempt 3 lost its worker.")
    assert ended(enqueue("errand.introduce")).state == State.DONE


def test_a_cluster_whose_idle_worker_was_killed_is_replaced(supervisor: psutil.Process) -> None:
    group, worker = map(int, ended(enqueue("errand.introduce")).result.split())
    old = [each for each in supervisor.children(recursive=True) if os.getpgid(each.pid) == group]

    time.sleep(0.5)  # by now it waits for its next wake-up, holding the lock
    os.kill(worker, signal.SIGKILL)

    after = ended(enqueue("errand.introduce"))
    assert (after.state, after.attempts) == (State.DONE, 1)
    assert int(after.result.split()[0]) != group
    assert alive(old) == []


def test_a_job_that_takes_longer_than_lease_and_patience_is_left_in_peace(supervisor: psutil.Process) -> None:
    done = ended(enqueue("errand.nap", seconds=5))

    assert (done.state, done.attempts, done.result) == (State.DONE, 1, "slept")


def test_a_cluster_survives_the_loss_of_its_database_connections(supervisor: psutil.Process, as_role: AsRole) -> None:
    before = ended(enqueue("errand.introduce")).result
    with as_role("probe") as probe:
        assert probe.execute(CUT_OTHERS).rowcount >= 2

    assert ended(enqueue("errand.introduce")).result == before


def test_sigterm_lets_the_job_in_hand_finish_begins_no_other_and_leaves_no_process(supervisor: psutil.Process) -> None:
    in_hand, next_in_line = enqueue("errand.nap", seconds=2), enqueue("errand.introduce")
    eventually(lambda: Job.objects.filter(pk=in_hand.pk, state=State.RUNNING).exists())
    family = supervisor.children(recursive=True)

    supervisor.terminate()
    supervisor.wait(PATIENCE)

    assert alive(family) == []
    assert Job.objects.get(pk=in_hand.pk).result == "slept"
    assert Job.objects.get(pk=next_in_line.pk).state == State.WAITING
    assert not ClusterBeat.objects.exists()


def test_a_killed_supervisor_takes_its_clusters_with_it_and_loses_no_job(supervisor: psutil.Process) -> None:
    nap = enqueue("errand.nap", seconds=50)
    eventually(lambda: Job.objects.filter(pk=nap.pk, state=State.RUNNING).exists())
    family = supervisor.children(recursive=True)

    supervisor.kill()

    eventually(lambda: alive(family) == [])
    eventually(lambda: services.revive_lost("probe") == 1)
    assert Job.objects.get(pk=nap.pk).state == State.WAITING


def test_a_worker_refuses_to_run_with_the_secrets_of_another_queue() -> None:
    command = [sys.executable, str(ROOT / "manage.py"), "workers", "execution"]
    environment = {"PATH": os.environ["PATH"], "COUNTERSIGN_PROCESS": "probe"}

    refused = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert refused.returncode != 0
    assert "COUNTERSIGN_PROCESS=execution" in refused.stderr
