"""Who gets an incident bundle, through which door, and what becomes of it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from portal.access.models import Person
from portal.access.testing import caller
from portal.audit.models import Event
from portal.dashboard.bundle import services as bundles
from portal.dashboard.models import Bundle, Part
from portal.dashboard.tests.bundles import PUBLIC, checked, with_seal_key
from portal.jobs.models import Job
from portal.jobs.testing import drain
from portal.kit.testing.browser import scrolls_sideways, serious
from remediation.desk.testing import as_
from remediation.review import testing as review
from remediation.tickets.models import Ticket

RunningAs = Callable[[str], Any]
ADDRESS = "/tickets/INC-1/bundle"
API = "/api/v1/tickets/INC-1/bundle"


@pytest.fixture
def cast(committed_db: str, settings: Settings, tmp_path: Path) -> dict[str, Person]:
    """People and a ticket with a draft, in an installation that seals."""
    with_seal_key(settings, tmp_path)
    review.world()
    cast = review.people()
    review.drafted(review.ticket(cast["engineer"]))
    return cast


def taken(client: Client) -> bytes:
    answer = client.get(f"{ADDRESS}/download")
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]  # it is a stream


def test_the_site_asks_the_general_cluster_makes_and_the_site_hands_out(
    cast: dict[str, Person], running_as: RunningAs
) -> None:
    auditor = as_(cast["auditor"])
    with running_as("web"):
        assert auditor.post(ADDRESS).status_code == 302
        assert "is being made" in auditor.get("/tickets/INC-1").content.decode()
    with running_as("general"):
        told = drain("general")
    assert any(line.startswith("dashboard.make_bundle") and "bytes" in line for line in told), told
    with running_as("web"):
        answer = auditor.get(f"{ADDRESS}/download")
        data = b"".join(answer.streaming_content)  # type: ignore[attr-defined]  # it is a stream
    bundle = Bundle.objects.get()
    assert answer["Content-Length"] == str(len(data)) == str(bundle.size)
    assert answer["Content-Disposition"] == f'attachment; filename="INC-1-bundle-{bundle.pk}.zip"'
    assert bundle.digest == hashlib.sha256(data).hexdigest()
    fits, said = checked(data)
    assert fits, said
    kinds = list(Event.objects.filter(kind__startswith="bundle.").values_list("kind", "actor_name"))
    assert kinds == [("bundle.asked", "auditor"), ("bundle.made", "general"), ("bundle.taken", "auditor")]


def test_a_large_bundle_arrives_part_by_part(cast: dict[str, Person], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "PART", 1000)
    auditor = as_(cast["auditor"])
    auditor.post(ADDRESS)
    drain("general")
    assert Part.objects.count() > 10
    assert checked(taken(auditor))[0]


def test_a_double_click_makes_one_bundle(cast: dict[str, Person]) -> None:
    auditor = as_(cast["auditor"])
    for _ in range(2):
        auditor.post(ADDRESS)
    assert Bundle.objects.count() == 1
    assert Job.objects.filter(kind=bundles.MAKE).count() == 1
    assert Event.objects.filter(kind="bundle.asked").count() == 1


@pytest.mark.parametrize("role", ["engineer", "reviewer", "approver", "operator"])
def test_who_does_not_read_the_trail_gets_no_bundle_through_any_door(cast: dict[str, Person], role: str) -> None:
    page, api = as_(cast[role]), caller(cast[role])
    assert "Incident bundle" not in page.get("/tickets/INC-1").content.decode()
    for address in (f"{ADDRESS}/live", f"{ADDRESS}/download"):
        assert page.get(address).status_code == 403
    assert page.post(ADDRESS).status_code == 403
    assert api.get(API).status_code == 403
    assert api.post(API).status_code == 403
    assert not Bundle.objects.exists()


def test_who_does_not_see_the_ticket_does_not_learn_that_there_is_one(cast: dict[str, Person]) -> None:
    stranger = Person.objects.create_user("stranger")
    stranger.user_permissions.add(*cast["auditor"].groups.get().permissions.filter(codename="view_event"))
    assert as_(stranger).post(ADDRESS).status_code == 404
    assert caller(stranger).get(API).status_code == 404


def test_a_program_asks_waits_and_takes(cast: dict[str, Person]) -> None:
    api = caller(cast["auditor"])
    assert api.get(API).status_code == 409
    asked = api.post(API)
    assert (asked.status_code, asked["Retry-After"]) == (202, "2")
    waiting = api.get(API)
    assert (waiting.status_code, waiting.json()["ended_at"]) == (202, None)
    drain("general")
    answer: Any = api.get(API)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert checked(b"".join(answer.streaming_content))[0]


def test_what_could_not_be_made_is_said_on_the_page_and_by_api(cast: dict[str, Person], settings: Settings) -> None:
    settings.SEAL_KEY = ""
    auditor = as_(cast["auditor"])
    auditor.post(ADDRESS)
    drain("general")
    assert "has no SEAL_KEY" in auditor.get(f"{ADDRESS}/live").content.decode()
    assert caller(cast["auditor"]).get(API).status_code == 409
    assert Event.objects.filter(kind="bundle.failed").count() == 1


def test_a_bundle_delivered_twice_is_made_once(cast: dict[str, Person]) -> None:
    bundle = bundles.ask(Ticket.objects.get(), person=cast["auditor"], door="page", at=timezone.now())
    bundles.make(bundle.pk, at=timezone.now())
    assert bundles.make(bundle.pk, at=timezone.now()) == "It was made before."
    assert Event.objects.filter(kind="bundle.made").count() == 1


def test_bundles_are_forgotten_after_a_week_and_given_up_when_their_job_is_lost(
    cast: dict[str, Person], running_as: RunningAs
) -> None:
    now, ticket = timezone.now(), Ticket.objects.get()
    old = bundles.ask(ticket, person=cast["auditor"], door="page", at=now - timedelta(days=8))
    bundles.make(old.pk, at=now - timedelta(days=8))
    lost = bundles.ask(ticket, person=cast["auditor"], door="page", at=now - timedelta(minutes=20))
    with running_as("general"):
        assert bundles.forget_old(at=now) == 1
    assert not Part.objects.exists()
    lost.refresh_from_db()
    assert "ask again" in lost.problem
    assert bundles.ask(ticket, person=cast["auditor"], door="page", at=now).pk != lost.pk


@pytest.mark.parametrize("process", ["drafting", "probe", "execution"])
def test_no_other_cluster_reads_or_writes_a_bundle(
    cast: dict[str, Person], as_role: Callable[[str], Any], process: str
) -> None:
    with as_role(process) as role:
        for statement in (
            "SELECT * FROM dashboard_bundle",
            "SELECT * FROM dashboard_part",
            "DELETE FROM dashboard_part",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                role.execute(statement)


def test_the_site_cannot_make_up_what_a_bundle_holds(cast: dict[str, Person], as_role: Callable[[str], Any]) -> None:
    with as_role("web") as web:
        for statement in (
            "INSERT INTO dashboard_part VALUES (1, 1, 'x', 1)",
            "UPDATE dashboard_bundle SET digest = 'x'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(statement)


def test_the_command_writes_a_file_and_overwrites_none(cast: dict[str, Person], tmp_path: Path) -> None:
    out, told = tmp_path / "INC-1.zip", io.StringIO()
    call_command("incident_bundle", "INC-1", out=out, stdout=told)
    assert f"--key {PUBLIC}" in told.getvalue()
    assert checked(out.read_bytes())[0]
    with pytest.raises(CommandError, match="File exists"):
        call_command("incident_bundle", "INC-1", out=out, verbosity=0)
    with pytest.raises(CommandError, match="no ticket INC-2"):
        call_command("incident_bundle", "INC-2", out=tmp_path / "x.zip", verbosity=0)


@pytest.mark.browser
def test_an_auditor_takes_a_bundle_in_a_browser(cast: dict[str, Person], site: LiveServer, clean_page: Page) -> None:
    cast["auditor"].set_password("correct horse battery staple")
    cast["auditor"].save()
    clean_page.goto(f"{site.url}/login?next=/tickets/INC-1")
    clean_page.get_by_label("Name").fill("auditor")
    clean_page.get_by_label("Password").fill("correct horse battery staple")
    clean_page.get_by_role("button", name="Sign in").click()
    clean_page.get_by_role("button", name="Make a bundle").click()
    expect(clean_page.get_by_text("is being made")).to_be_visible()
    drain("general")
    with clean_page.expect_download() as download:
        clean_page.get_by_role("link", name="Download").click()
    assert checked(download.value.path().read_bytes())[0]
    clean_page.set_viewport_size({"width": 375, "height": 812})
    assert serious(clean_page) == []
    assert not scrolls_sideways(clean_page)
