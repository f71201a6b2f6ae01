"""A real Chromium for the tests: every console error fails, every page can be asked for accessibility and width."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.test import Client
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
LAPTOP = ViewportSize(width=1440, height=900)
PHONE = ViewportSize(width=390, height=844)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SEEN_BY_AXE = (("light", LAPTOP), ("dark", PHONE))
PATIENCE_MS = 60_000
"""What is awaited comes at once on an idle machine; a busy one fails no test. A test that fails waits this long."""
expect.set_options(timeout=PATIENCE_MS / 3)
_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
_STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Chromium the browser tests are skipped with a reason; in CI that is a failure."""
    if shutil.which(CHROMIUM) or os.environ.get("CI"):
        return
    missing = pytest.mark.skip(reason=f"{CHROMIUM} is missing: apt-get install chromium-headless-shell")
    for item in items:
        if "page" in getattr(item, "fixturenames", ()):
            item.add_marker(missing)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium, without its sandbox: the tests may run as root. Its headless shell takes half the time."""
    chromium = {"executable_path": CHROMIUM, "chromium_sandbox": False, "args": list(_FLAGS)}
    return {**browser_type_launch_args, **chromium}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A laptop's screen, and no animation to wait for."""
    return {**browser_context_args, "viewport": LAPTOP, "reduced_motion": "reduce"}


class CleanPage:
    """A page that remembers every console error; a test names the refused requests it provokes on purpose."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self._expected: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def expect_status(self, status: int) -> None:
        """From now on an answer with this status is part of the test."""
        self._expected.append(f"the server responded with a status of {status}")

    def unexpected(self) -> list[str]:
        """The errors nobody announced: each may be a broken script or a violation of the CSP."""
        return [error for error in self.errors if not any(known in error for known in self._expected)]


@pytest.fixture
def watched(page: Page, site: LiveServer) -> Iterator[CleanPage]:  # noqa: ARG001 - outlives what looks at it
    """A page whose every unannounced console error fails the test."""
    clean = CleanPage(page)
    yield clean
    assert clean.unexpected() == []  # noqa: S101 - this is what the fixture is for


@pytest.fixture
def clean_page(watched: CleanPage) -> Page:
    """The page itself, for tests that provoke no error."""
    return watched.page


def sign_in(context: BrowserContext, url: str, person: Any) -> None:
    """Give the browser a session of this person, without a form in every test."""
    client = Client()
    client.force_login(person)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])


def press(page: Page, *keys: str) -> None:
    """Press keys one after another; a page without its script yet ignores them. `expect` what is new on it first."""
    page.wait_for_load_state()
    for key in keys:
        page.keyboard.press(key)


def serious(page: Page) -> list[str]:
    """Serious and critical findings of axe on the page as it stands, once it is loaded: rule and first element."""
    page.wait_for_load_state()
    if page.evaluate("!window.axe"):
        page.evaluate(AXE_SCRIPT)
    options = {"runOnly": _STANDARDS, "resultTypes": ["violations"]}
    found = page.evaluate("options => axe.run(options).then(({violations}) => violations)", options)
    return [f"{v['id']}: {v['nodes'][0]['target']}" for v in found if v["impact"] in ("serious", "critical")]


def scrolls_sideways(page: Page) -> bool:
    """Whether the page, once it is loaded, is wider than the screen."""
    page.wait_for_load_state()
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def faults(page: Page, name: str, *, height: int | None = None) -> list[str]:
    """What is wrong with the page, each with page and screen: in light and dark, on a laptop and on a phone.

    The page is loaded once. axe looks at a light laptop and a dark phone: colours do not depend on the screen, and what
    does is the same in both colours. `height` makes both screens that high.
    """
    found = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for screen in (LAPTOP, PHONE):
            page.set_viewport_size({"width": screen["width"], "height": height or screen["height"]})
            here = f"{name}-{scheme}-{screen['width']}"
            keep_picture(page, here)
            found += [f"{here}: {finding}" for finding in serious(page)] if (scheme, screen) in SEEN_BY_AXE else []
            found += [f"{here}: scrolls sideways"] if scrolls_sideways(page) else []
    return found


def keep_picture(page: Page, name: str) -> None:
    """A picture of the page, where somebody named a folder for them in SHOTS."""
    if shots := os.environ.get("SHOTS"):
        page.screenshot(path=Path(shots) / f"{name}.png", full_page=True)
