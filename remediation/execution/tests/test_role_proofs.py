"""A role from its draft to its proof: what the gates stop, what the canary shows, what follows from it."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portal.access.models import Person
from portal.access.testing import caller
from portal.audit import services as audit
from portal.audit.models import Event
from portal.estate.models import Target, TargetLock
from portal.jobs.testing import drain
from portal.notices.models import Notice
from portal.signoff import brakes
from portal.signoff.models import Plan, Stop, Vote
from portal.signoff.states import PlanStatus, Stage
from remediation.connectors import seed
from remediation.connectors.testing import LabProcess
from remediation.desk.testing import V1
from remediation.drafting.states import Status
from remediation.execution import proving
from remediation.execution import services as runs
from remediation.execution.models import Run
from remediation.execution.states import RunStatus
from remediation.execution.testing import Signed
from remediation.execution.testing_roles import ROLE, lab_hosts, merged, role_draft, sign
from remediation.playbooks import book, proofs, prooftext
from remediation.playbooks.models import Play, PlayEvent, Proof
from remediation.playbooks.repository import following
from remediation.playbooks.repository.models import PullRequest
from remediation.playbooks.repository.states import RequestStatus
from remediation.playbooks.repository.testing import Bare, remote
from remediation.playbooks.shapes import Kind, Outcome, TaskResult
from remediation.playbooks.states import ProofStatus
from remediation.policy.models import CategoryPolicy
from remediation.review import plans
from remediation.review import testing as review
from remediation.review.models import GateResult
from remediation.review.tests import rolework
from remediation.tickets.states import TicketStatus
from remediation.wayback.models import Taken

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
PLAYS_OFTEN = pytest.mark.skipif(os.environ.get("TEST_HOSTS") != "all", reason="make test-hosts plays all of them")
pytestmark = pytest.mark.django_db


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> dict[str, Path]:
    return lab_hosts(tmp_path, monkeypatch, settings)


@pytest.fixture
def cast(workers: LabProcess, db: None) -> dict[str, Person]:
    review.world()
    seed.load(timezone.now())
    return review.people()


@pytest.fixture
def home(tmp_path: Path, settings: Settings) -> Bare:
    bare = Bare(tmp_path / "roles.git")
    settings.ROLE_REPOSITORY = remote(str(bare.path))
    return bare


def test_a_role_goes_from_its_signature_over_proof_and_merge_to_its_run(
    cast: dict[str, Person], hosts: dict[str, Path], home: Bare
) -> None:
    made = merged(role_draft(), cast=cast)
    assert made.remediation.status == Status.APPROVED_FOR_MERGE
    assert not Plan.objects.filter(stage=Stage.ROLLOUT).exists()
    settled(hosts, made)

    assert made.remediation.status == Status.PROVEN
    rollout = sign(made.remediation, Stage.ROLLOUT, cast["approver"])
    drain("execution")
    assert rollout.status == PlanStatus.OPEN
    assert "a person merges it" in str(audit.body_of(Event.objects.filter(kind="run.held").latest("id")))
    assert "maxage" not in (hosts["log-ship-1"] / "etc/logrotate.conf").read_text()

    home.merge(PullRequest.objects.get().branch)
    following.follow(at=timezone.now())
    drain("general")
    drain("execution")
    run = Run.objects.get()
    assert run.status == RunStatus.SUCCEEDED
    assert (hosts["log-ship-1"] / "etc/logrotate.conf").read_text().startswith("maxage 14\n")
    assert review.remediation_of(made.ticket).ticket.status == TicketStatus.RESOLVED
    assert Play.objects.get().says == "Applied; a second run changed nothing."


def settled(hosts: dict[str, Path], made: Signed) -> None:
    """The proof is made, kept and told; the canary is as it was; the pull request is open."""
    drain("execution")
    drain("probe")
    drain("general")
    proof = Proof.objects.get()
    assert (proof.status, proof.says) == (ProofStatus.HELD, "Proven on log-ship-1.")
    assert prooftext.read(proof.text).digest == proof.digest
    content = plans.read(Plan.objects.get(stage=Stage.ROLLOUT).content)
    assert content.proof == proof.digest
    assert content.role is not None
    assert content.role.digest == proof.role
    assert not TargetLock.objects.filter(released_at=None).exists()
    assert PlayEvent.objects.filter(part__startswith="Second run", status="ok").exists()
    assert "maxage" not in (hosts["log-ship-1"] / "etc/logrotate.conf").read_text()
    versions = dict(GateResult.objects.filter(gate__startswith="role ").values_list("gate", "ruleset"))
    assert "ansible-core" in versions["role syntax"]
    assert "ansible-lint" in versions["role lint"]
    way_back = Taken.objects.get()
    assert (way_back.operation, way_back.has_worked, way_back.is_rehearsal) == ("apply_role", True, True)
    assert way_back.playbook == proof.role
    assert PullRequest.objects.get(remediation=made.remediation).status == RequestStatus.OPEN


@PLAYS_OFTEN
def test_a_role_that_does_not_converge_comes_back_to_review_with_its_task_named(
    cast: dict[str, Person], hosts: dict[str, Path]
) -> None:
    files = ROLE | {"tasks/main.yml": ROLE["tasks/main.yml"] + QUARREL}
    made = merged(role_draft(files), cast=cast)
    drain("execution")
    drain("probe")
    assert (
        "“Keep the settings from others” (tasks/main.yml:11) would change something again" in Proof.objects.get().says
    )
    assert hosts
    assert made.remediation.status == Status.IN_REVIEW
    assert made.remediation.status_reason.startswith("The proof failed. ")


def test_a_proof_that_could_not_be_made_is_asked_for_again_by_page_and_api(
    cast: dict[str, Person], hosts: dict[str, Path], settings: Settings, client: Client
) -> None:
    settings.AUTO_REMEDIATION_ENABLED = "false"
    made = merged(role_draft(), cast=cast)
    drain("execution", "probe")
    off = "Auto-remediation is switched off for this site, so workers execute nothing."
    assert Proof.objects.get().says == off
    assert made.remediation.status == Status.APPROVED_FOR_MERGE

    client.force_login(cast["reviewer"])
    page = client.get(f"/tickets/{made.ticket.key}/review").content.decode()
    assert off in page
    assert "Prove it again" in page
    an_expired_signature_proves_nothing(made, client)
    brakes.engage(scope="all", reason="A fire.", person=cast["operator"], door="page", at=timezone.now())
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    assert client.post(f"/tickets/{made.ticket.key}/review/prove").status_code == 302
    drain("execution", "probe")
    assert "A fire." in Proof.objects.latest("id").says

    answer = caller(cast["operator"]).post(f"{V1}/tickets/{made.ticket.key}/proofs")
    assert answer.status_code == 202, answer.content
    assert Proof.objects.latest("id").is_open
    again = caller(cast["operator"]).post(f"{V1}/tickets/{made.ticket.key}/proofs")
    assert (again.status_code, again.json()["errors"][0]["code"]) == (409, "under_way")
    shown = client.get(f"/tickets/{made.ticket.key}/review").content.decode()
    assert "Waits for a worker" in shown
    assert "Prove it again" not in shown
    assert hosts
    assert not PlayEvent.objects.exists()
    Stop.objects.update(released_at=timezone.now())
    whoever_waits_is_told_for_whom(made, client)
    a_worker_that_was_lost_takes_back_what_it_may(made, settings)
    what_is_no_longer_true_is_not_proven(made)


def an_expired_signature_proves_nothing(made: Signed, client: Client) -> None:
    """The signature of a merge plan stands for ever where its proof is not made; what it allows does not."""
    votes = Vote.objects.filter(plan=made.plan)
    expires_at = votes.get().expires_at
    votes.update(expires_at=timezone.now())
    shown = client.get(f"/tickets/{made.ticket.key}/review").text
    assert "A signature on it expired. Ask for a fresh plan and sign that." in shown
    assert "Prove it again" not in shown
    refused = caller(made.cast["operator"]).post(f"{V1}/tickets/{made.ticket.key}/proofs")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "expired")
    votes.update(expires_at=expires_at)


def test_of_many_differences_people_are_told_the_first_and_how_many_there_are() -> None:
    """A folder has up to thousands of files, and each that differs is a reason of its own."""
    words = proving.told(replace(rolework.proof(), reasons=tuple(f"{n} differs." for n in range(20)), remains=("z",)))
    assert words.startswith("0 differs. 1 differs.")
    assert words.endswith("7 differs. And 13 more.")


def whoever_waits_is_told_for_whom(made: Signed, client: Client) -> None:
    lock = TargetLock.objects.create(
        target=Target.objects.get(identity="hosts:log-ship-1"), run_id=1, ticket_key="INC-9", taken_at=timezone.now()
    )
    drain("execution")
    assert "hosts:log-ship-1 is held by the run of INC-9." in client.get(f"/tickets/{made.ticket.key}/review").text
    lock.delete()


def a_worker_that_was_lost_takes_back_what_it_may(made: Signed, settings: Settings) -> None:
    """What was never applied is not taken back, and switched off workers play nothing: people are told instead."""
    at = timezone.now() + timedelta(minutes=1)
    Proof.objects.filter(status=ProofStatus.ASKED).update(status=ProofStatus.UNDER_WAY, fence=1)
    drain("execution", "probe", at=at)
    assert "Nothing had been applied to log-ship-1." in Proof.objects.latest("id").says
    caller(made.cast["operator"]).post(f"{V1}/tickets/{made.ticket.key}/proofs")
    proof = Proof.objects.latest("id")
    Proof.objects.filter(pk=proof.pk).update(status=ProofStatus.UNDER_WAY, fence=1)
    told = TaskResult(Kind.APPLY, proof.host, "Limit the age", "m", "tasks/main.yml", 3, Outcome.CHANGED)
    book.tell(proofs.key_of(proof), told, part="Apply")
    settings.AUTO_REMEDIATION_ENABLED = "false"
    drain("execution", "probe", at=at)
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    proof.refresh_from_db()
    assert "so workers execute nothing. The back-out was not played." in proof.says
    assert Notice.objects.filter(message__kind="partial", person=made.cast["operator"]).exists()
    after = Proof(pk=proof.pk + 2, role="f" * 64, host=proof.host, revision=proof.revision)
    assert proofs.left_by(after) == proof, "also when its role has been changed since"
    tried = Proof.objects.create(
        pk=proof.pk + 1, plan=proof.plan, revision=proof.revision, role=after.role, host=proof.host, fence=1,
        status_at=at, asked_at=at,
    )  # fmt: skip
    Proof.objects.filter(pk=tried.pk).update(status=ProofStatus.INCONCLUSIVE)
    book.tell(proofs.key_of(tried), replace(told, kind=Kind.BACK_OUT, outcome=Outcome.FAILED))
    assert proofs.left_by(after) is None, "a way back that fails is not tried before every proof"
    tried.delete()
    PlayEvent.objects.all().delete()


def what_is_no_longer_true_is_not_proven(made: Signed) -> None:
    caller(made.cast["operator"]).post(f"{V1}/tickets/{made.ticket.key}/proofs")
    CategoryPolicy.objects.update(plan_valid_minutes=7)
    drain("execution")
    assert "minutes a signature counts" in Proof.objects.latest("id").says
    assert made.remediation.status == Status.IN_REVIEW
    assert not PlayEvent.objects.exists()


@PLAYS_OFTEN
def test_what_was_done_before_a_host_failed_is_taken_back_and_what_was_there_before_stays(
    cast: dict[str, Person], hosts: dict[str, Path], home: Bare, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_of = {name: path / "etc/logrotate.conf" for name, path in hosts.items()}
    before = settings_of["log-ship-1"].read_text()
    there_already = f"maxage 14\n{before}"
    settings_of["log-ship-2"].write_text(there_already)
    made = merged(role_draft(hosts=("log-ship-1", "log-ship-2", "log-ship-3")), cast=cast)
    drain("execution", "probe", "general")
    home.merge(PullRequest.objects.get().branch)
    following.follow(at=timezone.now())
    sign(made.remediation, Stage.ROLLOUT, cast["approver"])
    tell = book.tell

    def tell_and_break(source: str, event: TaskResult, *, part: str = "") -> None:
        tell(source, event, part=part)
        settings_of["log-ship-3"].unlink(missing_ok=True)

    monkeypatch.setattr(book, "tell", tell_and_break)
    drain("execution")
    run = Run.objects.get()
    assert run.status == RunStatus.ROLLED_BACK
    assert list(run.steps.values_list("status", flat=True)) == ["rolled_back", "rolled_back", "failed"]
    assert [settings_of[f"log-ship-{number}"].read_text() for number in (1, 2)] == [before, there_already]
    assert [(play.host, play.kind, play.says) for play in Play.objects.order_by("-id")[:2]] == [
        ("log-ship-1", "back_out", "Taken back."),
        ("log-ship-2", "back_out", "The role changed nothing here, so nothing is taken back."),
    ]


@PLAYS_OFTEN
def test_a_host_that_is_not_as_proven_returns_the_plan_to_review_before_anything_is_played(
    cast: dict[str, Person], hosts: dict[str, Path], home: Bare
) -> None:
    made = merged(role_draft(hosts=("log-ship-1", "log-ship-2")), cast=cast)
    drain("execution", "probe", "general")
    home.merge(PullRequest.objects.get().branch)
    following.follow(at=timezone.now())
    (hosts["log-ship-2"] / "etc/logrotate.conf").unlink()
    sign(made.remediation, Stage.ROLLOUT, cast["approver"])
    drain("execution")
    assert not Run.objects.exists()
    assert not Play.objects.exists()
    assert made.remediation.status == Status.IN_REVIEW
    assert "Step 2: the pre-flight on the target was seen by nobody" in made.remediation.status_reason


@PLAYS_OFTEN
def test_a_stop_in_the_middle_of_a_play_ends_it_and_its_way_back_is_released(
    cast: dict[str, Person], hosts: dict[str, Path], home: Bare, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (hosts["log-ship-1"] / "etc/logrotate.conf").read_text()
    made = merged(role_draft(), cast=cast)
    drain("execution", "probe", "general")
    home.merge(PullRequest.objects.get().branch)
    following.follow(at=timezone.now())
    sign(made.remediation, Stage.ROLLOUT, cast["approver"])
    tell = book.tell

    def tell_and_stop(source: str, event: TaskResult, *, part: str = "") -> None:
        tell(source, event, part=part)
        if event.outcome is Outcome.CHANGED and not brakes.is_any_live():
            brakes.engage(scope="all", reason="A fire.", person=cast["operator"], door="page", at=timezone.now())

    monkeypatch.setattr(book, "tell", tell_and_stop)
    drain("execution")
    run = Run.objects.get()
    assert Play.objects.get().status == "failed"
    assert run.status != RunStatus.SUCCEEDED
    runs.roll_back(run.pk, person=cast["operator"], door="page", at=timezone.now())
    drain("execution")
    assert Run.objects.get().status == RunStatus.ROLLED_BACK
    assert (hosts["log-ship-1"] / "etc/logrotate.conf").read_text() == before
