"""Dead jobs at the page and the API: looked at, tried again one by one or by kind, put away; by those who may."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from portal.access.models import Person
from portal.access.testing import caller, person
from portal.audit.models import Event
from portal.estate.models import Category
from portal.jobs import mending, registry, services, subjects, tracing
from portal.jobs.models import ClusterBeat, Job, Schedule
from portal.jobs.registry import Handed, handler
from portal.jobs.states import State
from portal.jobs.subjects import Subject
from portal.jobs.testing import drain
from portal.kit.refusals import NotAllowed

V1 = "/api/v1/jobs"
SECRET = "hunter2" * 2
pytestmark = pytest.mark.django_db


@pytest.fixture
def oscar() -> Person:
    return person("oscar", "operator")


@pytest.fixture
def desk(oscar: Person) -> Client:
    return _as(oscar)


@pytest.fixture
def api(oscar: Person) -> APIClient:
    return caller(oscar)


def _as(who: Person) -> Client:
    client = Client()
    client.force_login(who)
    return client


def dead(kind: str = "jobs.tidy", *, error: str = "OSError: down", **fields: Any) -> Job:
    now = timezone.now() - timedelta(hours=1)
    times = {"due_at": now, "enqueued_at": now, "started_at": now, "finished_at": now}
    known = {"queue": "general", "kind": kind, "state": State.DEAD, "attempts": 3, "fence": 3, "error": error}
    known |= {"trace": f"in vault-3\n{error}"}
    return Job.objects.create(**(known | times | fields))


def states() -> list[str]:
    return list(Job.objects.order_by("id").values_list("state", flat=True))


def test_a_dead_job_shows_why_it_died_and_is_tried_again(desk: Client, oscar: Person) -> None:
    job = dead(error="OSError: " + "x" * 900)
    assert "jobs.tidy" in desk.get("/jobs").text
    assert "x" * 900 in desk.get(f"/jobs/{job.pk}").text

    page = desk.post(f"/jobs/{job.pk}/retry", follow=True)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (State.WAITING, 0)
    assert "waits again" in page.text
    assert "No job is dead" in page.text
    event = Event.objects.get(kind="job.retried")
    assert (event.actor_name, event.door, event.subject_id) == ("oscar", "page", job.pk)

    again = desk.post(f"/jobs/{job.pk}/retry")
    assert again.status_code == 409
    assert "somebody was first" in again.text


def test_a_dead_job_shows_where_its_error_came_from_and_no_secret(
    desk: Client, api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_handlers", dict(registry._handlers))

    @handler("test.sign_in", queue="general")
    def sign_in(_job: Handed) -> str:
        return _ask_the_vault()

    job = services.enqueue("test.sign_in", at=timezone.now())
    drain("general", at=timezone.now() + timedelta(hours=1))
    page, answer = desk.get(f"/jobs/{job.pk}").text, api.get(f"{V1}/{job.pk}").json()
    assert answer["state"] == State.DEAD
    for told in (page, answer["error"] + answer["trace"]):
        assert "RuntimeError: cannot sign in" in told
        assert "in sign_in" in told
        assert "in _ask_the_vault" in told
        assert SECRET not in told


def _ask_the_vault() -> str:
    raise RuntimeError(f"cannot sign in: password={SECRET}")


def test_of_a_long_trace_the_end_is_kept() -> None:
    trace = tracing.trace_of(OSError("x" * 20_000 + " down"))
    assert len(trace) == tracing.LONGEST
    assert trace.startswith("[cut here")
    assert trace.endswith("x down\n")


def test_a_dead_job_is_put_away_with_a_reason_and_stays_in_the_ledger(desk: Client) -> None:
    job = dead()
    for reason in (" ", "\u200b", "a\x00b", "x" * 501):
        refused = desk.post(f"/jobs/{job.pk}/discard", {"reason": reason})
        assert refused.status_code == 422
        assert "Say why" in refused.text
    assert desk.post(f"/jobs/{job.pk}/discard", {"reason": "The next one did it."}).status_code == 302
    assert desk.post(f"/jobs/{job.pk}/discard", {"reason": "Again."}).status_code == 409
    assert desk.post(f"/jobs/{job.pk}/retry").status_code == 409

    job.refresh_from_db()
    assert (job.state, job.note) == (State.DISCARDED, "oscar: The next one did it.")
    assert Event.objects.filter(kind="job.discarded", subject_id=job.pk).count() == 1
    assert "The next one did it." in desk.get(f"/jobs/{job.pk}").text


def test_all_of_a_kind_are_tried_again_and_no_others(desk: Client) -> None:
    for _ in range(3):
        dead()
    dead("notices.sweep")
    page = desk.post("/jobs/retry", {"kind": "jobs.tidy"}, follow=True)

    assert "3 of jobs.tidy wait again." in page.text
    assert states() == ["waiting"] * 3 + ["dead"]
    assert Event.objects.filter(kind="job.retried").count() == 3
    assert desk.post("/jobs/retry", {"kind": "jobs.tidy"}).status_code == 409


def test_of_several_for_the_same_work_only_the_newest_is_tried_again(desk: Client) -> None:
    dead(key="same")
    dead(key="same")
    dead(key="busy")
    Job.objects.create(queue="general", kind="jobs.tidy", key="busy", due_at=timezone.now(), enqueued_at=timezone.now())
    desk.post("/jobs/retry", {"kind": "jobs.tidy"})

    assert states() == ["dead", "waiting", "dead", "waiting"]
    assert desk.post("/jobs/retry", {"kind": "jobs.tidy"}).status_code == 409
    assert "is waiting already" in desk.post(f"/jobs/{Job.objects.earliest('id').pk}/retry").text


def test_the_api_answers_as_the_pages_do(api: APIClient) -> None:
    job, other = dead(), dead("notices.sweep")
    listed = api.get(V1, {"kind": "jobs.tidy"}).json()
    assert [(each["id"], each["state"], each["error"]) for each in listed["items"]] == [
        (job.pk, "dead", "OSError: down")
    ]
    assert api.get(f"{V1}/{job.pk}").json()["attempts"] == 3

    assert api.post(f"{V1}/{job.pk}/retry").json()["state"] == "waiting"
    problem = api.post(f"{V1}/{job.pk}/retry")
    assert (problem.status_code, problem["Content-Type"]) == (409, "application/problem+json")
    assert problem.json()["errors"][0]["code"] == "not_dead"

    assert api.post(f"{V1}/{other.pk}/discard", {}, format="json").status_code == 400
    put_away = api.post(f"{V1}/{other.pk}/discard", {"reason": "Old."}, format="json").json()
    assert (put_away["state"], put_away["note"]) == ("discarded", "oscar: Old.")
    assert api.post(f"{V1}/retry", {"kind": "jobs.tidy"}, format="json").status_code == 409
    dead()
    assert api.post(f"{V1}/retry", {"kind": "jobs.tidy"}, format="json").json() == {"count": 1}
    assert api.get(V1, {"state": "waiting"}).json()["items"][0]["state"] == "waiting"


def test_queues_tell_what_waits_and_which_cluster_fell_silent(desk: Client, api: APIClient) -> None:
    now = timezone.now()
    holds = dead("execution.advance", queue="execution", state=State.RUNNING, leased_until=now, finished_at=None)
    beat = {"queue": "execution", "host": "here", "started_at": now - timedelta(seconds=12)}
    replaces = "cluster 41, which fell silent"
    ClusterBeat.objects.create(pid=42, beat_at=now, job_id=holds.pk, replaces=replaces, **beat)
    ClusterBeat.objects.create(pid=43, beat_at=now - timedelta(seconds=95), **beat)
    Job.objects.create(queue="probe", kind="x", due_at=now - timedelta(minutes=3), enqueued_at=now)
    Job.objects.create(queue="probe", kind="x", due_at=now + timedelta(hours=3), enqueued_at=now)

    figures = {each["queue"]: each for each in api.get(f"{V1}/queues").json()}
    assert [figures["probe"][name] for name in ("due", "later", "running", "dead")] == [1, 1, 0, 0]
    assert figures["probe"]["clusters"] == []
    assert figures["probe"]["waits_since"] is not None
    assert [(each["pid"], each["alive"]) for each in figures["execution"]["clusters"]] == [(42, True), (43, False)]
    for page in (desk.get("/jobs").text, desk.get("/jobs/live").text):
        assert "started 12 s ago in the place of cluster 41, which fell silent" in page
        assert f"execution.advance #{holds.pk}" in page
        assert "silent for 1 min" in page
        assert page.count("nobody works here") == 3


def test_a_job_leads_to_what_it_is_about_for_those_who_may_see_that(
    oscar: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    category = Category.objects.create(slug="vault", name="Vault")
    monkeypatch.setattr(registry, "_handlers", dict(registry._handlers))
    monkeypatch.setattr(
        subjects,
        "_finders",
        {"a.thing": lambda ids: {pk: Subject("INC-7", "/tickets/INC-7", category.pk) for pk in ids}},
    )
    registry.handler("test.about", queue="general", about="a.thing")(str)
    job = dead("test.about", subject_id=7, error="OSError: vault-3 is sealed", payload={"host": "vault-3"})
    narrow = person("nora", sees=[])
    narrow.user_permissions.set(oscar.groups.get().permissions.filter(content_type__app_label="jobs"))

    for path in ("/jobs", f"/jobs/{job.pk}"):
        page = _as(oscar).get(path).text
        assert 'href="/tickets/INC-7"' in page
        assert "vault-3 is sealed" in page
        hidden = _as(narrow).get(path).text
        assert "something in a category that you may not see" in hidden
        assert "vault-3" not in hidden
        assert "INC-7" not in hidden
    answer = caller(narrow).get(f"{V1}/{job.pk}").json()
    assert (answer["subject"], answer["error"], answer["trace"]) == (None, "", "")


def test_what_is_gone_or_unknown_is_shown_by_its_number(desk: Client) -> None:
    dead("drafting.draft", subject_id=999_999, queue="drafting")
    dead("test.forgotten", subject_id=17)
    page = desk.get("/jobs").text
    assert "number 999999" in page
    assert "number 17" in page


def test_a_page_costs_the_same_however_many_are_dead(
    desk: Client, django_assert_max_num_queries: Callable[[int], AbstractContextManager[None]]
) -> None:
    for number in range(60):
        dead("drafting.draft", subject_id=number, queue="drafting")
    with django_assert_max_num_queries(20):
        page = desk.get("/jobs")
    assert len(page.context["rows"]) == 25
    older = desk.get(f"/jobs{page.context['older']}")
    ids = [{row.job.pk for row in each.context["rows"]} for each in (page, older)]
    assert not ids[0] & ids[1]
    assert min(ids[0]) > max(ids[1])


def test_one_queue_is_chosen_by_its_tab(desk: Client) -> None:
    dead()
    dead("execution.advance", queue="execution")
    shown = [[row.job.kind for row in desk.get(f"/jobs?queue={queue}").context["rows"]] for queue in ("execution", "x")]
    assert shown == [["execution.advance"], ["execution.advance", "jobs.tidy"]]
    assert desk.get("/jobs?after=nonsense").status_code == 422


VERBS = ("/jobs/{job}/retry", "/jobs/{job}/discard", "/jobs/retry")


@pytest.mark.parametrize("role", ["engineer", "reviewer", "approver", "auditor"])
def test_only_operators_and_policy_admins_look_after_the_jobs(role: str) -> None:
    job, other = dead(), person("other", role)
    schedule = Schedule.objects.first()
    assert schedule
    for path in ("/jobs", "/jobs/live", f"/jobs/{job.pk}", "/jobs/schedules"):
        assert _as(other).get(path).status_code == 403
    for path in (*VERBS, f"/jobs/schedules/{schedule.pk}/switch", f"/jobs/schedules/{schedule.pk}/period"):
        data = {"reason": "x", "kind": job.kind, "on": "no", "every_seconds": "60"}
        assert _as(other).post(path.format(job=job.pk), data).status_code == 403
    client = caller(other)
    for path in ("", "/queues", f"/{job.pk}"):
        assert client.get(f"{V1}{path}").status_code == 403
    for path, body in (
        (f"/{job.pk}/retry", {}),
        (f"/{job.pk}/discard", {"reason": "x"}),
        ("/retry", {"kind": job.kind}),
    ):
        assert client.post(f"{V1}{path}", body, format="json").status_code == 403
    with pytest.raises(NotAllowed):
        mending.retry_kind(job.kind, person=other, door="api", at=timezone.now())
    assert _as(other).get("/jobs/4711").status_code == 403
    assert _as(other).post("/jobs/4711/retry").status_code == 403
    assert client.post(f"{V1}/4711/retry").status_code == 403
    assert states() == ["dead"]
    assert ">Jobs" not in _as(other).get("/notices").text


def test_looking_at_a_verb_does_nothing_and_a_token_needs_the_scope(desk: Client, oscar: Person) -> None:
    job = dead()
    for path in VERBS:
        assert desk.get(path.format(job=job.pk)).status_code == 405
    assert caller(oscar, "jobs:read").post(f"{V1}/{job.pk}/retry").status_code == 403
    assert caller(oscar, "jobs:write").get(V1).status_code == 403
    assert desk.post("/jobs/4711/retry").status_code == 404
    assert states() == ["dead"]


def test_policy_admins_say_what_runs_by_the_clock_and_operators_see_it(desk: Client) -> None:
    schedule = Schedule.objects.get(name="jobs.tidy")
    Schedule.objects.filter(pk=schedule.pk).update(error="RuntimeError: no disk")
    assert "RuntimeError: no disk" in desk.get("/jobs/schedules").text
    assert desk.post(f"/jobs/schedules/{schedule.pk}/switch", {"on": "no"}).status_code == 403

    petra = _as(person("petra", "policy admin"))
    assert petra.post(f"/jobs/schedules/{schedule.pk}/switch", {"on": "no"}).status_code == 302
    assert petra.post(f"/jobs/schedules/{schedule.pk}/switch", {"on": "yes"}).status_code == 302
    assert petra.post(f"/jobs/schedules/{schedule.pk}/period", {"every_seconds": "7200"}).status_code == 302
    for wrong in ("0", "-1", "", "soon", "4", "99999999999"):
        refused = petra.post(f"/jobs/schedules/{schedule.pk}/period", {"every_seconds": wrong})
        assert refused.status_code == 422
    schedule.refresh_from_db()
    assert (schedule.every_seconds, schedule.is_enabled, schedule.error) == (7200, True, "")
    kinds = Event.objects.filter(kind__startswith="schedule.").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["schedule.disabled", "schedule.enabled", "schedule.changed"]
