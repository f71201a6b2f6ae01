"""An auditor in a real browser: narrows the trail, takes it along, holds a ticket; on a phone as well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.access.testing import person
from portal.audit import sealing
from portal.audit import services as audit
from portal.audit.sealer import seal_next
from portal.kit.actors import Actor, Ref
from portal.kit.testing.browser import PHONE, scrolls_sideways, serious, sign_in

pytestmark = pytest.mark.browser
ANA = Actor("human", 5, "ana", "page")


def test_an_auditor_reads_takes_along_and_holds(site: LiveServer, clean_page: Page) -> None:
    for number in (1, 2):
        ticket = Ref("tickets.ticket", number, f"INC-{number}")
        data = {"before": {"digest": "ab" * 32}, "after": {"digest": "cd" * 32}}
        audit.record("a.changed", actor=ANA, at=timezone.now(), subject=ticket, ticket=ticket, data=data)
    seal_next(sealing.private_key("A" * 43), at=timezone.now())
    sign_in(clean_page.context, site.url, person("aude", "auditor"))
    clean_page.goto(f"{site.url}/audit")
    clean_page.get_by_label("Ticket").fill("INC-1")
    clean_page.get_by_label("From (UTC)").fill("2026-01-01T00:00")
    clean_page.get_by_role("button", name="Show").click()
    expect(clean_page.locator("[data-rows] tr")).to_have_count(1)
    expect(clean_page.locator("[data-rows] tr")).to_contain_text("#1")
    assert serious(clean_page) == []
    with clean_page.expect_download() as download:
        clean_page.get_by_role("link", name="JSON").click()
    assert [row["ticket_key"] for row in json.loads(Path(download.value.path()).read_text())] == ["INC-1"]
    clean_page.locator("[data-rows] a").first.click()
    expect(clean_page.get_by_role("heading", name="What changed")).to_be_visible()
    clean_page.set_viewport_size(PHONE)
    for address in (clean_page.url, f"{site.url}/audit", f"{site.url}/audit/retention"):
        clean_page.goto(address)
        assert not scrolls_sideways(clean_page)
        assert serious(clean_page) == []
    clean_page.get_by_role("textbox", name="Ticket").fill("INC-2")
    clean_page.get_by_label("Reason").fill("A court asks.")
    clean_page.get_by_role("button", name="Hold").click()
    expect(clean_page.get_by_role("button", name="Lift the hold on INC-2")).to_be_visible()
    clean_page.get_by_label("Why the hold on INC-2 ends").fill("Settled.")
    assert serious(clean_page) == []
    clean_page.get_by_role("button", name="Lift the hold on INC-2").click()
    expect(clean_page.get_by_text("Nothing is held")).to_be_visible()
