"""The review of a role in a real browser: read, commented on, edited with findings at the line; without scripts too."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.access.models import Person
from portal.kit.testing.browser import PHONE, CleanPage, faults, press, scrolls_sideways, serious, sign_in
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Revision
from remediation.drafting.states import Status
from remediation.playbooks.states import ProofStatus
from remediation.review import testing as review
from remediation.review.models import GateResult
from remediation.review.tests.rolework import DEFAULTS, MAIN, draft, files, proof, proven

pytestmark = pytest.mark.browser
TALL = 20_000
"""A screen on which the bar at the bottom lies over nothing."""


@pytest.fixture
def cast(site: LiveServer) -> dict[str, Person]:
    """People of every role, and INC-1 with a role under review, in which a gate found something."""
    review.world()
    cast = review.people()
    revision = review.drafted(review.ticket(cast["engineer"]), draft())
    with transaction.atomic():
        remediations.move(revision.remediation, Status.IN_REVIEW, actor=cast["engineer"].at("job"), at=timezone.now())
    found = [{"place": f"role/{MAIN}:12", "text": "The owner is missing.", "mend": "Add owner: root."}]
    GateResult.objects.create(
        revision=revision,
        gate="role",
        ruleset="1",
        has_passed=False,
        input_digest="d",
        findings=found,
        at=timezone.now(),
    )
    return cast


def role_of(number: int) -> dict[str, str]:
    part = schema.from_text(Revision.objects.get(number=number).content).role
    assert part
    return {file.path: file.text for file in part.files}


def test_a_role_is_read_and_a_line_is_commented_on(site: LiveServer, cast: dict[str, Person], clean_page: Page) -> None:
    page = clean_page
    sign_in(page.context, site.url, cast["approver"])
    page.goto(f"{site.url}/tickets/INC-1/review")
    expect(page.get_by_role("heading", name="What a senior asks")).to_be_visible()
    assert faults(page, "role", height=TALL) == []
    page.get_by_role("link", name="Comment on lines").click()
    page.get_by_role("button", name=f"Comment on {MAIN} line 10", exact=True).click()
    page.get_by_role("textbox", name=f"Comment on {MAIN} line 10").fill("Why 500M?")
    assert faults(page, "role-comment", height=TALL) == []
    page.get_by_role("button", name="Only comment").click()
    expect(page.get_by_text("Your comments stand at their lines")).to_be_visible()
    expect(page.locator(f'[id="file-{MAIN}"]').get_by_text("Why 500M?")).to_be_visible()


def test_a_proof_is_shown_task_by_task(site: LiveServer, cast: dict[str, Person], clean_page: Page) -> None:
    page, failed = clean_page, proof(again="changed")
    says = "It does not converge."
    proven(Revision.objects.get(), failed, ProofStatus.FAILED, maker=cast["engineer"], says=says)
    sign_in(page.context, site.url, cast["approver"])
    page.goto(f"{site.url}/tickets/INC-1/review")
    shown = page.locator("#proof")
    expect(shown.get_by_text("Append a line").first).to_be_visible()
    expect(shown.get_by_text("breaks here")).to_have_count(1)
    assert faults(page, "proof", height=TALL) == []


def test_the_editor_shows_findings_at_the_line_and_saves_a_revision(
    site: LiveServer, cast: dict[str, Person], clean_page: Page
) -> None:
    page = clean_page
    sign_in(page.context, site.url, cast["reviewer"])
    page.goto(f"{site.url}/tickets/INC-1/review/edit")
    expect(page.get_by_text("The static gate found nothing.")).to_be_visible()
    editor = page.get_by_role("textbox", name=MAIN)
    editor.click()
    press(page, "Control+End")
    page.keyboard.insert_text("\n- name: Look\n  ansible.builtin.shell: ls\n")
    expect(page.get_by_text("The static gate found", exact=False)).to_contain_text("thing")
    expect(page.locator(".cm-lint-marker-error").first).to_be_visible()
    press(page, "F8")
    expect(page.locator(".cm-tooltip-lint, .cm-tooltip").first).to_be_visible()
    assert faults(page, "role-edit", height=TALL) == []
    press(page, "Control+a", "x")
    expect(editor).to_have_text("x")
    press(page, "Control+a", "Delete")
    page.keyboard.insert_text(files()[MAIN].replace("Limit the size of the journal", "Cap the journal"))
    expect(page.get_by_text("The static gate found nothing.")).to_be_visible()
    page.get_by_role("button", name="Compare with the drafter's").first.click()
    expect(page.locator(".cm-deletedChunk").first).to_be_visible()
    assert serious(page) == []
    page.get_by_role("button", name="Save as a new revision").click()
    expect(page.get_by_text("Saved. The new revision is being checked.")).to_be_visible()
    assert role_of(2) == files() | {MAIN: files()[MAIN].replace("Limit the size of the journal", "Cap the journal")}


def test_tab_leaves_the_editor_and_a_phone_has_room_for_it(
    site: LiveServer, cast: dict[str, Person], clean_page: Page
) -> None:
    page = clean_page
    page.set_viewport_size(PHONE)
    sign_in(page.context, site.url, cast["reviewer"])
    page.goto(f"{site.url}/tickets/INC-1/review/edit")
    page.get_by_role("textbox", name=MAIN).focus()
    expect(page.get_by_role("textbox", name=MAIN)).to_be_focused()
    press(page, "Tab")
    expect(page.get_by_role("textbox", name=MAIN)).not_to_be_focused()
    assert not scrolls_sideways(page)


def test_without_scripts_the_same_page_has_text_areas(
    site: LiveServer, cast: dict[str, Person], browser: Browser, watched: CleanPage
) -> None:
    context = browser.new_context(java_script_enabled=False)
    sign_in(context, site.url, cast["reviewer"])
    page = context.new_page()
    page.goto(f"{site.url}/tickets/INC-1/review/edit")
    days = page.get_by_role("textbox", name=DEFAULTS)
    days.fill(files()[DEFAULTS].replace("maxage_days: 14", "maxage_days: 7"))
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("Nothing is saved yet.")).to_be_visible()
    page.get_by_role("button", name="Save as a new revision").click()
    expect(page.get_by_text("Saved. The new revision is being checked.")).to_be_visible()
    assert "maxage_days: 7" in role_of(2)[DEFAULTS]
    page.goto(f"{site.url}/tickets/INC-1/review")
    expect(page.get_by_text("Against what the drafter wrote +")).to_be_visible()
    context.close()
