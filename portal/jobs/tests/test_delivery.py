"""Several connections and roles on one ledger, with real commits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from portal.jobs import schedules, services, work
from portal.jobs.broker import LedgerBroker
from portal.jobs.models import Job, Schedule
from portal.jobs.registry import QUEUES
from portal.jobs.states import State
from portal.jobs.tests.errands import tasks  # noqa: F401 - registers the kinds

AsRole = Callable[[str], AbstractContextManager[psycopg.Connection]]
MAY_ENQUEUE = {
    "web": set(QUEUES),
    "drafting": {"probe", "general"},
    "probe": {"probe", "general"},
    "execution": {"execution", "probe", "general"},
    "general": {"drafting", "probe", "general"},
}
INSERT = """
    INSERT INTO jobs_job
        (queue, kind, payload, state, attempts, max_attempts, fence, due_at, enqueued_at, result, error)
    VALUES (%s, 'x', '{}', %s, %s, 3, 3, now(), now(), '', '')
"""


def waiting(queue: str) -> Job:
    now = timezone.now()
    return Job.objects.create(queue=queue, kind="x", due_at=now, enqueued_at=now)


def refused(role: psycopg.Connection, statement: str, *values: object) -> bool:
    try:
        return role.execute(statement, values).rowcount == 0
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation):
        return True


@pytest.mark.parametrize("process", MAY_ENQUEUE)
def test_a_role_enqueues_only_where_it_may(committed_db: str, as_role: AsRole, process: str) -> None:
    with as_role(process) as role:
        allowed = {queue for queue in QUEUES if not refused(role, INSERT, queue, "waiting", 0)}

        assert allowed == MAY_ENQUEUE[process]
        assert refused(role, INSERT, "general", "done", 0)
        assert refused(role, INSERT, "general", "waiting", 3)


@pytest.mark.parametrize("process", QUEUES)
def test_a_cluster_takes_only_from_its_own_queue(committed_db: str, as_role: AsRole, process: str) -> None:
    jobs = {queue: waiting(queue).pk for queue in QUEUES}
    take = "UPDATE jobs_job SET state = 'running', leased_until = now(), started_at = now() WHERE id = %s"
    with as_role(process) as role:
        taken = {queue for queue in QUEUES if not refused(role, take, jobs[queue])}

        assert taken == {process}
        others = set(QUEUES) - {process}
        assert all(refused(role, "UPDATE jobs_job SET queue = %s WHERE id = %s", process, jobs[q]) for q in others)


def test_web_brings_dead_jobs_back_and_takes_none(committed_db: str, as_role: AsRole) -> None:
    dead, fresh = waiting("execution"), waiting("execution")
    Job.objects.filter(pk=dead.pk).update(state=State.RUNNING, leased_until=timezone.now(), started_at=timezone.now())
    Job.objects.filter(pk=dead.pk).update(state=State.DEAD, leased_until=None, finished_at=timezone.now())
    with as_role("web") as web:
        assert not refused(web, "UPDATE jobs_job SET state = 'waiting', finished_at = NULL WHERE id = %s", dead.pk)
        assert refused(web, "UPDATE jobs_job SET state = 'running', leased_until = now() WHERE id = %s", fresh.pk)
        assert refused(web, "DELETE FROM jobs_job WHERE id = %s", fresh.pk)


def test_only_the_general_cluster_forgets_and_only_what_is_done(committed_db: str, as_role: AsRole) -> None:
    job = waiting("general")
    with as_role("general") as general:
        assert refused(general, "DELETE FROM jobs_job WHERE id = %s", job.pk)
        general.execute("UPDATE jobs_job SET state = 'running', leased_until = now(), started_at = now()")
        general.execute("UPDATE jobs_job SET state = 'done', leased_until = NULL, finished_at = now()")
        with as_role("probe") as probe:
            assert refused(probe, "DELETE FROM jobs_job WHERE id = %s", job.pk)
        assert not refused(general, "DELETE FROM jobs_job WHERE id = %s", job.pk)


def test_two_workers_never_take_the_same_job(committed_db: str) -> None:
    for _ in range(40):
        services.enqueue("errand.introduce", at=timezone.now())
    taken: list[int] = []

    def work() -> None:
        while jobs := services.take("probe", limit=1, lease_seconds=60):
            taken.append(jobs[0].id)
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(taken) == sorted(set(taken)) == sorted(Job.objects.values_list("pk", flat=True))


def test_an_attempt_that_was_cut_off_from_the_database_goes_on_before_others_and_does_not_count(
    committed_db: str,
) -> None:
    failing = services.enqueue("errand.fail", at=timezone.now())
    cut_off = services.enqueue("errand.lose_connection", at=timezone.now())
    handed = services.take("probe", limit=2, lease_seconds=60)
    later = waiting("probe")
    for each in handed:
        work.run(each)
    failing.refresh_from_db()
    cut_off.refresh_from_db()
    assert (failing.state, failing.attempts) == (State.WAITING, 1)
    assert (cut_off.state, cut_off.attempts) == (State.WAITING, 0)
    assert "terminat" in cut_off.error
    assert services.due("probe", limit=5) == [cut_off.pk, later.pk]


def test_a_job_that_ends_its_connection_every_time_is_dead_in_the_end(committed_db: str) -> None:
    job = services.enqueue("errand.lose_connection", at=timezone.now())
    while handed := services.take("probe", limit=1, lease_seconds=60):
        work.run(handed[0])
    job.refresh_from_db()
    assert (job.state, job.attempts, job.fence) == (State.DEAD, 3, 23)


def test_a_lost_job_goes_before_those_that_came_after_it(committed_db: str) -> None:
    lost, revived, later = (waiting("probe") for _ in range(3))
    for lease_seconds in (0, 60):
        services.take("probe", limit=1, lease_seconds=lease_seconds)
    assert services.revive_lost("probe") == 1
    assert not services.revive(revived.pk, fence=2)
    assert services.revive(revived.pk, fence=1)
    assert services.due("probe", limit=5) == [lost.pk, revived.pk, later.pk]


def test_work_is_announced_when_it_is_committed_and_not_before(committed_db: str, as_role: AsRole) -> None:
    with as_role("probe") as probe:
        probe.execute(f"LISTEN {services.channel('probe')}")
        with transaction.atomic():
            services.publish("errands.asked", subject_id=1, at=timezone.now())
            assert list(probe.notifies(timeout=0, stop_after=1)) == []
        assert [each.channel for each in probe.notifies(timeout=10, stop_after=1)] == ["jobs_probe"]


def test_a_transaction_announces_a_queue_once_and_nothing_that_it_took_back(committed_db: str, as_role: AsRole) -> None:
    with as_role("probe") as probe:
        probe.execute(f"LISTEN {services.channel('probe')}")
        with transaction.atomic():
            with transaction.atomic():
                services.publish("errands.asked", subject_id=1, at=timezone.now())
                transaction.set_rollback(True)
            services.publish("errands.asked", subject_id=2, at=timezone.now())
            services.publish("errands.asked", subject_id=3, at=timezone.now())
        probe.execute("SELECT pg_notify(%s, 'the last')", [services.channel("probe")])
        said: list[str] = []
        for each in probe.notifies(timeout=10):
            said.append(each.payload)
            if each.payload:
                break
    assert said == ["", "the last"]
    assert set(Job.objects.values_list("subject_id", flat=True)) == {2, 3}


@pytest.mark.parametrize("is_taken_back", [False, True])
def test_who_asks_beside_a_transaction_that_is_open_is_heard_however_that_ends(
    committed_db: str, *, is_taken_back: bool
) -> None:
    at = timezone.now()

    def ask_too() -> None:
        services.publish("plan.opened", subject_id=2, at=at)
        connection.close()

    other = threading.Thread(target=ask_too)
    with transaction.atomic():
        services.publish("plan.opened", subject_id=1, at=at)
        other.start()
        other.join(0.2)
        assert other.is_alive()
        transaction.set_rollback(is_taken_back)
    other.join()

    assert Job.objects.filter(kind="signoff.remind").count() == 1


def test_a_joined_job_does_not_start_before_the_request_that_joined_it_is_committed(
    committed_db: str, as_role: AsRole
) -> None:
    job = services.enqueue("errand.introduce", at=timezone.now(), key="one")
    look = "SELECT id FROM jobs_job WHERE state = 'waiting' FOR UPDATE SKIP LOCKED"
    with as_role("probe") as probe:
        with transaction.atomic():
            assert services.enqueue("errand.introduce", at=timezone.now(), key="one").pk == job.pk
            assert probe.execute(look).fetchall() == []
        assert probe.execute(look).fetchall() == [(job.pk,)]


def test_a_role_that_may_enqueue_may_also_join(committed_db: str, as_role: AsRole) -> None:
    job = waiting("general")
    lock = "SELECT id FROM jobs_job WHERE id = %s FOR UPDATE"
    with as_role("drafting") as drafting, as_role("probe") as probe:
        assert drafting.execute(lock, [job.pk]).fetchall() == [(job.pk,)]
        assert probe.execute(lock, [waiting("drafting").pk]).fetchall() == []


def test_the_queue_is_read_by_its_index_however_long_its_history(committed_db: str) -> None:
    now = timezone.now()
    old = {"queue": "probe", "kind": "x", "due_at": now, "enqueued_at": now, "finished_at": now, "state": State.DONE}
    Job.objects.bulk_create(Job(**old) for _ in range(5000))
    Job.objects.create(queue="probe", kind="x", due_at=now - timedelta(1), enqueued_at=now)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE jobs_job")
        cursor.execute(f"EXPLAIN {services._TAKE}", {"queue": "probe", "limit": 1, "lease": 10, "due_by": None})
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "jobs_job_take" in plan
    assert "Seq Scan on jobs_job" not in plan


def test_a_host_whose_clock_is_ahead_makes_nobody_wait(committed_db: str) -> None:
    at = timezone.now() + timedelta(seconds=30)
    first = services.enqueue("errand.introduce", at=at)
    second = services.enqueue("errand.introduce", at=timezone.now())
    services.publish("errands.asked", subject_id=1, at=at)
    third = Job.objects.get(kind="errand.introduce", subject_id=1)
    hour = services.enqueue("errand.introduce", at=at, due_at=at + timedelta(hours=1))

    assert services.due("probe", limit=9) == [first.pk, second.pk, third.pk]
    assert Job.objects.get(pk=hour.pk).due_at == at + timedelta(hours=1)


def test_a_schedule_whose_row_somebody_holds_stands_in_nobody_s_way(committed_db: str, as_role: AsRole) -> None:
    Schedule.objects.exclude(name__in=("jobs.tidy", "jobs.drop_bodies")).delete()
    now = timezone.now()
    with as_role("general") as somebody, somebody.transaction():
        somebody.execute("SELECT FROM jobs_schedule WHERE name = 'jobs.drop_bodies' FOR UPDATE")
        assert schedules.tick(at=now) == 1
    assert schedules.tick(at=now) == 1
    assert sorted(Job.objects.values_list("kind", flat=True)) == ["jobs.drop_bodies", "jobs.tidy"]


@pytest.mark.parametrize("process", QUEUES)
def test_every_cluster_may_say_that_a_job_of_its_died(
    committed_db: str, running_as: Callable[[str], AbstractContextManager[None]], process: str
) -> None:
    job = waiting(process)
    with running_as(process):
        for _ in range(3):
            services.take(process, limit=1, lease_seconds=0)
            services.revive_lost(process)
    job.refresh_from_db()
    assert job.state == State.DEAD
    assert Job.objects.get(kind="notices.tell_dead").subject_id == job.pk


def test_web_puts_dead_jobs_away_and_no_others(committed_db: str, as_role: AsRole) -> None:
    fresh = waiting("execution")
    with as_role("web") as web:
        assert refused(web, "UPDATE jobs_job SET state = 'discarded', finished_at = now() WHERE id = %s", fresh.pk)
        with as_role("execution") as execution:
            execution.execute("UPDATE jobs_job SET state = 'running', leased_until = now(), started_at = now()")
            execution.execute("UPDATE jobs_job SET state = 'dead', leased_until = NULL, finished_at = now()")
        assert not refused(web, "UPDATE jobs_job SET state = 'discarded' WHERE id = %s", fresh.pk)
        assert refused(web, "UPDATE jobs_job SET state = 'waiting', finished_at = NULL WHERE id = %s", fresh.pk)


OF_A_KIND = INSERT.replace("'x'", "%s")
STOLEN = {
    "somebody's letter sent again": ("drafting", "general", "notices.send"),
    "an outcome that never was": ("drafting", "general", "feedback.learn_run"),
    "what the clock asks for": ("drafting", "general", "jobs.tidy"),
    "what only the clock asks for": ("web", "general", "jobs.tidy"),
    "a run on a queue of its choice": ("drafting", "general", "execution.start"),
    "a run where nobody looks for it": ("probe", "general", "execution.advance"),
    "work of the general queue elsewhere": ("execution", "probe", "jobs.tidy"),
    "a second answer of the model": ("general", "drafting", "drafting.draft"),
    "a run that goes on past a stop": ("general", "execution", "execution.advance"),
}


@pytest.mark.parametrize("job", STOLEN.values(), ids=STOLEN)
def test_a_role_asks_for_no_job_that_is_not_for_it_to_ask(
    committed_db: str, as_role: AsRole, job: tuple[str, str, str]
) -> None:
    process, queue, kind = job
    with as_role(process) as role:
        assert refused(role, OF_A_KIND, queue, kind, "waiting", 0)


@pytest.mark.parametrize(
    "job",
    [
        ("web", "drafting", "drafting.draft"),
        ("drafting", "probe", "review.prepare"),
        ("drafting", "general", "patterns.refold"),
        ("execution", "execution", "execution.start"),
        ("general", "execution", "execution.start"),
        ("execution", "general", "feedback.learn_run"),
        ("general", "general", "jobs.tidy"),
    ],
)
def test_a_role_asks_for_what_its_work_leads_to(committed_db: str, as_role: AsRole, job: tuple[str, str, str]) -> None:
    process, queue, kind = job
    with as_role(process) as role:
        assert not refused(role, OF_A_KIND, queue, kind, "waiting", 0)


@pytest.mark.parametrize("process", MAY_ENQUEUE)
def test_no_role_changes_what_it_may_ask_for(committed_db: str, as_role: AsRole, process: str) -> None:
    with as_role(process) as role:
        for statement in ("DELETE FROM jobs_kind", "UPDATE jobs_kind SET asked_by = '{drafting}'"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                role.execute(statement)
        assert role.execute("SELECT count(*) FROM jobs_kind").fetchone() != (0,)


def test_a_worker_that_looks_by_itself_is_not_woken_for_a_job_and_gets_its_beats(committed_db: str) -> None:
    waiting("probe")
    is_served = True
    broker = LedgerBroker("probe", is_served=lambda: is_served)

    assert woken_for(broker) == ["beat"]
    assert woken_for(broker) == []
    is_served = False
    assert woken_for(broker) == ["serve"]


def woken_for(broker: LedgerBroker) -> list[str]:
    return [what for what, _ in broker.dequeue() or []]
