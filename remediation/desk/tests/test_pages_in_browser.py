"""Sign-in, queue, tickets and the emergency stop in a real browser: light, dark and on a phone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.access.models import Person
from portal.jobs.testing import drain
from portal.kit.testing.browser import CleanPage, faults, press, sign_in
from portal.signoff import brakes
from remediation.connectors import seed as connectors
from remediation.connectors.testing import LabProcess
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.drafting.testing import endings
from remediation.policy.models import CategoryPolicy
from remediation.review import testing as review
from remediation.tickets.models import Evidence

pytestmark = pytest.mark.browser


@pytest.fixture
def cast(site: LiveServer, lab: LabProcess) -> dict[str, Person]:
    """People of every role, and a queue of three."""
    review.world()
    connectors.load(timezone.now())
    cast = review.people()
    for person in cast.values():
        person.set_password("correct horse")
        person.save()
    for key, severity in (("INC-1", 1), ("INC-2", 2)):
        ticket = review.ticket(cast["engineer"], key, severity=severity)
        Evidence.objects.update(observed_at=timezone.now() - timedelta(minutes=5))
        review.drafted(ticket, review.with_command() if severity == 2 else None)
        drain("probe")
    ticket = review.ticket(cast["engineer"], "INC-3", title="Something nobody has seen before", severity=3)
    begun = remediations.begin(ticket.pk, actor=cast["engineer"].at("job"), at=timezone.now())
    reason = "No runbook fits, and the evidence names no system."
    endings.ask_person(begun.pk, reason=reason, at=timezone.now())
    Remediation.objects.filter(pk=begun.pk).update(status_at=timezone.now() - timedelta(hours=6))
    return cast


def test_every_page_is_accessible_and_fits(site: LiveServer, cast: dict[str, Person], clean_page: Page) -> None:
    clean_page.goto(f"{site.url}/tickets")
    assert faults(clean_page, "login") == []
    both = cast["engineer"]
    both.groups.add(*cast["approver"].groups.all(), *cast["auditor"].groups.all())
    sign_in(clean_page.context, site.url, both)
    brakes.engage(
        scope="category:storage", reason="Array firmware", person=cast["operator"], door="page", at=timezone.now()
    )
    for path in ("", "tickets", "tickets/new", "tickets/INC-1", "tickets/INC-3", "notices", "stop", "audit"):
        clean_page.goto(f"{site.url}/{path}")
        expect(clean_page.get_by_role("heading", level=1)).to_be_visible()
        expect(clean_page.get_by_role("alert").filter(has_text="Array firmware")).to_be_visible()
        assert faults(clean_page, path.replace("/", "-") or "queue") == []


def test_the_settings_wear_the_same_clothes(site: LiveServer, cast: dict[str, Person], watched: CleanPage) -> None:
    page = watched.page
    root = Person.objects.create_superuser("root", "correct horse")
    sign_in(page.context, site.url, root)
    policy = CategoryPolicy.objects.get(category__slug="network")
    reviewer = cast["reviewer"]
    for path in (
        "",
        "access/person/",
        f"access/person/{reviewer.pk}/change/",
        "access/person/add/",
        f"auth/group/{reviewer.groups.get().pk}/change/",
        f"estate/category/{policy.category_id}/change/",
        "estate/service/add/",
        f"policy/categorypolicy/{policy.pk}/change/",
        "estate/target/add/",
        "drafting/remediation/",
    ):
        page.goto(f"{site.url}/admin/{path}")
        expect(page.get_by_role("navigation", name="Sections")).to_be_visible()
        assert watched.errors == [], path
        assert faults(page, f"admin-{path.replace('/', '-')}") == []
        watched.errors.clear()  # axe itself tries inline styles on these forms


def test_a_remediation_opens_the_review_page_from_the_settings(
    site: LiveServer, cast: dict[str, Person], clean_page: Page
) -> None:
    petra = cast["policy admin"]
    petra.is_staff = True
    petra.save()
    sign_in(clean_page.context, site.url, petra)
    clean_page.goto(f"{site.url}/admin/drafting/remediation/")
    clean_page.get_by_role("link", name="INC-2").click()
    expect(clean_page).to_have_url(f"{site.url}/tickets/INC-2/review")


def test_signing_in_leads_where_one_wanted_to_go(site: LiveServer, cast: dict[str, Person], watched: CleanPage) -> None:
    page = watched.page
    page.goto(f"{site.url}/tickets/INC-1")
    page.get_by_label("Name").fill("reviewer")
    page.get_by_label("Password").fill("wrong horse")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site.url}/tickets/INC-1")
    page.get_by_label("Signed in as reviewer").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{site.url}/login")


def test_the_queue_is_read_by_keyboard_and_follows(site: LiveServer, cast: dict[str, Person], clean_page: Page) -> None:
    sign_in(clean_page.context, site.url, cast["reviewer"])
    clean_page.goto(site.url)
    rows = clean_page.locator(".queue > li")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("INC-1")
    ticket = review.ticket(cast["engineer"], "INC-4", severity=1)
    review.drafted(ticket)
    press(clean_page, "j")
    drain("probe")
    expect(rows).to_have_count(4)
    expect(clean_page.locator(".queue > .selected")).to_contain_text("INC-1")
    press(clean_page, "Enter")
    expect(clean_page).to_have_url(f"{site.url}/tickets/INC-1/review")
    clean_page.goto(site.url)
    clean_page.get_by_role("link", name="Mine to sign").click()
    expect(rows).to_have_count(3)
    press(clean_page, "j", "Enter")
    expect(clean_page).to_have_url(f"{site.url}/tickets/INC-1/review")


def test_a_ticket_is_written_without_losing_a_word(
    site: LiveServer, cast: dict[str, Person], watched: CleanPage
) -> None:
    page = watched.page
    sign_in(page.context, site.url, cast["engineer"])
    page.goto(f"{site.url}/tickets")
    page.get_by_role("link", name="New ticket").click()
    page.get_by_label("Title").fill("Disk full on log shippers")
    page.get_by_label("Description").fill("98 percent.")
    page.get_by_label("Category").select_option("server")
    page.get_by_label("Observed at (UTC)").first.fill("2026-11-20T10:00:00")
    page.get_by_role("button", name="Room for more evidence").click()
    expect(page.get_by_label("Observed at (UTC)")).to_have_count(6)
    expect(page.get_by_label("Observed at (UTC)").first).to_have_value("2026-11-20T10:00")
    watched.expect_status(422)
    page.get_by_role("button", name="Open the ticket").click()
    expect(page.get_by_role("alert").first).to_contain_text("Ticket: This field is required.")
    assert faults(page, "new-with-mistakes") == []
    page.get_by_label("Ticket").fill("INC-9")
    page.get_by_label("Kind").first.select_option("metric")
    page.get_by_label("Text or output").first.fill("disk 98%")
    page.get_by_role("button", name="Open the ticket").click()
    expect(page).to_have_url(f"{site.url}/tickets/INC-9")
    expect(page.locator("#evidence-E1")).to_contain_text("disk 98%")


def test_one_person_stops_and_another_lets_work_go_on(
    site: LiveServer, cast: dict[str, Person], clean_page: Page
) -> None:
    sign_in(clean_page.context, site.url, cast["operator"])
    clean_page.goto(site.url)
    clean_page.get_by_label("Emergency stop").click()
    clean_page.get_by_label("Reason for the stop").fill("Unplanned failover")
    clean_page.get_by_role("button", name="Stop", exact=True).click()
    banner = clean_page.get_by_role("alert").filter(has_text="Unplanned failover")
    expect(banner).to_be_visible()
    clean_page.goto(f"{site.url}/stop")
    expect(clean_page.get_by_text("somebody else releases it")).to_be_visible()
    sign_in(clean_page.context, site.url, cast["approver"])
    clean_page.goto(f"{site.url}/stop")
    clean_page.get_by_role("button", name="Release the stop of everything").click()
    expect(banner).to_have_count(0)
