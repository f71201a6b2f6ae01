"""The API reference and the token page in a real browser: strict CSP, accessible, and no wider than a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.access.models import Person
from portal.kit.testing.browser import PHONE, scrolls_sideways, serious, sign_in

pytestmark = pytest.mark.browser


def test_the_reference_is_readable_and_leads_to_every_shape(site: LiveServer, clean_page: Page) -> None:
    clean_page.goto(f"{site.url}/api/v1/docs")
    expect(clean_page.get_by_role("heading", level=1)).to_have_text("The API")
    assert not scrolls_sideways(clean_page)
    clean_page.set_viewport_size(PHONE)
    assert not scrolls_sideways(clean_page)
    assert serious(clean_page) == []
    clean_page.get_by_role("link", name="TicketIn", exact=True).first.click()
    expect(clean_page.locator("#shape-TicketIn")).to_be_in_viewport()


def test_a_token_is_issued_copied_and_revoked(site: LiveServer, clean_page: Page) -> None:
    alice = Person.objects.create_user("alice")
    sign_in(clean_page.context, site.url, alice)
    clean_page.goto(f"{site.url}/account/tokens")
    clean_page.get_by_label("What it is for").fill("nightly report")
    clean_page.get_by_label("Read tickets").check()
    assert serious(clean_page) == []
    clean_page.get_by_role("button", name="Issue token").click()
    expect(clean_page.locator("pre[data-text^=cs_]")).to_be_visible()
    assert serious(clean_page) == []
    clean_page.set_viewport_size(PHONE)
    assert not scrolls_sideways(clean_page)
    clean_page.get_by_role("button", name="Revoke nightly report").click()
    expect(clean_page.get_by_text("it stops working with the next request")).to_be_visible()
    assert not alice.tokens.filter(revoked_at=None).exists()
