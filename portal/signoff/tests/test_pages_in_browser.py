"""The pages of freezes, delegations and quorum in a real browser: readable on every screen, and used by keyboard."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.kit.testing.browser import faults, sign_in
from portal.signoff import brakes, ruling
from portal.signoff import services as signoffs
from portal.signoff.models import Delegation, QuorumRule
from portal.signoff.states import Stage
from portal.signoff.testing import kubernetes, person

pytestmark = pytest.mark.browser


def test_every_page_is_accessible_and_fits(site: LiveServer, clean_page: Page) -> None:
    petra, erin = person("petra", "policy admin", "approver"), person("erin", "engineer")
    at = timezone.now()
    window: dict[str, Any] = {"starts_at": at, "ends_at": at + timedelta(days=2), "door": "page", "at": at}
    brakes.freeze(category=kubernetes(), reason="The new cluster is moved in", person=petra, **window)
    over = brakes.freeze(category=None, reason="Year's end", person=petra, **window)
    brakes.end_freeze(over.pk, person=petra, door="page", at=at)
    signoffs.delegate(person=petra, to=erin, category=kubernetes(), reason="Two days in the mountains", **window)
    rule = QuorumRule(stage=Stage.ROLLOUT, risk="critical_write", severity="sev1", needed=2)
    ruling.keep(rule, person=petra, door="page", at=at)
    sign_in(clean_page.context, site.url, petra)
    for path in ("freezes", "delegations", "quorum", f"quorum?rule={rule.pk}"):
        clean_page.goto(f"{site.url}/{path}")
        expect(clean_page.get_by_role("heading", level=1)).to_be_visible()
        assert faults(clean_page, path.partition("?")[0]) == []


def test_a_delegation_is_given_by_keyboard_and_ended(site: LiveServer, clean_page: Page) -> None:
    ana, erin = person("ana"), person("erin", "engineer")
    sign_in(clean_page.context, site.url, ana)
    clean_page.goto(f"{site.url}/delegations")
    clean_page.get_by_label("Who signs for you").select_option(label=str(erin))
    for label, days in (("From", 0), ("Until", 3)):
        clean_page.get_by_label(label).fill((timezone.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M"))
    clean_page.get_by_label("Why").fill("Holiday")
    clean_page.get_by_label("Why").press("Enter")
    expect(clean_page.get_by_text("erin may sign for you in that time.")).to_be_visible()
    clean_page.get_by_role("button", name="End: erin signs for ana").click()
    expect(clean_page.get_by_text("The delegation has ended.")).to_be_visible()
    assert Delegation.objects.get().revoked_at
