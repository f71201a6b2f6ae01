"""The runbook pages in a real browser, at a desk and on a phone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.access.models import Person
from portal.kit.testing.browser import faults, sign_in
from remediation.knowledge import services

pytestmark = pytest.mark.browser


def test_a_runbook_is_found_and_read(site: LiveServer, clean_page: Page) -> None:
    services.load(datetime(2026, 11, 21, 9, 0, tzinfo=UTC))
    sign_in(clean_page.context, site.url, Person.objects.create_user("alice", "correct horse"))
    clean_page.goto(f"{site.url}/runbooks")
    assert faults(clean_page, "runbooks") == []
    clean_page.get_by_role("link", name="Disk full on log shippers").click()
    expect(clean_page.get_by_role("heading", level=1)).to_contain_text("Disk full on log shippers")
    expect(clean_page.get_by_text("SystemMaxUse=500M").first).to_be_visible()
    assert faults(clean_page, "runbook") == []
