"""The style guide in a real browser: what holds for every component holds on every page made of them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.access.models import Person
from portal.kit.testing.browser import PHONE, CleanPage, faults, press, scrolls_sideways, serious, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
def guide(site: LiveServer, clean_page: Page) -> Page:
    alice = Person.objects.create_user("alice", "correct horse", is_staff=True)
    sign_in(clean_page.context, site.url, alice)
    return clean_page


def test_every_component_is_accessible_and_fits(guide: Page, site: LiveServer) -> None:
    guide.goto(f"{site.url}/styleguide")
    expect(guide.get_by_role("heading", level=1)).to_be_visible()
    folded = guide.locator("main details:not([open]) > summary")
    while folded.count():
        folded.first.click()
    assert faults(guide, "styleguide") == []
    guide.set_viewport_size({"width": 1000, "height": 844})
    assert serious(guide) == []
    assert not scrolls_sideways(guide)


def test_the_keyboard_reaches_rows_checks_help_and_decision(guide: Page, site: LiveServer) -> None:
    guide.goto(f"{site.url}/styleguide")
    press(guide, "j", "j")
    expect(guide.locator("[data-rows] > .selected")).to_contain_text("Disk full on log shippers")
    press(guide, "k")
    expect(guide.locator("[data-rows] > .selected")).to_contain_text("Payments secondary pool")
    press(guide, "d")
    expect(guide.get_by_label("Comment")).to_be_focused()
    press(guide, "Escape")
    guide.locator("h1").click()
    press(guide, "?")
    expect(guide.get_by_role("dialog", name="Keyboard")).to_be_visible()


def test_the_theme_stays_after_a_reload(guide: Page, site: LiveServer) -> None:
    guide.emulate_media(color_scheme="light")
    guide.goto(f"{site.url}/styleguide")
    body = guide.locator("body")
    light = guide.evaluate("getComputedStyle(document.body).backgroundColor")
    guide.get_by_role("button", name="Switch between light and dark").click()
    expect(body).not_to_have_css("background-color", light)
    guide.reload()
    expect(body).not_to_have_css("background-color", light)


def test_the_copy_button_copies_the_command_that_runs(guide: Page, site: LiveServer) -> None:
    guide.context.grant_permissions(["clipboard-read", "clipboard-write"])
    guide.goto(f"{site.url}/styleguide")
    hidden = guide.locator(".command", has=guide.get_by_label("A command with hidden characters"))
    expect(hidden).to_contain_text("U+202E")
    hidden.get_by_role("button").click()
    expect(hidden.get_by_role("status")).to_have_text("Copied")
    assert guide.evaluate("navigator.clipboard.readText()").startswith("rm -rf /var/log/shipper/\u202e")


def test_a_blocked_sign_off_cannot_be_clicked(guide: Page, site: LiveServer) -> None:
    guide.goto(f"{site.url}/styleguide")
    guide.get_by_role("button", name="Sign off").last.click(force=True)
    expect(guide).to_have_url(f"{site.url}/styleguide")
    expect(guide.get_by_text("The sign-off is blocked by 2 things")).to_be_visible()


def test_enter_in_the_comment_decides_nothing(guide: Page, site: LiveServer) -> None:
    guide.goto(f"{site.url}/styleguide")
    posts: list[str] = []
    guide.on("request", lambda request: posts.append(request.method) if request.method == "POST" else None)
    guide.get_by_label("Comment").fill("not sure yet")
    press(guide, "Enter")
    guide.reload()
    assert posts == []


def test_a_second_click_sends_nothing(guide: Page, site: LiveServer) -> None:
    guide.goto(f"{site.url}/styleguide")
    sent = guide.evaluate("""() => {
        let sent = 0;
        document.addEventListener("submit", (event) => { event.preventDefault(); sent += 1; });
        const button = document.querySelector("#decision [value=changes]");
        for (let click = 0; click < 3; click += 1) button.click();
        return sent;
    }""")
    assert sent == 1


def test_reading_and_deciding_need_no_scripts(browser: Browser, site: LiveServer) -> None:
    with browser.new_context(java_script_enabled=False, viewport=PHONE) as context:
        sign_in(context, site.url, Person.objects.create_user("alice", "correct horse", is_staff=True))
        page = context.new_page()
        page.goto(f"{site.url}/styleguide")
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)
        page.locator("#decision summary", has_text="Comment").click()
        page.get_by_label("Comment").fill("quota is fine")
        with page.expect_request(lambda request: request.method == "POST") as sent:
            page.get_by_role("button", name="Request changes").click()
    body = sent.value.post_data or ""
    assert "comment=quota+is+fine" in body
    assert "verdict=changes" in body
    assert "csrfmiddlewaretoken" in body


def test_the_decision_bar_leaves_a_phone_to_its_reader(guide: Page, site: LiveServer) -> None:
    guide.set_viewport_size(PHONE)
    guide.goto(f"{site.url}/styleguide")
    bar = guide.locator("#decision").bounding_box()
    assert bar is not None
    assert bar["height"] <= 0.16 * PHONE["height"]
    expect(guide.get_by_label("Comment")).to_be_hidden()
    guide.locator("#decision summary", has_text="Comment").click()
    expect(guide.get_by_label("Comment")).to_be_visible()


@pytest.mark.parametrize("path", ["/admin/", "/admin/auth/group/"])
def test_the_settings_wear_the_same_clothes(guide: Page, site: LiveServer, path: str) -> None:
    Person.objects.update(is_superuser=True)
    guide.goto(f"{site.url}{path}")
    expect(guide.get_by_role("link", name="Settings")).to_have_attribute("aria-current", "page")
    assert faults(guide, "settings") == []
    press(guide, "Escape")
    guide.locator("h1").first.click()
    press(guide, "?")
    expect(guide.get_by_role("dialog", name="Keyboard")).to_be_visible()


def test_what_is_missing_is_said_in_the_same_clothes(site: LiveServer, watched: CleanPage) -> None:
    watched.expect_status(404)
    watched.page.goto(f"{site.url}/nowhere")
    expect(watched.page.get_by_role("heading", level=1)).to_have_text("No such page")
    assert serious(watched.page) == []


def test_the_guide_is_for_staff(site: LiveServer, watched: CleanPage) -> None:
    watched.expect_status(404)
    sign_in(watched.page.context, site.url, Person.objects.create_user("bob", "correct horse"))
    watched.page.goto(f"{site.url}/styleguide")
    expect(watched.page.get_by_role("heading", level=1)).to_have_text("No such page")
