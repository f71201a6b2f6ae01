"""Real `manage.py workers` processes under their real database role: what they survive, and what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone

from portal.jobs import services
from portal.jobs.models import ClusterBeat, Job
from portal.jobs.states import State
from portal.jobs.testing import eventually
from portal.jobs.tests.errands import tasks  # noqa: F401 - registers the kinds
from portal.launch import roles, testing
from portal.launch.postgres import Server

pytestmark = pytest.mark.early
AsRole = Callable[[str], AbstractContextManager[psycopg.Connection]]
ROOT = Path(__file__).parents[3]
PATIENCE = 60.0
CUT_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()
"""


@contextmanager
def workers(url: str, *, lease: int = 1, silence: int = 4, longest: int = 900) -> Iterator[psutil.Process]:
    """`manage.py workers probe`, impatient so that tests need not wait long, with a SECRET_KEY that nobody else has."""
    environment = {
        "PATH": os.environ["PATH"],
        "COUNTERSIGN_PROCESS": "probe",
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "portal.jobs.tests.errands.settings",
        "JOBS_LEASE_SECONDS": str(lease),
        "JOBS_LONGEST_SECONDS": str(longest),
        "JOBS_SILENCE_SECONDS": str(silence),
        "SECRET_KEY": "of this process alone",
    }
    command = [sys.executable, str(ROOT / "manage.py"), "workers", "probe", "--processes", "1"]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as started:
        try:
            yield psutil.Process(started.pid)
        finally:
            started.kill()  # and with it, by its own doing, all that it started


@pytest.fixture
def supervisor(committed_db: str, test_server: testing.TestServer) -> Iterator[psutil.Process]:
    """Workers on this test's database."""
    with workers(test_server.url(committed_db, roles.role_of("probe"))) as started:
        try:
            yield started
        finally:
            connections.close_all()


@pytest.fixture
def patient(committed_db: str, test_server: testing.TestServer) -> Iterator[psutil.Process]:
    """Workers who wait an hour for anybody who might still be alive."""
    with workers(test_server.url(committed_db, roles.role_of("probe")), lease=3600, silence=3600) as started:
        try:
            yield started
        finally:
            connections.close_all()


def enqueue(kind: str, **payload: Any) -> Job:
    return services.enqueue(kind, at=timezone.now(), payload=payload)


def ended(job: Job) -> Job:
    eventually(lambda: Job.objects.filter(pk=job.pk, state__in=[State.DONE, State.DEAD]).exists())
    return Job.objects.get(pk=job.pk)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def test_a_job_runs_in_a_process_group_of_its_own_and_the_cluster_shows_life(supervisor: psutil.Process) -> None:
    """Whatever SECRET_KEY was in force when it was enqueued, and with what its handler needs loaded before."""
    first, done = ended(enqueue("errand.look")), ended(enqueue("errand.introduce"))
    assert first.result == "True"
    assert supervisor.environ()["SECRET_KEY"] != settings.SECRET_KEY

    group, worker = map(int, done.result.split())
    assert (done.state, done.attempts) == (State.DONE, 1)
    assert group not in (worker, supervisor.pid, os.getpgrp())
    assert worker in [each.pid for each in supervisor.children(recursive=True)]
    eventually(lambda: ClusterBeat.objects.filter(queue="probe", pid=group).exists())


def test_jobs_that_wait_together_are_done_one_after_the_other_and_share_what_they_learn(
    supervisor: psutil.Process,
) -> None:
    with transaction.atomic():
        waiting = [enqueue("errand.count") for _ in range(20)]
    assert max(int(ended(each).result) for each in waiting) > 1
    begun = Job.objects.filter(kind="errand.count").order_by("started_at")
    assert [job.pk for job in begun] == [job.pk for job in waiting]


def test_a_worker_that_had_a_job_finds_the_next_one_by_itself(supervisor: psutil.Process) -> None:
    """What it learned from the one before is at hand for a job that came when there was none to do."""
    eventually(lambda: ended(enqueue("errand.count")).result != "1")


