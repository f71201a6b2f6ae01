"""The verbs of the ledger, run by the same steps as a worker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from portal.jobs import registry, services, states
from portal.jobs.models import Job
from portal.jobs.registry import Handed, handler
from portal.jobs.states import State
from portal.jobs.testing import drain
from portal.kit.refusals import StaleTransition, because

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are the handlers that a test registers, and no others."""
    monkeypatch.setattr(registry, "_handlers", {})


def flaky(*failures: Exception) -> list[Handed]:
    """Registers `test.flaky`, which raises these one after the other and then succeeds; the jobs it was handed."""
    handed: list[Handed] = []
    left = list(failures)

    @handler("test.flaky", queue="general")
    def run(job: Handed) -> str:
        handed.append(job)
        if left:
            raise left.pop(0)
        return "well"

    return handed


def enqueue(kind: str = "test.flaky", **fields: Any) -> Job:
    return services.enqueue(kind, at=timezone.now(), **fields)


def test_a_job_runs_once_with_what_it_was_given() -> None:
    handed = flaky()
    job = enqueue(subject_id=7, payload={"why": "test"})

    assert drain() == ["test.flaky: well"]
    assert drain() == []
    job.refresh_from_db()
    assert (job.state, job.attempts, job.result, job.leased_until) == (State.DONE, 1, "well", None)
    assert [(each.subject_id, each.payload, each.attempt, each.fence) for each in handed] == [
        (7, {"why": "test"}, 1, 1)
    ]
    assert handed[0].at == job.started_at


def test_jobs_of_one_queue_start_in_the_order_in_which_they_are_due() -> None:
    handed = flaky()
    now = timezone.now()
    late, early = enqueue(due_at=now - timedelta(seconds=1)), enqueue(due_at=now - timedelta(seconds=9))

    drain("general")

    assert [each.id for each in handed] == [early.pk, late.pk]


def test_a_job_waits_until_it_is_due() -> None:
    flaky()
    due_at = timezone.now() + timedelta(hours=1)
    enqueue(due_at=due_at)

    assert drain() == []
    assert drain(at=due_at) == ["test.flaky: well"]


def test_an_error_is_recorded_and_the_job_rests_before_its_next_attempt() -> None:
    flaky(ValueError("no \x00 such host"))
    job = enqueue()

    assert drain() == ["test.flaky: ValueError: no \x00 such host"]
    job.refresh_from_db()
    assert (job.state, job.attempts, job.error) == (State.WAITING, 1, "ValueError: no \ufffd such host")
    assert job.due_at > timezone.now()
    assert drain(at=timezone.now() + timedelta(minutes=1)) == ["test.flaky: well"]
    job.refresh_from_db()
    assert (job.state, job.attempts, job.error) == (State.DONE, 2, "")


def test_after_its_last_attempt_a_job_is_dead() -> None:
    handed = flaky(*(OSError("down") for _ in range(4)))
    job = enqueue()
    later = timezone.now() + timedelta(hours=1)

    drain(at=later)
    job.refresh_from_db()
    assert (job.state, job.attempts, len(handed), job.error) == (State.DEAD, 3, 3, "OSError: down")
    assert "test.flaky: well" not in drain(at=later)


def test_losing_a_race_is_not_an_error() -> None:
    flaky(StaleTransition(because("moved_on", "someone was first")))
    job = enqueue()

    assert drain() == ["test.flaky: already taken: someone was first"]
    job.refresh_from_db()
    assert (job.state, job.error) == (State.DONE, "")


def test_whoever_lost_the_fence_can_neither_renew_nor_finish_nor_fail() -> None:
    flaky()
    job = enqueue()
    first = services.take("general", limit=1, lease_seconds=0)[0]
    assert services.revive_lost("general") == 1
    second = services.take("general", limit=1, lease_seconds=60, due_by=timezone.now() + timedelta(minutes=1))[0]

    assert (first.fence, second.fence) == (1, 2)
    assert not first.renew()
    assert not services.finish(job.pk, fence=first.fence, result="too late")
    assert not services.fail(job.pk, fence=first.fence, error="too late")
    job.refresh_from_db()
    assert (job.state, job.fence, job.result, job.error) == (State.RUNNING, 2, "", "Attempt 1 lost its worker.")
    assert second.renew()
    assert services.finish(job.pk, fence=second.fence, result="mine")


