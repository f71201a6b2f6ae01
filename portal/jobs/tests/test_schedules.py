"""What runs by the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from portal.audit.models import Event
from portal.jobs import registry, schedules
from portal.jobs.models import Job, Schedule
from portal.jobs.registry import handler
from portal.jobs.testing import drain
from portal.kit.actors import Actor

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def only_own_schedules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_handlers", {})
    Schedule.objects.all().delete()
    handler("test.count", queue="general", every_seconds=60)(lambda job: f"counted {job.payload}")


def schedule(name: str, **fields: object) -> Schedule:
    return Schedule.objects.create(
        **{"name": name, "kind": "test.count", "every_seconds": 60, "next_at": NOON} | fields
    )


def test_a_declared_schedule_is_planted_once_and_keeps_what_people_changed() -> None:
    schedules.plant(at=NOON)
    Schedule.objects.update(every_seconds=3600)
    schedules.plant(at=NOON)

    assert list(Schedule.objects.values_list("name", "every_seconds")) == [("test.count", 3600)]


def test_a_due_schedule_enqueues_its_job_and_moves_on() -> None:
    one = schedule("one", payload={"n": 1})

    assert schedules.tick(at=NOON - timedelta(seconds=1)) == 0
    assert schedules.tick(at=NOON) == 1
    assert schedules.tick(at=NOON) == 0
    one.refresh_from_db()
    assert one.next_at == NOON + timedelta(seconds=60)
    assert drain() == ["test.count: counted {'n': 1}"]


def test_missed_times_are_not_made_up_for() -> None:
    schedule("one")

    assert schedules.tick(at=NOON + timedelta(days=3)) == 1
    assert schedules.tick(at=NOON + timedelta(days=3)) == 0


def test_a_job_that_still_waits_is_not_enqueued_a_second_time() -> None:
    schedule("one")
    schedules.tick(at=NOON)
    schedules.tick(at=NOON + timedelta(minutes=5))

    assert Job.objects.filter(kind="test.count").count() == 1


@pytest.mark.parametrize("broken", [{"kind": "test.gone"}, {"payload": ["not", "an", "object"]}])
def test_a_bad_schedule_keeps_its_error_and_stands_in_nobodys_way(broken: dict[str, object]) -> None:
    bad = schedule("a bad one", **broken)
    schedule("b good one")

    assert schedules.tick(at=NOON) == 1
    bad.refresh_from_db()
    assert bad.error
    assert bad.next_at > NOON


def test_a_schedule_that_is_off_does_not_run() -> None:
    one = schedule("one")
    schedules.switch(one.pk, on=False, actor=Actor("human", 1, "alice", "admin"), at=NOON)

    assert schedules.tick(at=NOON) == 0
    assert Event.objects.filter(kind="schedule.disabled", subject_name="one").count() == 1


def test_a_schedule_is_no_loop_and_names_something_that_runs() -> None:
    with pytest.raises(ValidationError, match="No handler"):
        Schedule(name="x", kind="test.gone", every_seconds=60, next_at=NOON).full_clean()
    with pytest.raises(IntegrityError, match="is_not_a_loop"):
        schedule("loop", every_seconds=1)
