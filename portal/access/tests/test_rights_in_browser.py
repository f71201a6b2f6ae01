"""The matrix of rights in a real browser: by keyboard, in the dark, on a phone, and without scripts."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.access import grants, invitations
from portal.access.models import Person
from portal.access.testing import person
from portal.estate.models import Category
from portal.kit.testing.browser import PHONE, scrolls_sideways, serious, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
def petra(site: LiveServer) -> Person:
    Category.objects.create(slug="storage", name="Storage")
    person("ana", "approver")
    person("erin", "engineer")
    Person.objects.create_superuser("root")
    return person("petra", "policy admin")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_right_is_given_by_keyboard(clean_page: Page, site: LiveServer, petra: Person, scheme: str) -> None:
    clean_page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    sign_in(clean_page.context, site.url, petra)
    clean_page.goto(f"{site.url}/rights?category=storage")
    assert serious(clean_page) == []
    expect(clean_page.get_by_role("checkbox", name="petra: See tickets")).to_be_disabled()
    clean_page.get_by_role("checkbox", name="erin: Review and edit drafts").press("Space")
    clean_page.get_by_role("button", name="Show what changes").press("Enter")
    expect(clean_page.get_by_role("listitem").filter(has_text="erin")).to_contain_text("Review and edit drafts")
    assert serious(clean_page) == []
    clean_page.get_by_role("button", name="Change 1 right").press("Enter")
    expect(clean_page.get_by_role("status").first).to_contain_text("1 right changed.")
    expect(clean_page.get_by_role("checkbox", name="erin: Review and edit drafts")).to_be_checked()
    erin = Person.objects.get(username="erin")
    assert grants.of(erin).may("review", Category.objects.get(slug="storage").pk)


def test_a_phone_without_scripts_shows_and_changes_it_too(browser: Browser, site: LiveServer, petra: Person) -> None:
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    sign_in(context, site.url, petra)
    page = context.new_page()
    page.goto(f"{site.url}/rights?category=storage")
    page.get_by_role("checkbox", name="erin: Review and edit drafts").check()
    page.get_by_role("button", name="Show what changes").click()
    page.get_by_role("button", name="Change 1 right").click()
    expect(page.get_by_role("checkbox", name="erin: Review and edit drafts")).to_be_checked()
    context.close()


def test_a_phone_need_not_scroll_sideways(clean_page: Page, site: LiveServer, petra: Person) -> None:
    clean_page.set_viewport_size(PHONE)
    sign_in(clean_page.context, site.url, petra)
    clean_page.goto(f"{site.url}/rights?category=storage")
    assert not scrolls_sideways(clean_page)
    assert serious(clean_page) == []


def test_the_ways_in_are_clean_in_the_dark_and_on_a_phone(clean_page: Page, site: LiveServer, petra: Person) -> None:
    nina, at = person("nina", "approver"), timezone.now()
    used = invitations.issue(nina.pk, by=petra, door="page", at=at)[1]
    invitations.use(used, password="quiet stork 9", at=at)
    link = invitations.issue(nina.pk, by=petra, door="page", at=at)[1]
    clean_page.set_viewport_size(PHONE)
    clean_page.emulate_media(color_scheme="dark")
    sign_in(clean_page.context, site.url, petra)
    for path in ("/sign-in/again?next=/rights", f"/people/{nina.pk}/link", f"/welcome/{link}", "/rights", "/login"):
        clean_page.goto(f"{site.url}{path}")
        assert serious(clean_page) == [], path
        assert not scrolls_sideways(clean_page), path
