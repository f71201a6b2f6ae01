"""Inbox, choices, delivery and duties in a real browser: by mouse and keyboard, on a phone, in the dark."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.access.models import Person
from portal.access.testing import person
from portal.kit.testing.browser import PHONE, scrolls_sideways, serious, sign_in
from portal.notices import outlets
from portal.notices import services as notices
from portal.notices.models import Enclosure, Letter, Message, Outlet
from portal.notices.states import LetterState

pytestmark = pytest.mark.browser
LONG = "INC-4711: the rollout plan waits for your signature. It ends at 2026-05-04 14:00 UTC. " * 3


def _full(petra: Person) -> None:
    """Something on every page: notices, a webhook in trouble, letters that were given up."""
    at = timezone.now()
    for number in range(3):
        notices.tell(
            [petra], kind="run", ticket_key="INC-4711", text=f"{number} {LONG}", path="/", at=at, key=str(number)
        )
    outlet, _ = outlets.register(
        name="on-call", url=f"https://hooks.example.com/{'x' * 120}", kinds=(), person=petra, door="page", at=at
    )
    Outlet.objects.filter(pk=outlet.pk).update(
        failures=2, rests_until=at + timedelta(minutes=2), error="It answered 500."
    )
    letter = Letter.objects.create(
        outlet=outlet, kind="run", size=1, state=LetterState.DEAD, due_at=at, tried_at=at, ended_at=at, created_at=at,
        error="ConnectionRefusedError: [Errno 111] Connection refused",
    )  # fmt: skip
    Enclosure.objects.create(letter=letter, message=Message.objects.order_by("id")[0])


def test_every_page_is_clean_on_every_screen(site: LiveServer, clean_page: Page) -> None:
    petra = person("petra", "policy admin")
    _full(petra)
    sign_in(clean_page.context, site.url, petra)
    for path in ("", "?show=unread", "/preferences", "/delivery", "/delivery/webhooks"):
        for scheme in ("light", "dark"):
            clean_page.set_viewport_size({"width": 1440, "height": 900})
            clean_page.emulate_media(color_scheme=scheme)
            clean_page.goto(f"{site.url}/notices{path}")
            assert serious(clean_page) == []
            clean_page.set_viewport_size(PHONE)
            assert not scrolls_sideways(clean_page)
    clean_page.goto(f"{site.url}/duties")
    assert serious(clean_page) == []
    assert not scrolls_sideways(clean_page)


def test_one_notice_is_read_then_all_and_a_kind_is_switched_off(site: LiveServer, clean_page: Page) -> None:
    petra = person("petra", "policy admin")
    _full(petra)
    sign_in(clean_page.context, site.url, petra)
    clean_page.goto(f"{site.url}/notices")
    expect(clean_page.get_by_text("new", exact=True)).to_have_count(3)
    clean_page.get_by_role("button", name="Mark as read: 1").click()
    expect(clean_page.get_by_text("new", exact=True)).to_have_count(2)
    clean_page.get_by_role("button", name="Mark all as read").click()
    expect(clean_page.get_by_text("new", exact=True)).to_have_count(0)
    clean_page.get_by_role("link", name="What comes where").click()
    clean_page.get_by_label("Runs in the inbox").uncheck()
    clean_page.get_by_role("button", name="Keep").click()
    expect(clean_page.get_by_text("Kept.")).to_be_visible()
    expect(clean_page.get_by_label("Runs in the inbox")).not_to_be_checked()


def test_a_webhook_is_registered_its_secret_seen_once_and_a_dead_letter_put_away(
    site: LiveServer, clean_page: Page
) -> None:
    petra = person("petra", "policy admin")
    _full(petra)
    sign_in(clean_page.context, site.url, petra)
    clean_page.goto(f"{site.url}/notices/delivery")
    clean_page.get_by_label("Why letter").fill("Nobody needs it any more.")
    clean_page.get_by_role("button", name="Put letter").click()
    expect(clean_page.get_by_text("Everything got through")).to_be_visible()
    clean_page.get_by_role("link", name="New webhook").click()
    clean_page.get_by_label("Name").fill("ticket system")
    clean_page.get_by_label("Address").fill("https://tickets.example.com/hooks")
    clean_page.get_by_role("checkbox", name="Emergency stop").check()
    clean_page.get_by_role("button", name="Register").click()
    expect(clean_page.locator("pre[data-text^=whsec_]")).to_be_visible()
    assert serious(clean_page) == []
    clean_page.get_by_role("link", name="Done").click()
    expect(clean_page.get_by_role("link", name="ticket system")).to_be_visible()