def test_a_job_that_kills_its_worker_is_dead_after_three_attempts_and_others_go_on(patient: psutil.Process) -> None:
    """Nobody waits until its lease runs out: whoever is dead has no job in hand."""
    deadly, others = enqueue("errand.die"), [enqueue("errand.introduce") for _ in range(3)]

    assert [(each.state, each.attempts) for each in map(ended, others)] == [(State.DONE, 1)] * 3
    dead = ended(deadly)
    assert (dead.state, dead.attempts, dead.error) == (State.DEAD, 3, "Attempt 3 lost its worker.")
    assert ended(enqueue("errand.introduce")).state == State.DONE


def test_a_cluster_whose_idle_worker_was_killed_is_replaced(patient: psutil.Process) -> None:
    group, worker = map(int, ended(enqueue("errand.introduce")).result.split())
    old = [each for each in patient.children(recursive=True) if os.getpgid(each.pid) == group]

    time.sleep(0.5)  # by now it waits for its next wake-up, holding the lock
    os.kill(worker, signal.SIGKILL)

    after = ended(enqueue("errand.introduce"))
    assert (after.state, after.attempts) == (State.DONE, 1)
    assert int(after.result.split()[0]) != group
    assert alive(old) == []


def test_a_job_that_takes_longer_than_lease_and_patience_is_left_in_peace_and_those_behind_it_run_once(
    supervisor: psutil.Process,
) -> None:
    with transaction.atomic():
        enqueue("errand.introduce")  # the same worker had another job in hand before
        nap, behind = enqueue("errand.nap", seconds=5), [enqueue("errand.introduce") for _ in range(12)]

    done = ended(nap)
    assert (done.state, done.attempts, done.result) == (State.DONE, 1, "slept")
    assert [(each.state, each.attempts, each.fence) for each in map(ended, behind)] == [(State.DONE, 1, 1)] * 12


def test_an_error_costs_an_attempt_and_not_the_worker(supervisor: psutil.Process) -> None:
    before = ended(enqueue("errand.introduce")).result
    failing = enqueue("errand.fail")
    eventually(lambda: Job.objects.filter(pk=failing.pk, attempts=1, state=State.WAITING).exists())

    assert ended(enqueue("errand.introduce")).result == before
    failed = Job.objects.get(pk=failing.pk)
    assert (failed.attempts, failed.error) == (1, "OSError: no such host")
    assert "in fail\n" in failed.trace
    assert failed.due_at > timezone.now()


def test_a_job_that_takes_too_long_is_interrupted_and_one_that_cannot_be_loses_its_worker(
    committed_db: str, test_server: testing.TestServer
) -> None:
    with workers(test_server.url(committed_db, roles.role_of("probe")), longest=2):
        before = ended(enqueue("errand.introduce")).result
        slow = attempted(enqueue("errand.nap", seconds=3600))
        assert slow.error.startswith("TimeoutException")
        assert "in nap\n" in slow.trace
        assert ended(enqueue("errand.introduce")).result == before

        now, once = timezone.now(), {"payload": {"seconds": 3600}, "max_attempts": 1}  # else it is taken again at once
        deaf = Job.objects.create(queue="probe", kind="errand.be_deaf", due_at=now, enqueued_at=now, **once)
        assert ended(deaf).error == "Attempt 1 lost its worker."
        assert ended(enqueue("errand.introduce")).result != before
        connections.close_all()


def attempted(job: Job) -> Job:
    """The job after its first attempt."""
    eventually(lambda: Job.objects.filter(pk=job.pk, state=State.WAITING, attempts=1).exists())
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now() + timedelta(days=1))
    return Job.objects.get(pk=job.pk)


def test_a_cluster_survives_the_loss_of_its_database_connections(supervisor: psutil.Process, as_role: AsRole) -> None:
    before = ended(enqueue("errand.introduce")).result
    with as_role("probe") as probe:
        assert probe.execute(CUT_OTHERS).rowcount >= 2

    assert ended(enqueue("errand.introduce")).result == before


def test_the_database_may_be_restarted(own_server: Server) -> None:
    url = own_server.url(roles.role_of("probe"), database=roles.DATABASE)
    owner = own_server.url(roles.OWNER, database=roles.DATABASE)
    with workers(url) as supervisor:
        before = asked_directly(owner)
        family = supervisor.children(recursive=True)
        own_server.stop()
        time.sleep(1.5)  # long enough for every process to find it gone
        own_server.start()

        assert asked_directly(owner) == before
        assert alive(family) == family