def test_a_handler_that_lost_its_lease_meanwhile_stops_quietly() -> None:
    @handler("test.slow", queue="general")
    def slow(job: Handed) -> str:
        Job.objects.filter(pk=job.id).update(fence=job.fence + 1)  # what the next take does
        assert not job.renew()
        return "wrote nothing"

    job = enqueue("test.slow")

    assert drain() == ["test.slow: lost"]
    job.refresh_from_db()
    assert (job.state, job.result) == (State.RUNNING, "")


def test_a_job_that_keeps_losing_its_worker_is_dead_after_three_attempts() -> None:
    flaky()
    job = enqueue()

    for _ in range(3):
        assert len(services.take("general", limit=5, lease_seconds=0, due_by=timezone.now() + timedelta(days=1))) == 1
        services.revive_lost("general")

    job.refresh_from_db()
    assert (job.state, job.attempts, job.error) == (State.DEAD, 3, "Attempt 3 lost its worker.")


def test_a_job_that_comes_further_each_time_may_lose_more_workers_than_three() -> None:
    flaky()
    job = enqueue()
    for _ in range(5):
        [handed] = services.take("general", limit=1, lease_seconds=0, due_by=timezone.now() + timedelta(days=1))
        handed.came_further()
        services.revive_lost("general")
    job.refresh_from_db()
    assert (job.state, job.attempts, job.fence) == (State.WAITING, 1, 5)


def test_whoever_lost_the_job_cannot_say_that_it_came_further() -> None:
    flaky()
    job = enqueue()
    days = timezone.now() + timedelta(days=1)
    [lost] = services.take("general", limit=1, lease_seconds=0, due_by=days)
    services.revive_lost("general")
    services.take("general", limit=1, lease_seconds=60, due_by=days)
    lost.came_further()
    job.refresh_from_db()
    assert job.attempts == 2


def test_a_lease_that_holds_is_not_taken_away() -> None:
    flaky()
    enqueue()
    services.take("general", limit=1, lease_seconds=60)

    assert services.revive_lost("general") == 0
    assert services.take("general", limit=1, lease_seconds=60) == []


def test_an_event_asks_every_subscriber_and_nobody_else() -> None:
    for kind, event in (("test.b", "thing.happened"), ("test.a", "thing.happened"), ("test.c", "other.happened")):
        handler(kind, queue="general", on=(event,))(lambda job: f"saw {job.subject_id} {job.payload}")

    services.publish("thing.happened", subject_id=3, at=timezone.now(), payload={"n": 1})

    assert sorted(drain()) == ["test.a: saw 3 {'n': 1}", "test.b: saw 3 {'n': 1}"]


def test_what_happens_in_one_span_asks_for_one_job_together() -> None:
    handler("test.all", queue="general", on=("thing.happened",), every_seconds=60, gather_seconds=2)(lambda job: "well")
    seen = []
    for second in (10.0, 11.9, 12.0, 13.5, 14.0):
        at = datetime(2026, 5, 4, 3, 0, tzinfo=UTC) + timedelta(seconds=second)
        services.publish("thing.happened", subject_id=3, at=at)
        seen.append(Job.objects.count())

    assert seen == [1, 1, 2, 2, 3]
    assert [job.due_at.second for job in Job.objects.order_by("due_at")] == [14, 16, 18]
    assert drain() == ["test.all: well"] * 3


def test_what_gathers_runs_by_the_clock_too() -> None:
    with pytest.raises(ImproperlyConfigured, match="by the clock"):
        handler("test.all", queue="general", on=("thing.happened",), gather_seconds=2)


