"""A postmortem in a real browser: read, previewed, saved and compared; accessible, in both colours, on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from portal.access.models import Person
from portal.jobs.testing import drain
from portal.kit.testing.browser import faults, sign_in
from remediation.connectors.testing import LabProcess
from remediation.execution.testing import SECONDARY, draft, scaling, signed
from remediation.review import testing as review

pytestmark = pytest.mark.browser


@pytest.fixture
def writer(site: LiveServer, lab: LabProcess, settings: Settings) -> Person:
    """Who may edit the postmortem of INC-1, which was drafted when its run ended."""
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    made = signed(draft(scaling(SECONDARY, 2, 6), systems=(review.SECONDARY,)))
    drain()
    return made.operator


def test_a_postmortem_is_read_previewed_saved_and_compared(site: LiveServer, writer: Person, clean_page: Page) -> None:
    page = clean_page
    sign_in(page.context, site.url, writer)
    page.goto(f"{site.url}/postmortems")
    assert faults(page, "postmortems") == []
    page.get_by_role("link", name="INC-1").click()
    expect(page.get_by_role("heading", name="What the AI got wrong")).to_be_visible()
    assert faults(page, "postmortem") == []
    page.get_by_role("link", name="Edit").click()
    text = page.get_by_label("The postmortem of INC-1")
    text.fill("# Pods\n\n## Why\n\nThe pool was **too small**.")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("region", name="Preview").get_by_role("heading", name="Why")).to_be_visible()
    assert faults(page, "postmortem-edit") == []
    page.get_by_role("button", name="Save as version 2").click()
    expect(page.get_by_text("Version 2 is saved.")).to_be_visible()
    page.get_by_role("link", name="Versions").click()
    expect(page.get_by_role("heading", name="Version 1 against version 2")).to_be_visible()
    assert faults(page, "postmortem-versions") == []
