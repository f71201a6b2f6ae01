"""The ledger's pages in the admin."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from portal.access.models import Person
from portal.audit.models import Event
from portal.jobs.models import ClusterBeat, Job, Schedule
from portal.jobs.states import State

pytestmark = pytest.mark.django_db


def signed_in(*permissions: str) -> Client:
    """Somebody with these permissions of the room, at the admin's door."""
    person = Person.objects.create_user("polly", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(content_type__app_label="jobs", codename__in=permissions))
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def dead() -> Job:
    now = timezone.now()
    ended = {
        "state": State.DEAD,
        "attempts": 3,
        "fence": 3,
        "started_at": now,
        "finished_at": now,
        "error": "OSError: down",
    }
    return Job.objects.create(queue="general", kind="jobs.tidy", due_at=now, enqueued_at=now, **ended)


def test_a_dead_job_is_tried_again_in_the_name_of_who_asked(dead: Job) -> None:
    polly = signed_in("view_job", "change_job")
    again = {"action": "try_again", "_selected_action": [dead.pk]}

    page = polly.post("/admin/jobs/job/", again, follow=True)
    dead.refresh_from_db()
    assert (dead.state, dead.attempts) == (State.WAITING, 0)
    assert f"Job {dead.pk} waits again." in page.text
    event = Event.objects.get(kind="job.retried")
    assert (event.actor_name, event.door) == ("polly", "admin")

    page = polly.post("/admin/jobs/job/", again, follow=True)
    assert "somebody was first" in page.text
    assert Event.objects.filter(kind="job.retried").count() == 1


def test_who_may_only_look_is_offered_no_verb(dead: Job) -> None:
    polly = signed_in("view_job")

    assert "OSError: down" in polly.get("/admin/jobs/job/").text
    polly.post("/admin/jobs/job/", {"action": "try_again", "_selected_action": [dead.pk]})
    dead.refresh_from_db()
    assert dead.state == State.DEAD


def test_no_page_edits_a_job(dead: Job) -> None:
    polly = signed_in("view_job", "change_job", "add_job", "delete_job")

    assert polly.post(f"/admin/jobs/job/{dead.pk}/change/", {"state": "done"}).status_code == 403
    assert polly.get("/admin/jobs/job/add/").status_code == 403
    assert polly.post(f"/admin/jobs/job/{dead.pk}/delete/", {"post": "yes"}).status_code == 403
    assert polly.get(f"/admin/jobs/job/{dead.pk}/change/").status_code == 200


def test_a_schedule_is_switched_by_the_service() -> None:
    schedule = Schedule.objects.get(name="jobs.tidy")
    polly = signed_in("view_schedule", "change_schedule")

    polly.post("/admin/jobs/schedule/", {"action": "turn_off", "_selected_action": [schedule.pk]})

    schedule.refresh_from_db()
    assert not schedule.is_enabled
    assert Event.objects.filter(kind="schedule.disabled", actor_name="polly").exists()


def test_clusters_show_their_last_sign_of_life() -> None:
    now = timezone.now()
    ClusterBeat.objects.create(queue="probe", id=1, host="here", pid=1, started_at=now, beat_at=now)

    assert "probe on here (1)" in signed_in("view_clusterbeat").get("/admin/jobs/clusterbeat/1/change/").text


def test_the_pages_of_django_q2_are_gone() -> None:
    assert not [model for model in admin.site._registry if model._meta.app_label == "django_q"]
