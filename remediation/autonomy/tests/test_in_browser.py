"""A certificate in a real browser: one asks, another grants, one revokes; by keyboard, on a phone, dark, accessible."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.access.models import Person
from portal.kit.testing.browser import PHONE, press, scrolls_sideways, serious, sign_in
from portal.signoff.models import Certificate
from remediation.autonomy import testing
from remediation.autonomy.testing import Earned

pytestmark = pytest.mark.browser


@pytest.fixture
def earned(site: LiveServer) -> Earned:
    return testing.earn(testing.world())


def become(page: Page, site: LiveServer, person: Person) -> None:
    page.context.clear_cookies()
    sign_in(page.context, site.url, person)


def sound(page: Page) -> None:
    """Nothing that axe minds, in both colours, and nothing wider than a phone."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert serious(page) == []
    page.set_viewport_size(PHONE)
    assert not scrolls_sideways(page)
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_certificate_is_granted_by_two_people_and_revoked(clean_page: Page, site: LiveServer, earned: Earned) -> None:
    page = clean_page
    become(page, site, earned.cast["policy admin"])
    page.goto(f"{site.url}/patterns/{earned.pattern.pk}")
    sound(page)
    page.get_by_role("link", name="Ask for a certificate for scale_deployment in production").click()
    expect(page.get_by_text("Everything asked for is there.")).to_be_visible()
    sound(page)
    page.get_by_label("Days").fill("14")
    page.get_by_role("button", name="Ask for a certificate").click()
    expect(page.get_by_text("You asked for this")).to_be_visible()
    expect(page.get_by_role("button", name="Grant")).to_have_count(0)

    become(page, site, earned.cast["second policy admin"])
    page.goto(f"{site.url}/certificates")
    page.get_by_role("link", name="scale_deployment in production").click()
    expect(page.get_by_role("heading", name="Grant it?")).to_be_visible()
    sound(page)
    page.get_by_label("Comment").fill("I read the figures.")
    grant = page.get_by_role("button", name="Grant: the machine may sign scale_deployment in production")
    grant.focus()
    press(page, "Enter")
    expect(page.get_by_text("In force", exact=True)).to_be_visible()
    assert Certificate.objects.get().granted_at is not None

    page.get_by_label("Why").fill("The pool is being rebuilt.")
    page.get_by_role("button", name="Revoke: people sign from now on").click()
    expect(page.get_by_text("Revoked by second-policy-admin")).to_be_visible()
    sound(page)
    assert Certificate.objects.get().revoke_reason == "The pool is being rebuilt."
