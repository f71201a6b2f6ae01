"""What happened, told in a real browser: notes are pasted, shown as a table, corrected, and kept as evidence."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.kit.testing.browser import faults, sign_in
from remediation.review import testing as review
from remediation.tickets.models import Timeline

pytestmark = pytest.mark.browser

NOTES = """\
Root cause: the journal has no cap.
[02:14] Paged: disk_almost_full on log-ship-1
[02:17] root@log-ship-1:~# df -h /var/log
/dev/vdb1 98%

Something nobody needs to know.
"""


def test_notes_are_pasted_corrected_and_kept(site: LiveServer, clean_page: Page) -> None:
    review.world()
    people = review.people()
    review.ticket(people["engineer"])
    sign_in(clean_page.context, site.url, people["engineer"])
    clean_page.goto(f"{site.url}/tickets/INC-1")
    clean_page.get_by_role("link", name="Tell it").click()
    expect(clean_page.get_by_role("heading", level=1)).to_have_text("What happened")
    clean_page.get_by_role("textbox", name="Notes").fill(NOTES)
    clean_page.get_by_label("Day (UTC)").fill("2026-11-20")
    clean_page.get_by_role("button", name="Read them").click()
    expect(clean_page.get_by_text("This is what was read. Nothing is kept yet")).to_be_visible()
    expect(clean_page.get_by_label("Command really run").nth(1)).to_have_value("df -h /var/log")
    assert faults(clean_page, "incident") == []
    clean_page.get_by_label("Host").first.fill("log-ship-1")
    clean_page.get_by_label("Leave out").nth(2).check()
    clean_page.get_by_role("button", name="Keep this timeline").click()
    expect(clean_page.get_by_text("The timeline is kept: 2 entries")).to_be_visible()
    kept = Timeline.objects.get().told
    assert [(entry.host, entry.command) for entry in kept.entries] == [
        ("log-ship-1", ""),
        ("log-ship-1", "df -h /var/log"),
    ]
