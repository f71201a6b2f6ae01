"""The run page in a real browser: live while workers run, guided by hand, without scripts, readable for everybody."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.access.models import Person
from portal.jobs.testing import drain
from portal.kit.testing.browser import PHONE, CleanPage, scrolls_sideways, serious, sign_in
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.execution import claiming, driving, stepping
from remediation.execution.models import StepOutput
from remediation.execution.testing import PRIMARY, SECONDARY, Signed, command, draft, scaling, signed

pytestmark = pytest.mark.browser

TWO_STEPS = draft(scaling(SECONDARY, 2, 4), scaling(PRIMARY, 3, 4), systems=(first_day.SECONDARY, first_day.PRIMARY))
COMMAND = draft(command("Cap the journal", "journalctl --vacuum-size=1G"), systems=("log-ship-1",))


def apart(whole: dict[str, Any], *, begun: bool = False, **fields: Any) -> Signed:
    """A signed plan, made in a thread of its own: Playwright keeps an event loop in this one. `begun`: one step is."""

    def make() -> Signed:
        try:
            made = signed(whole, **fields)
            if begun:
                take_first_step(made)
            return made
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(make).result()


def take_first_step(made: Signed) -> None:
    """Claim the plan and act once; the job that drives the run on waits."""
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    shift = driving.take_over(made.run.pk, clock=timezone.now, keeps_lease=lambda: True)
    if shift:
        stepping.take_step(shift, 1)


def open_run(page: Page, site: LiveServer, made: Signed) -> None:
    sign_in(page.context, site.url, made.operator)
    page.goto(f"{site.url}/tickets/{made.ticket.key}/run")


def test_the_page_follows_a_run_by_itself(site: LiveServer, workers: LabProcess, clean_page: Page) -> None:
    made = apart(TWO_STEPS)
    open_run(clean_page, site, made)
    expect(clean_page.get_by_role("heading", name="Waits for a worker")).to_be_visible()
    drain("execution")
    expect(clean_page.get_by_text("Every step was verified.")).to_be_visible()
    expect(clean_page.locator(".rail li")).to_have_count(2)
    assert serious(clean_page) == []
    clean_page.set_viewport_size(PHONE)
    assert not scrolls_sideways(clean_page)


def test_an_operator_at_three_in_the_morning(site: LiveServer, workers: LabProcess, clean_page: Page) -> None:
    """Holds a run, stops everything without leaving the page, and rolls back what was done."""
    made = apart(TWO_STEPS, begun=True)
    open_run(clean_page, site, made)
    expect(clean_page.get_by_text("No further write. What was done is still verified")).to_be_visible()
    clean_page.get_by_role("button", name="Pause", exact=True).click()
    expect(clean_page.get_by_text("operator asked for it")).to_be_visible()
    drain("execution")
    expect(clean_page.get_by_role("button", name="Let it go on")).to_be_visible()
    assert serious(clean_page) == []
    clean_page.get_by_label("Emergency stop").click()
    clean_page.get_by_label("What to stop").select_option("connector:lab-kubernetes")
    assert serious(clean_page) == []
    clean_page.get_by_role("button", name="Stop", exact=True).click()
    expect(clean_page.get_by_text("Emergency stop of connector lab-kubernetes")).to_be_visible()
    expect(clean_page).to_have_url(f"{site.url}/tickets/INC-1/run")
    expect(clean_page.get_by_role("button", name="Let it go on")).to_have_count(0)
    clean_page.get_by_role("button", name="Roll back").click()
    drain("execution")
    expect(clean_page.get_by_text("Everything that was done has been undone.")).to_be_visible()
    clean_page.set_viewport_size(PHONE)
    assert not scrolls_sideways(clean_page)
    clean_page.get_by_role("link", name="Log", exact=True).click()
    expect(clean_page.get_by_role("heading", level=1)).to_contain_text("Log")
    assert serious(clean_page) == []
    assert not scrolls_sideways(clean_page)


def test_a_person_is_led_through_a_command_step(site: LiveServer, lab: LabProcess, clean_page: Page) -> None:
    made = apart(COMMAND, category_slug="storage")
    drain("execution")
    open_run(clean_page, site, made)
    clean_page.get_by_role("button", name="Run it by hand, step by step").click()
    expect(clean_page.get_by_label("What the pre-flight printed")).to_be_visible()
    assert serious(clean_page) == []
    expect(clean_page.get_by_text("--vacuum-size")).to_have_count(0)
    clean_page.get_by_label("What the pre-flight printed").fill("Archived and active journals take up 21.3G.")
    clean_page.get_by_role("button", name="As expected: show the action").click()
    expect(clean_page.get_by_label("Action", exact=True)).to_contain_text("journalctl --vacuum-size=1G")
    expect(clean_page.get_by_label("Way back", exact=True)).to_contain_text("systemctl stop shipper")
    assert serious(clean_page) == []
    clean_page.set_viewport_size(PHONE)
    assert not scrolls_sideways(clean_page)
    clean_page.get_by_label("What the action printed").fill("Vacuuming done, freed 20.3G.")
    clean_page.get_by_role("button", name="It ran").click()
    clean_page.get_by_label("What you saw").fill("Archived and active journals take up 1.0G.")
    clean_page.get_by_role("button", name="As expected", exact=True).click()
    expect(clean_page.get_by_text("Every step was verified.")).to_be_visible()
    assert made.run.status == "succeeded"


def test_a_run_by_hand_changes_hands_in_the_middle(
    site: LiveServer, lab: LabProcess, watched: CleanPage, browser: Browser
) -> None:
    """The first pair of hands loses the run and nothing it typed; the second one finishes it and says how it went."""
    made, page = apart(COMMAND, category_slug="storage"), watched.page
    drain("execution")
    open_run(page, site, made)
    page.get_by_role("button", name="Run it by hand, step by step").click()
    expect(page.get_by_label("What the pre-flight printed")).to_be_visible()
    assert "vacuum-size" not in page.content()
    page.get_by_label("What the pre-flight printed").fill("Archived and active journals take up 21.3G.")
    page.get_by_role("button", name="As expected: show the action").click()
    expect(page.get_by_label("Action", exact=True)).to_contain_text("journalctl --vacuum-size=1G")
    clock = page.get_by_role("form", name="Report on step 1").get_by_role("timer").first
    expect(clock).not_to_have_text(clock.inner_text())
    page.get_by_label("What the action printed").fill("Vacuuming done, freed 20.3G.")

    deputy = Person.objects.create_user("deputy")
    deputy.groups.set(made.operator.groups.all())
    context = browser.new_context()
    second = CleanPage(context.new_page())
    theirs = second.page
    sign_in(context, site.url, deputy)
    theirs.goto(page.url)
    expect(theirs.get_by_text("in the hands of operator")).to_be_visible()
    assert "vacuum-size" not in theirs.content()
    theirs.get_by_role("button", name="Go on by hand").click()
    expect(theirs.get_by_label("Action", exact=True)).to_contain_text("journalctl --vacuum-size=1G")
    expect(theirs.get_by_label("Way back", exact=True)).to_contain_text("systemctl stop shipper")

    watched.expect_status(409)
    page.get_by_role("button", name="It ran").click()
    expect(page.get_by_role("heading", name="What you had typed")).to_be_visible()
    expect(page.get_by_label("Output", exact=True)).to_have_value("Vacuuming done, freed 20.3G.")

    theirs.get_by_label("What the action printed").fill("Vacuuming done, freed 20.3G.")
    theirs.get_by_role("button", name="It ran").click()
    theirs.get_by_label("What you saw").fill("Archived and active journals take up 1.0G.")
    theirs.get_by_role("button", name="As expected", exact=True).click()
    expect(theirs.get_by_text("Every step was verified.")).to_be_visible()
    by = StepOutput.objects.filter(run_id=made.run.pk).values_list("by", flat=True)
    assert list(by) == ["operator", "deputy", "deputy"]
    theirs.goto(f"{site.url}/tickets/{made.ticket.key}/feedback")
    expect(theirs.get_by_label("Time to resolve")).to_have_value(re.compile(r"^\d+$"))
    assert second.unexpected() == []
    context.close()


def test_it_works_without_scripts(site: LiveServer, lab: LabProcess, browser: Browser) -> None:
    made = apart(COMMAND, category_slug="storage")
    drain("execution")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    open_run(page, site, made)
    page.get_by_role("button", name="Run it by hand, step by step").click()
    page.get_by_role("button", name="As expected: show the action").click()
    expect(page.get_by_role("alert")).to_contain_text("Paste what you saw")
    page.get_by_label("What the pre-flight printed").fill("seen")
    page.get_by_role("button", name="Stop rule met: stop here").click()
    expect(page.get_by_role("status")).to_contain_text("Nothing was changed.")
    context.close()
    assert made.run.status == "failed"