def test_who_comes_after_the_job_began_asks_for_another() -> None:
    handler("test.all", queue="general", on=("thing.happened",), every_seconds=60, gather_seconds=2)(lambda job: "well")
    at = timezone.now() - timedelta(minutes=1)
    services.publish("thing.happened", subject_id=3, at=at)
    (running,) = services.take("general", limit=1, lease_seconds=60)
    services.publish("thing.happened", subject_id=4, at=at)

    assert services.finish(running.id, fence=running.fence, result="well")
    assert drain() == ["test.all: well"]


def test_what_is_rolled_back_was_never_enqueued() -> None:
    flaky()
    with transaction.atomic():
        enqueue()
        transaction.set_rollback(True)

    assert drain() == []


def test_requests_with_one_key_join_the_job_that_waits() -> None:
    flaky()
    first, second, other = enqueue(key="run 1"), enqueue(key="run 1"), enqueue(key="run 2")

    assert (second.pk, other.pk == first.pk) == (first.pk, False)
    assert drain() == ["test.flaky: well"] * 2


def test_a_job_that_waits_for_its_time_is_hastened_by_its_key() -> None:
    flaky()
    later = timezone.now() + timedelta(hours=1)
    job, other = enqueue(key="run 1", due_at=later), enqueue(key="run 2", due_at=later)
    assert not services.hasten(job.kind, key="run 3", at=timezone.now())
    assert services.due(job.queue, limit=9) == []
    assert services.hasten(job.kind, key="run 1", at=timezone.now())
    assert services.due(job.queue, limit=9) == [job.pk]
    assert not services.hasten(job.kind, key="run 1", at=timezone.now()), "it waits for nothing any more"
    assert other.pk not in services.due(job.queue, limit=9)


def test_a_request_that_comes_while_its_key_runs_is_done_after_it_and_not_beside_it() -> None:
    flaky()
    enqueue(key="run 1")
    running = services.take("general", limit=1, lease_seconds=60)[0]
    again = enqueue(key="run 1")

    assert again.pk != running.id
    assert services.due("general", limit=1) == []
    assert services.take("general", limit=1, lease_seconds=60) == []
    services.finish(running.id, fence=running.fence, result="")
    assert services.due("general", limit=1) == [again.pk]
    assert [each.id for each in services.take("general", limit=1, lease_seconds=60)] == [again.pk]


def test_what_ends_one_job_takes_the_next_of_its_queue() -> None:
    flaky()
    handler("test.elsewhere", queue="probe")(lambda job: "never")
    enqueue("test.elsewhere")
    one, two = enqueue(), enqueue(payload={"why": "second"})
    [running] = services.take("general", limit=1, lease_seconds=60)

    following = after(running)

    assert following is not None
    assert (following.id, following.attempt, following.fence, following.payload) == (two.pk, 1, 1, {"why": "second"})
    assert after(following) is None
    assert set(Job.objects.filter(pk__in=[one.pk, two.pk]).values_list("state", "result")) == {(State.DONE, "well")}


def test_what_ends_a_job_leaves_the_one_that_waits_for_it_to_the_next_look() -> None:
    flaky()
    enqueue(key="run 1")
    [running] = services.take("general", limit=1, lease_seconds=60)
    again = enqueue(key="run 1")

    assert after(running) is None
    assert [each.id for each in services.take("general", limit=1, lease_seconds=60)] == [again.pk]


def test_whoever_lost_the_fence_ends_nothing_and_may_take_the_next_job() -> None:
    flaky()
    job = enqueue()
    [lost] = services.take("general", limit=1, lease_seconds=0)
    services.revive_lost("general")

    is_ended, following = services.finish_and_take(
        lost.id, fence=lost.fence + 1, result="too late", queue="general", lease_seconds=60
    )

    assert not is_ended
    assert following is not None
    assert (following.id, following.attempt, following.fence) == (job.pk, 2, 2)


def after(job: Handed) -> Handed | None:
    """The job that is taken by what ends this one."""
    ends = services.finish_and_take(job.id, fence=job.fence, result="well", queue="general", lease_seconds=60)
    assert ends[0], "the job was not held any more"
    return ends[1]


