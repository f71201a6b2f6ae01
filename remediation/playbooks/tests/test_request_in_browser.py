"""The pull request on the pages of its ticket, in a browser: readable everywhere, and its button does what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.jobs.testing import drain
from portal.kit.actors import system
from portal.kit.testing.browser import faults, sign_in
from remediation.playbooks.repository import requests
from remediation.playbooks.repository.testing import Bare, remote
from remediation.playbooks.tests.requesting import content, proven
from remediation.review import testing as review

pytestmark = pytest.mark.browser


def test_a_reviewer_reads_the_request_and_has_the_repository_looked_at(
    site: LiveServer, clean_page: Page, tmp_path: Path, settings: Any
) -> None:
    review.world()
    cast = review.people()
    remediation = proven(cast)
    bare = Bare(tmp_path / "roles.git")
    settings.ROLE_REPOSITORY = remote(str(bare.path))
    with transaction.atomic():
        requests.open_for(remediation, content=content(), actor=system("execution"), at=timezone.now())
    drain("general")
    sign_in(clean_page.context, site.url, cast["reviewer"])
    clean_page.goto(f"{site.url}/tickets/{remediation.ticket.key}")
    panel = clean_page.get_by_role("region", name="Pull request")
    expect(panel).to_contain_text("A person merges it as it is. Nothing here can.")
    panel.get_by_text("Merge it by hand").click()
    panel.get_by_text("Checklist").click()
    expect(panel).to_contain_text(f"git merge --no-ff origin/ai/remediation-{remediation.pk}")
    expect(panel).to_contain_text("Idempotency proven")
    clean_page.evaluate("scrollTo(0, 0)")
    assert faults(clean_page, "pull-request") == []
    bare.merge(f"ai/remediation-{remediation.pk}")
    panel.get_by_role("button", name="Check now").click()
    expect(clean_page.get_by_text("A worker looks at the role repository.")).to_be_visible()
    drain("general")
    clean_page.goto(f"{site.url}/tickets/{remediation.ticket.key}")
    expect(panel).to_contain_text("Merged by Petra")
