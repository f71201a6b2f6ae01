"""A role from its draft to its proof: what the gates stop, what the canary shows, what follows from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.access.models import Person
from portal.estate.models import TargetLock
from portal.jobs.testing import drain
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus, Stage
from remediation.connectors import seed
from remediation.connectors.testing import LabProcess
from remediation.drafting.states import Status
from remediation.execution.testing_roles import ROLE, lab_hosts, merged, role_draft
from remediation.playbooks import prooftext
from remediation.playbooks.models import PlayEvent, Proof
from remediation.playbooks.states import ProofStatus
from remediation.review import plans
from remediation.review import testing as review
from remediation.review.models import GateResult

QUARREL = """
# REVIEW: only root reads it
- name: Keep the settings from others
  ansible.builtin.file:
    path: /etc/logrotate.conf
    mode: "0600"

# REVIEW: everybody reads it
- name: Let others read the settings
  ansible.builtin.file:
    path: /etc/logrotate.conf
    mode: "0644"
"""
pytestmark = pytest.mark.django_db


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> dict[str, Path]:
    return lab_hosts(tmp_path, monkeypatch, settings)


@pytest.fixture
def cast(workers: LabProcess, db: None) -> dict[str, Person]:
    review.world()
    seed.load(timezone.now())
    return review.people()


def test_a_signed_role_is_proven_on_its_canary_and_waits_for_its_rollout(
    cast: dict[str, Person], hosts: dict[str, Path]
) -> None:
    made = merged(role_draft(), cast=cast)
    assert made.remediation.status == Status.APPROVED_FOR_MERGE
    assert not Plan.objects.filter(stage=Stage.ROLLOUT).exists()

    drain("execution")
    drain("probe")

    proof = Proof.objects.get()
    assert (proof.status, proof.says) == (ProofStatus.HELD, "Proven on log-ship-1.")
    assert prooftext.read(proof.text).digest == proof.digest
    assert made.remediation.status == Status.PROVEN
    rollout = Plan.objects.get(stage=Stage.ROLLOUT)
    content = plans.read(rollout.content)
    assert content.proof == proof.digest
    assert content.role is not None
    assert content.role.digest == proof.role
    assert rollout.status == PlanStatus.OPEN
    assert not TargetLock.objects.filter(released_at=None).exists()
    assert PlayEvent.objects.filter(part__startswith="Second run", status="ok").exists()
    assert "maxage" not in (hosts["log-ship-1"] / "etc/logrotate.conf").read_text()
    syntax, lint = GateResult.objects.filter(gate__startswith="role ").order_by("gate")[0:2][::-1]
    assert "ansible-core" in syntax.ruleset
    assert "ansible-lint" in lint.ruleset


def test_a_role_that_does_not_converge_comes_back_to_review_with_its_task_named(
    cast: dict[str, Person], hosts: dict[str, Path]
) -> None:
    files = ROLE | {"tasks/main.yml": ROLE["tasks/main.yml"] + QUARREL}
    made = merged(role_draft(files), cast=cast)
    drain("execution")
    drain("probe")
    assert "“Keep the settings from others” (tasks/main.yml:11) would change again" in Proof.objects.get().says
    assert hosts
    assert made.remediation.status == Status.IN_REVIEW
    assert made.remediation.status_reason.startswith("The proof failed. ")
