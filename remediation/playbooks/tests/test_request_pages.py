"""What people and programs see of a pull request, and the two things they may ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.access.models import Person
from portal.access.testing import caller
from portal.jobs.testing import drain
from portal.kit.actors import system
from remediation.drafting.models import Remediation
from remediation.playbooks.repository import requests
from remediation.playbooks.repository.models import PullRequest
from remediation.playbooks.repository.testing import Bare, remote
from remediation.playbooks.tests.requesting import content, proven

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Bare:
    """The role repository in a folder of this host."""
    bare = Bare(tmp_path / "roles.git")
    settings.ROLE_REPOSITORY = remote(str(bare.path))
    return bare


@pytest.fixture
def remediation(cast: dict[str, Person]) -> Remediation:
    return proven(cast)


def asked(remediation: Remediation) -> PullRequest:
    return requests.open_for(remediation, content=content(), actor=system("execution"), at=timezone.now())


def again() -> PullRequest:
    """What the general cluster makes of it, and how the newest request stands then."""
    drain("general")
    return PullRequest.objects.latest("number")


def as_(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_the_page_says_where_the_request_stands_and_lets_reviewers_act(
    home: Bare, remediation: Remediation, cast: dict[str, Person]
) -> None:
    ticket = f"/tickets/{remediation.ticket.key}"
    assert "Pull request" not in as_(cast["reviewer"]).get(ticket).content.decode()
    home.hook("pre-receive", "echo 'Not today.' >&2; exit 1")
    asked(remediation)
    again()
    page = as_(cast["reviewer"]).get(ticket).content.decode()
    for words in ("Pull request", "Not opened", "Not today.", "Ask again", "Idempotency proven"):
        assert words in page
    assert "Ask again" not in as_(cast["engineer"]).get(ticket).content.decode()
    assert as_(cast["engineer"]).post(f"{ticket}/request/again").status_code == 403
    (home.path / "hooks" / "pre-receive").unlink()
    assert as_(cast["reviewer"]).post(f"{ticket}/request/again").status_code == 302
    again()
    page = as_(cast["reviewer"]).get(ticket).content.decode()
    for words in (f"git merge --no-ff origin/ai/remediation-{remediation.pk}", "Check now", "Last checked"):
        assert words in page
    home.merge(again().branch)
    assert as_(cast["reviewer"]).post(f"{ticket}/request/look").status_code == 302
    again()
    page = as_(cast["reviewer"]).get(ticket).content.decode()
    assert "Merged by Petra" in page
    assert "git merge" not in page
    assert as_(cast["reviewer"]).post(f"{ticket}/request/again").status_code == 409


def test_the_api_says_the_same(home: Bare, remediation: Remediation, cast: dict[str, Person]) -> None:
    address = f"/api/v1/tickets/{remediation.ticket.key}/pull-request"
    reviewer, engineer = caller(cast["reviewer"]), caller(cast["engineer"])
    assert reviewer.get(address).status_code == 404
    request = asked(remediation)
    again()
    shown = engineer.get(address).json()
    assert (shown["status"], shown["role"], shown["role_digest"]) == ("open", "log_cap", request.role_digest)
    assert shown["branch"] == f"ai/remediation-{remediation.pk}"
    assert engineer.post(f"{address}/look").status_code == 403
    home.merge(shown["branch"])
    assert reviewer.post(f"{address}/look").status_code == 202
    again()
    shown = engineer.get(address).json()
    assert (shown["status"], shown["merged_by"], shown["has_diverged"]) == ("merged", "Petra", False)
    assert reviewer.post(f"{address}/again").status_code == 409


def test_no_page_asks_git(home: Bare, remediation: Remediation, cast: dict[str, Person]) -> None:
    asked(remediation)
    again()
    home.path.rename(home.path.with_name("away.git"))
    assert as_(cast["reviewer"]).get(f"/tickets/{remediation.ticket.key}").status_code == 200
