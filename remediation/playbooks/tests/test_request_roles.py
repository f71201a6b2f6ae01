"""Law 5 around the role repository: each process does its part of a request with its own database role, and no more."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import transaction
from django.utils import timezone

from portal.jobs.kinds import plant
from portal.kit.actors import system
from portal.launch import vault
from remediation.playbooks.repository import following, opening, requests
from remediation.playbooks.repository.models import PullRequest
from remediation.playbooks.repository.testing import Bare, remote
from remediation.playbooks.tests.requesting import content, proven
from remediation.review import testing as review

RunningAs = Callable[[str], AbstractContextManager[None]]
AsRole = Callable[[str], AbstractContextManager[psycopg.Connection]]


@pytest.mark.usefixtures("committed_db")
def test_execution_asks_general_carries_and_web_looks(
    tmp_path: Path, settings: Any, running_as: RunningAs, as_role: AsRole
) -> None:
    plant()
    review.world()
    cast = review.people()
    remediation = proven(cast)
    bare = Bare(tmp_path / "roles.git")
    settings.ROLE_REPOSITORY = remote(str(bare.path))
    with running_as("execution"), transaction.atomic():
        request = requests.open_for(remediation, content=content(), actor=system("execution"), at=timezone.now())
    with running_as("general"):
        assert opening.open_request(request.pk, at=timezone.now()).startswith("Opened")
        bare.remove(PullRequest.objects.get().branch)
        following.follow(at=timezone.now())
        assert PullRequest.objects.get().status == "closed"
    with running_as("web"):
        requests.look_now(remediation.pk, person=cast["reviewer"], door="page", at=timezone.now())
        request = requests.ask_again(remediation.pk, person=cast["reviewer"], door="page", at=timezone.now())
    with running_as("general"):
        assert opening.open_request(request.pk, at=timezone.now()).startswith("Opened")
        bare.merge(PullRequest.objects.get(number=2).branch)
        assert following.follow(at=timezone.now()) == "Looked at 1 requests."
        assert PullRequest.objects.get(number=2).status == "merged"
    for process in ("web", "drafting", "probe", "execution"):
        with as_role(process) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE playbooks_pullrequest SET merged_digest = role_digest")
    with running_as("probe"), transaction.atomic():
        assert requests.take_back(remediation, reason="x", actor=system("probe"), at=timezone.now()) is None


def test_only_the_general_cluster_may_hold_the_forges_credential() -> None:
    environment = {"FORGE_KEY": "/run/secrets/forge", "FORGE_TOKEN": "x"}
    assert vault.foreign("general", environment) == []
    for process in ("web", "drafting", "probe", "execution", "lab"):
        assert vault.foreign(process, environment) == ["FORGE_KEY", "FORGE_TOKEN"]
