"""Feedback, patterns, policies and the overview in a real browser: light and dark, at a desk and on a phone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from feedback.models import Feedback
from patterns import services as patterns
from patterns.models import Occurrence, Pattern
from portal.access.models import Person
from portal.jobs.testing import drain
from portal.kit.actors import system
from portal.kit.testing.browser import PHONE, CleanPage, faults, keep_picture, press, serious, sign_in
from remediation.connectors.lab import first_day
from remediation.policy import braking
from remediation.policy.braking import Ending
from remediation.review.testing import people, ticket, world
from remediation.tickets.models import Ticket
from remediation.wayback import services as waysback
from remediation.wayback.services import NewTaken

pytestmark = pytest.mark.browser

STORIES = [
    (27, "resolved", 5, True),
    (24, "resolved", 4, True),
    (20, "partially_remediated", 2, False),
    (12, "resolved", 4, True),
    (9, "resolved", 5, None),
    (3, "failed", 1, False),
    (1, "resolved", 5, True),
]


@pytest.fixture
def cast(site: LiveServer) -> dict[str, Person]:
    """People, and a month of one kind of incident: tickets, runs, answers, all learned from."""
    world()
    cast = people()
    now = timezone.now()
    for number, (days, status, rating, has_run) in enumerate(STORIES, start=1):
        at = now - timedelta(days=days)
        made = ticket(cast["engineer"], f"INC-{number}")
        drain("drafting")
        Ticket.objects.filter(pk=made.pk).update(status=status, finished_at=at)
        _told(made, cast["engineer"], rating, has_run, at)
    drain("general")
    return cast


def _told(made: Ticket, by: Person, rating: int, has_run: bool | None, at: datetime) -> None:  # noqa: FBT001 - a row's cell
    pattern = Pattern.objects.get()
    Occurrence.objects.filter(ticket_id=made.pk).update(at=at)
    kind = "positive" if rating > 3 else "negative"
    Feedback.objects.create(ticket=made, person=by, feedback_type=kind, rating=rating, created_at=at, updated_at=at)
    if has_run is not None:
        patterns.observe_run(
            pattern_id=pattern.pk,
            ticket=made.ref,
            run_id=made.pk,
            succeeded=has_run,
            action="scale_deployment",
            environment="production",
            at=at,
        )
    patterns.observe_feedback(
        pattern_id=pattern.pk,
        answer=patterns.Answer(made.ref, by.pk, kind, rating, None, None),
        reliability_permille=400 + rating * 90,
        at=at,
    )


def taken_back_and_braked() -> None:
    """Ways back that worked and one that did not, and a target on which runs failed again and again."""
    at, made = timezone.now(), Ticket.objects.get(key="INC-6")
    for number, (operation, has_worked) in enumerate([("scale_deployment", True)] * 4 + [("restart_pod", False)]):
        new = NewTaken(
            operation=operation,
            category_id=made.category_id,
            source=f"run:{number}:1",
            has_worked=has_worked,
            target=first_day.SECONDARY,
            is_lab=True,
            ticket=made.ref,
            says="The deployment has 6 pods and should have 2.",
            is_rehearsal=number == 1,
            stands_in_for=first_day.PRIMARY if number == 1 else "",
        )
        waysback.keep(new, actor=system("execution"), at=at - timedelta(days=5 - number))
    for run_id in (1, 2, 3):
        ending = Ending(run_id, made.ref, made.category, [first_day.SECONDARY], None, has_succeeded=False)
        braking.count(ending, actor=system("execution"), at=at)


def pages() -> list[str]:
    return [
        "/patterns",
        "/patterns/{pattern}",
        "/policies",
        "/policies/storage",
        "/operations",
        "/operations/scale_deployment",
        "/brakes",
        "/overview",
        "/tickets/INC-1/feedback",
    ]


def test_every_page_is_accessible_and_fits(site: LiveServer, cast: dict[str, Person], clean_page: Page) -> None:
    taken_back_and_braked()
    sign_in(clean_page.context, site.url, cast["operator"])
    for path in pages():
        clean_page.goto(site.url + path.format(pattern=Pattern.objects.get().pk))
        expect(clean_page.get_by_role("heading", level=1)).to_be_visible()
        folded = clean_page.locator("main details:not([open]) > summary")
        while folded.count():
            folded.first.click()
        assert faults(clean_page, path.strip("/").replace("/", "-").replace("{pattern}", "one")) == []


def test_small_teams_and_mistakes_are_accessible_too(
    site: LiveServer, cast: dict[str, Person], watched: CleanPage, settings: object
) -> None:
    settings.SMALL_TEAM = True  # type: ignore[attr-defined]  # pytest-django's wrapper
    watched.expect_status(422)
    page = watched.page
    sign_in(page.context, site.url, cast["operator"])
    page.goto(f"{site.url}/policies")
    keep_picture(page, "policies-small-team")
    assert serious(page) == []
    page.goto(f"{site.url}/tickets/INC-1/feedback")
    page.get_by_label("What worked").fill("Scaling.")
    page.get_by_role("button", name="Send feedback").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose one to five stars.")
    expect(page.get_by_label("What worked")).to_have_value("Scaling.")
    keep_picture(page, "feedback-mistakes")
    assert serious(page) == []
    assert not Feedback.objects.filter(person=cast["operator"]).exists()


def test_stars_are_given_by_keyboard_and_the_page_shows_what_they_changed(
    site: LiveServer, cast: dict[str, Person], clean_page: Page
) -> None:
    page = clean_page
    sign_in(page.context, site.url, cast["operator"])
    page.goto(f"{site.url}/tickets/INC-7/feedback")
    page.locator("[name=rating]").first.focus()
    press(page, "Space", "ArrowRight", "ArrowRight", "ArrowRight")
    expect(page.get_by_role("radio", name="4 mostly")).to_be_checked()
    press(page, "Tab", "Space")
    expect(page.get_by_role("radio", name="Positive")).to_be_checked()
    page.get_by_role("group", name="Did the actions work?").get_by_label("Yes").check()
    page.get_by_role("button", name="Send feedback").click()
    expect(page.get_by_text("Your answer is being counted")).to_be_visible()
    row = Feedback.objects.get(person=cast["operator"])
    assert (row.rating, row.feedback_type, row.actions_worked, row.was_helpful) == (4, "positive", True, None)
    drain("general")
    effect = page.locator("#effect")
    expect(effect.get_by_role("row", name="Positive feedback on the pattern")).to_contain_text("71.4 %")
    expect(effect.get_by_role("row", name="Positive feedback on the pattern")).to_contain_text("75 %")
    keep_picture(page, "feedback-effect")
    assert serious(page) == []
    effect.get_by_role("link").click()
    expect(page).to_have_url(f"{site.url}/patterns/{Pattern.objects.get().pk}")


def test_feedback_needs_no_scripts(site: LiveServer, cast: dict[str, Person], browser: Browser) -> None:
    with browser.new_context(java_script_enabled=False, viewport=PHONE) as context:
        sign_in(context, site.url, cast["operator"])
        page = context.new_page()
        page.goto(f"{site.url}/tickets/INC-1/feedback")
        page.locator(".stars label").nth(4).click()
        page.get_by_label("Negative").check()
        page.get_by_label("What was really done").fill("restarted it\nscaled it")
        page.get_by_role("button", name="Send feedback").click()
        expect(page.get_by_text("your answer is kept")).to_be_visible()
        expect(page.get_by_role("button", name="Change the answer")).to_be_visible()
    row = Feedback.objects.get(person=cast["operator"])
    assert (row.rating, row.feedback_type, row.actual_actions_taken) == (5, "negative", ["restarted it", "scaled it"])


def test_the_keyboard_walks_the_rows_and_the_filter_narrows(
    site: LiveServer, cast: dict[str, Person], clean_page: Page
) -> None:
    page = clean_page
    sign_in(page.context, site.url, cast["auditor"])
    page.goto(f"{site.url}/overview")
    page.get_by_role("link", name="Patterns").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Patterns")
    press(page, "j", "Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Payments pods unhealthy")
    page.get_by_role("link", name="Patterns").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Patterns")
    page.get_by_label("Seen at least").fill("8")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No patterns here")).to_be_visible()
    page.get_by_label("Seen at least").fill("7")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("row", name="Payments pods unhealthy")).to_be_visible()
