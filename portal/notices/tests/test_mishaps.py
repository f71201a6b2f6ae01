"""Who looks after the jobs hears when one is dead, and when something cannot run by the clock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.access.models import Person
from portal.access.testing import person
from portal.jobs import registry, schedules, services
from portal.jobs.models import Job, Schedule
from portal.jobs.registry import Handed, handler
from portal.jobs.states import State
from portal.jobs.testing import drain
from portal.notices.models import Message, Notice

pytestmark = pytest.mark.django_db


@pytest.fixture
def oscar(monkeypatch: pytest.MonkeyPatch) -> Person:
    monkeypatch.setattr(registry, "_handlers", dict(registry._handlers))

    @handler("test.fails", queue="general")
    def fail(_job: Handed) -> str:
        raise OSError("down")

    person("erin", "engineer")
    return person("oscar", "operator")


def die() -> Job:
    job = services.enqueue("test.fails", at=timezone.now())
    for _ in range(3):
        drain("general", at=timezone.now() + timedelta(hours=1))
    job.refresh_from_db()
    assert job.state == State.DEAD
    return job


def test_operators_hear_of_a_dead_job_and_are_led_to_it(oscar: Person) -> None:
    job = die()

    (notice,) = Notice.objects.all()
    assert notice.person == oscar
    assert notice.message.path == f"/jobs/{job.pk}"
    assert notice.message.text.startswith("test.fails is dead after 3 attempts.")


def test_a_storm_of_one_kind_is_one_notice(oscar: Person) -> None:
    for _ in range(4):
        die()

    assert Message.objects.filter(kind="job").count() == 1


def test_what_dies_again_later_is_told_again(oscar: Person) -> None:
    first = die()
    Job.objects.filter(pk=first.pk).update(finished_at=timezone.now() - timedelta(minutes=6))
    second = die()

    assert set(Message.objects.values_list("path", flat=True)) == {f"/jobs/{first.pk}", f"/jobs/{second.pk}"}


def test_who_tells_of_dead_jobs_and_dies_is_not_told_of(oscar: Person) -> None:
    del registry._handlers["notices.tell_dead"]

    @handler("notices.tell_dead", queue="general", on=(services.DIED,))
    def broken(_job: Handed) -> str:
        raise OSError("no notices")

    die()

    assert set(Job.objects.values_list("kind", "state")) == {("test.fails", "dead"), ("notices.tell_dead", "dead")}


def test_operators_hear_what_cannot_run_by_the_clock(oscar: Person) -> None:
    at = timezone.now()
    Schedule.objects.exclude(name="jobs.tidy").delete()
    Schedule.objects.update(payload={"m": 1}, next_at=at)

    assert schedules.tick(at=at) == 0
    drain("general", at=at + timedelta(hours=1))

    message = Message.objects.get(kind="job")
    assert message.text == "jobs.tidy cannot run by the clock any more: Jobs of kind 'jobs.tidy' take no m."
    assert message.path == "/jobs/schedules"