def asked_directly(url: str) -> str:
    """The answer to a job that is enqueued without Django, once it is there; nothing that runs it ran twice."""
    with psycopg.connect(url, autocommit=True) as connection:
        asked = connection.execute(
            "INSERT INTO jobs_job (queue, kind, payload, state, attempts, max_attempts, fence, due_at, enqueued_at,"
            " result, error) VALUES ('probe', 'errand.introduce', '{}', 'waiting', 0, 3, 0, now(), now(), '', '')"
            " RETURNING id"
        ).fetchone()
        answer = "SELECT result FROM jobs_job WHERE id = %s AND state = 'done' AND attempts = 1"
        eventually(lambda: connection.execute(answer, asked).rowcount == 1)
        (result,) = connection.execute(answer, asked).fetchone() or ("",)
    return str(result)


@pytest.mark.parametrize("who", ["the first one alone", "all of them"])
def test_sigterm_lets_the_work_in_hand_finish_begins_no_other_and_leaves_no_process(
    supervisor: psutil.Process, who: str
) -> None:
    in_hand, next_in_line = enqueue("errand.march"), enqueue("errand.introduce")
    eventually(lambda: Job.objects.filter(pk=in_hand.pk, state=State.RUNNING).exists())
    family = supervisor.children(recursive=True)

    supervisor.terminate()
    if who == "all of them":
        for each in family:
            each.terminate()
        supervisor.terminate()  # what a launcher does that was told as well
    assert supervisor.wait(PATIENCE) == 0
    assert alive(family) == []
    assert Job.objects.get(pk=in_hand.pk).result == "told to stop, and the step in hand is done"
    next_in_line.refresh_from_db()
    assert (next_in_line.state, next_in_line.attempts) == (State.WAITING, 0)
    assert not ClusterBeat.objects.exists()


def test_whoever_cannot_wait_for_the_end_interrupts_once_more_and_loses_no_job(supervisor: psutil.Process) -> None:
    nap = enqueue("errand.nap", seconds=50)
    eventually(lambda: Job.objects.filter(pk=nap.pk, state=State.RUNNING).exists())
    family = supervisor.children(recursive=True)

    supervisor.terminate()
    time.sleep(0.5)  # else both arrive at once, in the order of their numbers
    supervisor.send_signal(signal.SIGINT)

    assert supervisor.wait(PATIENCE) == 0
    assert alive(family) == []
    eventually(lambda: services.revive_lost("probe") == 1)


def test_one_process_that_is_stopped_or_killed_is_replaced_with_its_cluster(supervisor: psutil.Process) -> None:
    group, worker = map(int, ended(enqueue("errand.introduce")).result.split())
    os.kill(worker, signal.SIGTERM)
    assert ended(enqueue("errand.introduce")).result == f"{group} {worker}"

    for number, how in ((signal.SIGTERM, "ended with code 0"), (signal.SIGKILL, "was killed by SIGKILL")):
        old = [each for each in supervisor.children(recursive=True) if os.getpgid(each.pid) == group]
        os.kill(group, number)
        eventually(lambda old=old: alive(old) == [])  # type: ignore[misc]
        after = ended(enqueue("errand.introduce"))
        assert (after.state, after.attempts) == (State.DONE, 1)
        replaced, group = group, int(after.result.split()[0])
        known = ClusterBeat.objects.filter(pid=group, replaces=f"cluster {replaced}, which {how}")
        eventually(known.exists)
        assert not ClusterBeat.objects.filter(pid=replaced).exists()


def test_a_frozen_worker_loses_its_job_to_the_cluster_that_takes_its_place(supervisor: psutil.Process) -> None:
    march = enqueue("errand.march")
    eventually(lambda: ClusterBeat.objects.filter(job_id=march.pk).exists())
    frozen = ClusterBeat.objects.get(job_id=march.pk)
    old = [each for each in supervisor.children(recursive=True) if os.getpgid(each.pid) == frozen.pid]

    os.killpg(frozen.pid, signal.SIGSTOP)

    eventually(lambda: ClusterBeat.objects.filter(job_id=march.pk, replaces__endswith="fell silent").exists())
    assert alive(old) == []
    job = Job.objects.get(pk=march.pk)
    assert (job.state, job.attempts, job.fence) == (State.RUNNING, 2, 2)


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