def test_a_failed_attempt_leaves_the_work_to_a_newer_job_with_its_key() -> None:
    flaky()
    enqueue(key="run 1")
    running = services.take("general", limit=1, lease_seconds=60)[0]
    enqueue(key="run 1")

    services.fail(running.id, fence=running.fence, error="broken")

    old = Job.objects.get(pk=running.id)
    assert (old.state, old.error) == (State.DONE, "broken")
    assert drain() == ["test.flaky: well"]


def test_a_kind_that_nobody_knows_any_more_is_dead_after_three_attempts_and_holds_up_nobody() -> None:
    handler("test.old", queue="general")(lambda job: "never")
    old = enqueue("test.old")
    del registry._handlers["test.old"]
    flaky()
    enqueue()

    assert "test.flaky: well" in drain(at=timezone.now() + timedelta(hours=1))
    old.refresh_from_db()
    assert (old.state, old.attempts) == (State.DEAD, 3)
    assert "test.old" in old.error


def test_an_unknown_kind_is_refused_when_it_is_enqueued() -> None:
    with pytest.raises(registry.UnknownKind, match=r"test\.nobody"):
        services.enqueue("test.nobody", at=timezone.now())


def test_a_kind_has_one_handler_and_an_existing_queue() -> None:
    flaky()
    with pytest.raises(ImproperlyConfigured, match="two handlers"):
        handler("test.flaky", queue="general")(lambda job: "other")
    with pytest.raises(ImproperlyConfigured, match="no queue 'express'"):
        handler("test.lost", queue="express")


def test_finished_jobs_are_forgotten_after_a_while_and_dead_ones_are_not() -> None:
    flaky(*(OSError("down") for _ in range(3)))
    dead = enqueue()
    drain(at=timezone.now() + timedelta(hours=1))
    done = enqueue()
    drain()

    assert services.forget_done(before=timezone.now() - timedelta(minutes=1)) == 0
    assert services.forget_done(before=timezone.now()) == 1
    assert set(Job.objects.values_list("pk", flat=True)) & {dead.pk, done.pk} == {dead.pk}


@pytest.mark.parametrize(
    ("old", "new"), [(old, new) for old in State for new in State if old != new and new not in states.NEXT[old]]
)
def test_the_database_refuses_every_other_change_of_state(old: State, new: State) -> None:
    now = timezone.now()
    ended = {"finished_at": now} if old in (State.DONE, State.DEAD, State.DISCARDED) else {}
    held = {"leased_until": now, "started_at": now} if old == State.RUNNING else {}
    job = Job.objects.create(queue="general", kind="x", state=old, due_at=now, enqueued_at=now, **ended, **held)

    with pytest.raises(IntegrityError, match="cannot go from"), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(state=new)


@given(st.integers(min_value=1, max_value=1000))
def test_rest_grows_with_every_attempt_up_to_ten_minutes(attempts: int) -> None:
    assert 5 <= states.backoff_seconds(attempts) <= states.backoff_seconds(attempts + 1) <= 600


def test_a_lease_is_renewed_for_who_asks_whether_it_holds_only_when_half_of_it_is_over() -> None:
    flaky()
    job = enqueue()
    [handed] = services.take("general", limit=1, lease_seconds=60)

    def seconds_left() -> float:
        job.refresh_from_db()
        assert job.leased_until
        return (job.leased_until - timezone.now()).total_seconds()

    Job.objects.filter(pk=job.pk).update(leased_until=timezone.now() + timedelta(hours=1))
    assert handed.holds()
    assert seconds_left() > 3000
    Job.objects.filter(pk=job.pk).update(leased_until=timezone.now() - timedelta(seconds=1))  # nobody noticed yet
    assert handed.holds()
    assert 0 < seconds_left() <= 60
    Job.objects.filter(pk=job.pk).update(fence=job.fence + 1)
    assert not handed.holds()
