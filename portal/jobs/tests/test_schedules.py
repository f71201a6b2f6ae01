"""What runs by the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from portal.access.models import Person
from portal.access.testing import person
from portal.audit.models import Event
from portal.jobs import registry, schedules
from portal.jobs.models import Job, Schedule
from portal.jobs.registry import handler
from portal.jobs.testing import drain
from portal.kit.refusals import Refused, StaleTransition, because

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DECLARED = dict(registry._handlers)
pytestmark = pytest.mark.django_db


@pytest.fixture
def petra() -> Person:
    return person("petra", "policy admin")


@pytest.fixture(autouse=True)
def only_own_schedules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_handlers", {})
    Schedule.objects.all().delete()
    handler("test.count", queue="general", every_seconds=60, takes={"n": int})(lambda job: f"counted {job.payload}")


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


BROKEN = {
    "a kind that is gone": {"kind": "test.gone"},
    "a kind that needs a subject": {"kind": "test.about"},
    "a payload that is no object": {"payload": ["not", "an", "object"]},
    "a payload with a name that nobody takes": {"payload": {"m": 1}},
    "a payload of another type": {"payload": {"n": "one"}},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_bad_schedule_keeps_its_error_and_stands_in_nobodys_way(broken: dict[str, object]) -> None:
    handler("test.about", queue="general")(str)
    bad = schedule("a bad one", **broken)
    schedule("b good one")

    assert schedules.tick(at=NOON) == 1
    bad.refresh_from_db()
    assert bad.error
    assert bad.next_at > NOON
    assert schedules.tick(at=NOON) == 0


@pytest.mark.parametrize(
    "error", [RuntimeError("a bug"), StaleTransition(because("busy", "busy")), TypeError("x" * 9999)]
)
def test_whatever_goes_wrong_with_one_concerns_no_other(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hostile(dict[str, type]):
        """What a kind takes, asked by validation alone."""

        def keys(self) -> Any:
            raise error

    handler("test.hostile", queue="general", every_seconds=60, takes=Hostile())(str)
    bad = schedule("a bad one", kind="test.hostile")
    schedule("b good one")

    assert schedules.tick(at=NOON) == 1
    bad.refresh_from_db()
    assert str(error)[:20] in bad.error
    assert len(bad.error) <= 2000


def test_the_first_failure_is_an_event_and_the_following_are_not() -> None:
    handler("test.tell", queue="general", on=(schedules.FAILED,))(lambda job: f"told of {job.subject_id}")
    bad = schedule("bad", payload={"m": 1})
    for minutes in (0, 5, 10):
        schedules.tick(at=NOON + timedelta(minutes=minutes))
    assert drain("general") == [f"test.tell: told of {bad.pk}"]

    Schedule.objects.filter(pk=bad.pk).update(payload={})
    assert schedules.tick(at=NOON + timedelta(hours=1)) == 1
    bad.refresh_from_db()
    assert bad.error == ""


def test_a_schedule_that_is_off_does_not_run(petra: Person) -> None:
    one = schedule("one")
    schedules.switch(one.pk, on=False, person=petra, door="page", at=NOON)

    assert schedules.tick(at=NOON) == 0
    assert Event.objects.filter(kind="schedule.disabled", subject_name="one").count() == 1


def test_what_cannot_run_is_not_turned_on_again(petra: Person) -> None:
    bad = schedule("bad", kind="test.gone", is_enabled=False)

    with pytest.raises(Refused, match="No handler"):
        schedules.switch(bad.pk, on=True, person=petra, door="page", at=NOON)
    bad.refresh_from_db()
    assert not bad.is_enabled


@pytest.mark.parametrize("seconds", [0, 4, -60, 2_678_401])
def test_a_period_stays_within_reason(petra: Person, seconds: int) -> None:
    one = schedule("one")

    with pytest.raises(Refused, match=r"more often than every 5 seconds|longer than 31 days"):
        schedules.set_period(one.pk, every_seconds=seconds, person=petra, door="page", at=NOON)
    one.refresh_from_db()
    assert one.every_seconds == 60


def test_a_shorter_period_counts_from_now_on_and_stands_in_the_trail(petra: Person) -> None:
    one = schedule("one", next_at=NOON + timedelta(days=1))

    schedules.set_period(one.pk, every_seconds=300, person=petra, door="page", at=NOON)

    one.refresh_from_db()
    assert (one.every_seconds, one.next_at) == (300, NOON + timedelta(seconds=300))
    event = Event.objects.get(kind="schedule.changed")
    assert '"every_seconds":60' in (event.body or "")
    assert '"every_seconds":300' in (event.body or "")


def test_a_schedule_is_no_loop_and_names_something_that_runs() -> None:
    with pytest.raises(ValidationError, match="No handler"):
        Schedule(name="x", kind="test.gone", every_seconds=60, next_at=NOON).full_clean()
    with pytest.raises(IntegrityError, match="is_not_a_loop"):
        schedule("loop", every_seconds=1)


def test_what_rooms_declare_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_handlers", DECLARED)
    schedules.plant(at=NOON)

    assert len(Schedule.objects.all()) > 10
    for each in Schedule.objects.all():
        each.full_clean()
