"""The waves of a run in a real browser: what is watched with its readings, followed live, readable for everybody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.access.models import Person
from portal.access.testing import person
from portal.estate.models import Service, Signal
from portal.jobs.testing import drain
from portal.kit.testing.browser import PHONE, CleanPage, scrolls_sideways, serious, sign_in
from remediation.connectors.testing import LabProcess
from remediation.execution.testing import Signed
from remediation.execution.tests.staging import TARGETS, drive, staged

pytestmark = pytest.mark.browser


def apart() -> Signed:
    """A signed plan in waves, made in a thread of its own: Playwright keeps an event loop in this one."""

    def make() -> Signed:
        try:
            return staged()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(make).result()


def test_what_is_watched_is_followed_until_it_does_not_hold(
    site: LiveServer, workers: LabProcess, clean_page: Page
) -> None:
    made, at = apart(), timezone.now()
    drain("execution")
    sign_in(clean_page.context, site.url, made.operator)
    clean_page.goto(f"{site.url}/tickets/{made.ticket.key}/run")
    waves = clean_page.get_by_role("region", name="Waves")
    expect(waves.get_by_text("The targets stay locked.")).to_be_visible()
    expect(waves.get_by_role("heading", name="payments: Room, every reading")).to_be_visible()
    assert serious(clean_page) == []
    clean_page.set_viewport_size(PHONE)
    assert not scrolls_sideways(clean_page)
    workers.change(TARGETS[1], "datastore_free_percent", 12)
    drive(made, at + timedelta(minutes=2))
    expect(waves.get_by_text("Rolled back", exact=True)).to_be_visible()
    expect(waves.get_by_text("The targets stay locked.")).to_have_count(0)
    assert serious(clean_page) == []


def test_a_policy_admin_declares_what_is_watched(site: LiveServer, watched: CleanPage) -> None:
    page = watched.page
    petra = person("petra", "policy admin")
    Person.objects.filter(pk=petra.pk).update(is_staff=True)
    service = Service.objects.create(slug="mail", name="Mail")
    sign_in(page.context, site.url, petra)
    page.goto(f"{site.url}/admin/estate/service/{service.pk}/change/")
    page.get_by_role("button", name="Add another Signal").click()
    signal = page.locator("#signals-0")
    signal.get_by_label("Name:").fill("Errors")
    signal.get_by_label("About:").select_option("Error rate")
    signal.get_by_label("Kind:").select_option("Prometheus query")
    signal.get_by_label("Query:").fill("sum(rate(errors[5m])")
    signal.get_by_label("Is well at:").select_option("at most")
    signal.get_by_label("Threshold:").fill("0.5")
    assert watched.errors == []
    assert serious(page) == []
    watched.errors.clear()  # axe itself tries inline styles on these forms
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("A ( is not closed.")).to_be_visible()
    signal.get_by_label("Query:").fill("sum(rate(errors[5m]))")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert [(each.name, each.about) for each in Signal.objects.all()] == [("Errors", "error_rate")]
    assert watched.errors == []
