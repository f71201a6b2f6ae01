"""The jobs in a real browser: by mouse and keyboard, on a phone, in the dark."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.access.testing import person
from portal.jobs.models import ClusterBeat, Job, Schedule
from portal.jobs.states import State
from portal.kit.testing.browser import faults, press, sign_in

pytestmark = pytest.mark.browser


def _full() -> Job:
    """Dead jobs with long errors, a cluster that fell silent, one in the place of another, a bad schedule."""
    now = timezone.now()
    ended = {"attempts": 3, "fence": 3, "due_at": now, "enqueued_at": now, "started_at": now, "finished_at": now}
    error = "OSError: [Errno 113] No route to host https://metrics.example.com/" + "x" * 300
    dead = {"queue": "probe", "kind": "review.prepare", "subject_id": 7, "state": State.DEAD, "error": error}
    jobs = [Job.objects.create(**dead, **ended) for _ in range(2)]
    beats = {"host": "worker-2.example.com", "started_at": now - timedelta(seconds=12)}
    ClusterBeat.objects.create(queue="execution", pid=41, beat_at=now - timedelta(minutes=2), **beats)
    ClusterBeat.objects.create(
        queue="execution", pid=42, beat_at=now + timedelta(minutes=5), replaces="cluster 40, which fell silent", **beats
    )
    Schedule.objects.filter(name="jobs.tidy").update(error=error)
    return jobs[1]


def test_every_page_is_clean_on_every_screen(site: LiveServer, clean_page: Page) -> None:
    job = _full()
    sign_in(clean_page.context, site.url, person("petra", "policy admin"))
    for path in ("jobs", f"jobs/{job.pk}", "jobs/schedules"):
        clean_page.goto(f"{site.url}/{path}")
        assert faults(clean_page, path.replace("/", "-")) == []


def test_a_dead_job_is_found_read_tried_again_and_another_put_away(site: LiveServer, clean_page: Page) -> None:
    job = _full()
    sign_in(clean_page.context, site.url, person("oscar", "operator"))
    clean_page.goto(f"{site.url}/notices")
    clean_page.get_by_role("navigation", name="Sections").get_by_role("link", name="Jobs").click()
    expect(clean_page.get_by_text("in the place of cluster 40, which fell silent")).to_be_visible()
    clean_page.get_by_role("link", name="By the clock").click()
    expect(clean_page.get_by_text("cannot run", exact=True)).to_be_visible()
    expect(clean_page.get_by_role("button", name="Turn jobs.tidy off")).to_have_count(0)
    clean_page.get_by_role("link", name="Jobs").first.click()
    expect(clean_page.get_by_role("heading", level=1)).to_have_text("Jobs")

    press(clean_page, "j", "Enter")
    expect(clean_page.get_by_role("region", name="Error of the last attempt")).to_contain_text("No route to host")
    clean_page.get_by_label("Why it is put away").fill("Looked at by hand.")
    clean_page.get_by_role("button", name="Put away").click()
    expect(clean_page.get_by_text(f"review.prepare #{job.pk} is put away.")).to_be_visible()
    clean_page.get_by_role("button", name="Try all of review.prepare again").click()
    expect(clean_page.get_by_text("1 of review.prepare wait again.")).to_be_visible()
    expect(clean_page.get_by_text("No job is dead")).to_be_visible()


def test_the_queues_keep_themselves_fresh(site: LiveServer, clean_page: Page) -> None:
    _full()
    sign_in(clean_page.context, site.url, person("oscar", "operator"))
    clean_page.goto(f"{site.url}/jobs")
    expect(clean_page.get_by_text("nobody works here")).to_have_count(3)
    now = timezone.now()
    ClusterBeat.objects.create(queue="probe", host="late", pid=50, started_at=now, beat_at=now + timedelta(minutes=5))
    expect(clean_page.get_by_text("nobody works here")).to_have_count(2)
