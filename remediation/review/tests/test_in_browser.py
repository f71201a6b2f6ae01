"""Reviewing in a real browser: a conflict with its difference, a sign-in in between, a phone, no scripts, axe."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.access.models import Person
from portal.access.sessions import AUTHENTICATED_AT
from portal.jobs.testing import drain
from portal.kit.testing.browser import PHONE, CleanPage, faults, scrolls_sideways, serious, sign_in
from portal.signoff.models import Vote
from remediation.connectors import seed as connectors
from remediation.connectors.testing import LabProcess
from remediation.drafting.models import Remediation
from remediation.review import services as reviews
from remediation.review import testing as review
from remediation.tickets.models import Evidence

pytestmark = pytest.mark.browser
TALL = 3_000
"""A screen on which the bar at the bottom lies over nothing: axe counts what it covers as too small to hit."""
WAY_BACK = {"kind": "command", "says": "Lift the cap.", "command": "journalctl --vacuum-size=9G"}


@pytest.fixture
def cast(site: LiveServer, lab: LabProcess) -> dict[str, Person]:
    """People of every role, INC-1 to scale a deployment and INC-2 with a critical command, both under review."""
    review.world()
    connectors.load(timezone.now())
    cast = review.people()
    for person in cast.values():
        person.set_password("correct horse")
        person.save()
    for key, draft in (("INC-1", None), ("INC-2", review.with_command(rollback=WAY_BACK))):
        incident = review.ticket(cast["engineer"], key)
        Evidence.objects.update(observed_at=timezone.now() - timedelta(minutes=5))
        review.drafted(incident, draft)
        drain("probe")
    return cast


def under_review(key: str) -> Remediation:
    return Remediation.objects.get(ticket__key=key)


def edit(remediation: Remediation, who: Person, **changes: Any) -> None:
    """Somebody saves another revision while the page stands open."""
    base = remediation.revisions.latest("number").digest
    draft = review.scale(**changes)
    reviews.revise(remediation.pk, draft=draft, base_digest=base, person=who, door="page", at=timezone.now())
    drain("probe")


def signed_in_long_ago(context: BrowserContext, url: str, person: Person) -> None:
    client = Client()
    client.force_login(person)
    session = client.session
    session[AUTHENTICATED_AT] = (timezone.now() - timedelta(hours=1)).isoformat()
    session.save()
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])


def test_a_conflict_shows_its_difference_and_two_people_sign_what_stands_now(
    site: LiveServer, cast: dict[str, Person], watched: CleanPage
) -> None:
    page = watched.page
    page.set_viewport_size(PHONE)
    sign_in(page.context, site.url, cast["approver"])
    page.goto(f"{site.url}/tickets/INC-1/review")
    edit(under_review("INC-1"), cast["reviewer"], rollback_minutes=15)
    page.get_by_text("Comment", exact=True).click()
    page.get_by_label("Comment", exact=True).fill("Checked the quota.")
    watched.expect_status(409)
    page.get_by_role("button", name="Sign merge").click()
    since = page.get_by_role("region", name="What changed since you looked")
    expect(since.get_by_role("row").filter(has_text="rollback minutes")).to_contain_text("15")
    expect(page.get_by_label("Comment", exact=True)).to_have_value("Checked the quota.")
    assert not scrolls_sideways(page)
    page.set_viewport_size({"width": PHONE["width"], "height": TALL})
    assert serious(page) == []
    page.set_viewport_size(PHONE)
    page.get_by_role("button", name="Sign merge").click()
    expect(page.get_by_text("You signed the merge stage.")).to_be_visible()
    sign_in(page.context, site.url, cast["second approver"])
    page.goto(f"{site.url}/tickets/INC-1/review")
    page.get_by_role("button", name="Sign rollout: runs scale_deployment on payments-secondary").click()
    expect(page.get_by_text("You signed the rollout stage.")).to_be_visible()


def test_a_critical_signature_takes_the_password_again_and_loses_nothing(
    site: LiveServer, cast: dict[str, Person], watched: CleanPage
) -> None:
    page = watched.page
    remediation = under_review("INC-2")
    (entry,) = reviews.standing(remediation, at=timezone.now()).checklist
    tick: dict[str, Any] = {"item": entry.item.item, "is_confirmed": True, "person": cast["reviewer"], "door": "page"}
    reviews.tick(remediation.pk, **tick, at=timezone.now())
    signed_in_long_ago(page.context, site.url, cast["approver"])
    page.goto(f"{site.url}/tickets/INC-2/review")
    page.get_by_label("Comment", exact=True).fill("Read it twice.")
    page.get_by_label("Type INC-2").fill("INC-2")
    page.get_by_role("button", name="Sign merge").click()
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("You are signed in afresh")).to_be_visible()
    expect(page.get_by_label("Comment", exact=True)).to_have_value("Read it twice.")
    page.get_by_role("button", name="Sign merge").click()
    expect(page.get_by_text("You signed the merge stage.")).to_be_visible()
    assert Vote.objects.get().comment == "Read it twice."


def test_a_reviewer_needs_no_script(site: LiveServer, cast: dict[str, Person], clean_page: Page) -> None:
    browser = clean_page.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    sign_in(context, site.url, cast["approver"])
    page = context.new_page()
    page.goto(f"{site.url}/tickets/INC-1/review")
    page.get_by_role("button", name="I'm on it").click()
    expect(page.get_by_text("approver is on it until")).to_be_visible()
    page.get_by_role("link", name="Comment on lines").click()
    page.get_by_role("button", name="Comment on step 1, rollback").click()
    page.get_by_role("textbox", name="Comment on step 1, rollback").fill("Who does this at night?")
    page.get_by_role("button", name="Comment on line 2", exact=True).click()
    expect(page.get_by_role("textbox", name="Comment on step 1, rollback")).to_have_value("Who does this at night?")
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Sign merge").click()
    expect(page.get_by_text("You signed the merge stage.")).to_be_visible()
    context.close()


def test_the_pages_of_a_review_are_accessible_and_fit(
    site: LiveServer, cast: dict[str, Person], clean_page: Page
) -> None:
    both = cast["approver"]
    both.groups.add(*cast["reviewer"].groups.all())
    sign_in(clean_page.context, site.url, both)
    for path in ("review", "review/changes?at=line%203", "review/cut?step=1", ""):
        clean_page.goto(f"{site.url}/tickets/INC-2/{path}".rstrip("/"))
        expect(clean_page.get_by_role("heading", level=1)).to_be_visible()
        assert faults(clean_page, path, height=TALL) == []
