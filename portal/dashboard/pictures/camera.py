"""Goes round the site in Chromium and takes a picture of every page: light and dark, desk and phone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from portal.dashboard.pictures.scene import Scene

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LARGEST_BYTES = 250_000


class CannotTakePictures(Exception):
    """Chromium or Playwright is missing, or a page was not what it should be; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One page as one person sees it."""

    name: str
    path: str
    person: str
    scheme: Literal["light", "dark"] = "light"
    width: int = 1440
    height: int = 900

    @property
    def file(self) -> str:
        return f"{self.name}.png"


def pictures(scene: Scene) -> list[Picture]:
    """All of them. Whoever looks may decide what the page offers, so that it shows its buttons."""
    review, role = f"/tickets/{scene.waiting}/review", f"/tickets/{scene.role}/review"
    return [
        Picture("queue", "/", "ana"),
        Picture("queue-dark", "/", "ana", scheme="dark"),
        Picture("queue-phone", "/", "ana", width=390, height=844),
        Picture("review", review, "ana"),
        Picture("review-dark", review, "ana", scheme="dark"),
        Picture("review-phone", review, "ana", width=390, height=844),
        Picture("role", f"{role}#role", "arun"),
        Picture("proof", f"{role}#proof", "arun"),
        Picture("proof-dark", f"{role}#proof", "arun", scheme="dark"),
        Picture("ticket", f"/tickets/{scene.resolved}", "erin"),
        Picture("run", f"/tickets/{scene.resolved}/run", "omar"),
        Picture("feedback", f"/tickets/{scene.resolved}/feedback", "erin"),
        Picture("patterns", "/patterns", "rita"),
        Picture("policies", "/policies", "petra"),
        Picture("overview", "/overview", "rita"),
    ]


def take(wanted: list[Picture], *, url: str, password: str, folder: Path, say: Callable[[str], None]) -> None:
    """Every picture into the folder; raises CannotTakePictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with _chromium() as browser:
        for picture in wanted:
            size = _take(browser, picture, url, password, folder / picture.file)
            say(f"   {picture.file:<20} {size // 1000:>4} kB")


@contextmanager
def _chromium() -> Iterator[Browser]:
    try:
        from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - only developers have it
    except ImportError:
        raise CannotTakePictures("Playwright is missing: it is in requirements-dev.txt.") from None
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if executable is None:
        raise CannotTakePictures(
            "Chromium is missing: apt-get install chromium-headless-shell fonts-inter, or name it in CHROMIUM."
        )
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable, chromium_sandbox=False)
            yield browser
            browser.close()
    except Error as error:
        raise CannotTakePictures(str(error).splitlines()[0]) from error


def _take(browser: Browser, picture: Picture, url: str, password: str, file: Path) -> int:
    """Sign in as the person, go there, wait until it stands still; answers the size in bytes."""
    context = browser.new_context(
        base_url=url,
        color_scheme=picture.scheme,
        reduced_motion="reduce",
        viewport={"width": picture.width, "height": picture.height},
    )
    page = context.new_page()
    _sign_in(page, picture.person, password)
    answer = page.goto(picture.path)
    if answer is None or not answer.ok:
        raise CannotTakePictures(f"{picture.path} answered {answer.status if answer else 'nothing'}.")
    page.evaluate("document.fonts.ready")
    page.screenshot(path=file)
    context.close()
    size = file.stat().st_size
    if size > LARGEST_BYTES:
        raise CannotTakePictures(f"{file.name} has {size} bytes, more than {LARGEST_BYTES}: make the picture smaller.")
    return size


def _sign_in(page: Page, person: str, password: str) -> None:
    page.goto("/login")
    page.get_by_label("Name").fill(person)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/login" not in address)
