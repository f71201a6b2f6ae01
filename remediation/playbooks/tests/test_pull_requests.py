"""The way of a proven role into the role repository: against git's own server, with what goes wrong there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from django.utils import timezone

from portal.access.models import Person
from portal.audit.models import Event
from portal.jobs.models import Job
from portal.jobs.testing import drain, eventually
from portal.kit.actors import system
from portal.kit.refusals import NotAllowed, Refused, StaleTransition
from portal.notices.models import Notice
from remediation.drafting import roles
from remediation.drafting.models import Remediation
from remediation.drafting.states import Status
from remediation.playbooks.repository import requests
from remediation.playbooks.repository.models import PullRequest
from remediation.playbooks.repository.testing import Bare, Network, remote
from remediation.playbooks.tests.requesting import content, proven

pytestmark = pytest.mark.django_db

ACTOR = system("execution")


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    return Bare(tmp_path / "roles.git")


@pytest.fixture
def network(bare: Bare, settings: Any) -> Iterator[Network]:
    """The role repository behind git's own server, and a network between the two that can fail."""
    network = Network(bare.path.parent)
    settings.ROLE_REPOSITORY = remote(f"git://127.0.0.1:{network.port}/roles.git")
    yield network
    network.close()


@pytest.fixture
def home(bare: Bare, settings: Any) -> Bare:
    """The role repository in a folder of this host."""
    settings.ROLE_REPOSITORY = remote(str(bare.path))
    return bare


@pytest.fixture
def remediation(cast: dict[str, Person]) -> Remediation:
    return proven(cast)


def asked(remediation: Remediation, **changes: Any) -> PullRequest:
    return requests.open_for(remediation, content=content(**changes), actor=ACTOR, at=timezone.now())


def again(at: datetime | None = None) -> PullRequest:
    """What the general cluster makes of it, and how the newest request stands then."""
    drain("general", at=at)
    return PullRequest.objects.latest("number")


def looked() -> PullRequest:
    """One look at the role repository."""
    from remediation.playbooks.repository import following

    following.follow(at=timezone.now())
    return PullRequest.objects.latest("number")


def test_a_proven_role_becomes_a_branch_with_its_evidence_and_nothing_else_changes(
    network: Network, bare: Bare, remediation: Remediation
) -> None:
    main = bare.branches()["main"]
    asked(remediation)
    request = again()
    assert (request.status, request.branch) == ("open", f"ai/remediation-{remediation.pk}")
    assert bare.branches() == {"main": main, request.branch: request.head_commit}
    files, folder = bare.files(request.branch), f"roles/generated/{remediation.pk}"
    role = {path.removeprefix(f"{folder}/log_cap/"): text for path, text in files.items() if "/log_cap/" in path}
    assert role == dict(content().files)
    assert roles.digest_of("log_cap", role) == request.role_digest
    assert set(files) - {f"{folder}/log_cap/{path}" for path in role} == {
        "README.md",
        *(f"{folder}/{name}" for name in ("README.md", "play.yml", "proof.txt", "scope.yml")),
    }
    readme = files[f"{folder}/README.md"]
    for words in ("Idempotency proven", "Confirmed by Rita", "Blast radius documented", "E1: ", "ansible-lint"):
        assert words in readme
    assert files[f"{folder}/proof.txt"] == content().proof_text
    assert "Reviewed-by: Rita <rita>" in bare.message(request.branch)


def test_whoever_made_or_signed_the_role_is_told_that_it_waits_to_be_merged(
    home: Bare, remediation: Remediation, cast: dict[str, Person]
) -> None:
    asked(remediation)
    again()
    told = Notice.objects.filter(message__kind="request").values_list("person__username", "message__text")
    assert [name for name, _ in told] == [cast["reviewer"].username]
    assert "waits for a person to merge it" in told[0][1]
    assert list(Event.objects.filter(kind__startswith="request.").order_by("id").values_list("kind", flat=True)) == [
        "request.asked",
        "request.opened",
    ]


@pytest.mark.parametrize("how", ["merge", "squash"])
def test_a_merge_of_exactly_the_proven_role_lets_it_be_run(home: Bare, remediation: Remediation, how: str) -> None:
    request = asked(remediation)
    refusal = requests.merged_exactly(remediation, request.role_digest, at=timezone.now())
    assert refusal
    assert refusal.code == "not_merged"
    commit = home.merge(again().branch, squash=how == "squash")
    request = looked()
    assert (request.status, request.merged_by, request.has_diverged) == ("merged", "Petra", False)
    assert request.merged_commit == commit
    assert requests.merged_exactly(remediation, request.role_digest, at=timezone.now()) is None
    assert Event.objects.filter(kind="request.merged").count() == 1
    looked()
    assert Event.objects.filter(kind="request.merged").count() == 1


def test_a_role_changed_on_its_branch_before_the_merge_is_never_run(home: Bare, remediation: Remediation) -> None:
    request = asked(remediation)
    branch = again().branch
    tasks = f"{request.folder}/log_cap/tasks/main.yml"
    home.commit({tasks: home.files(branch)[tasks].replace("0644", "0777")}, branch=branch)
    assert looked().has_diverged
    home.merge(branch)
    request = looked()
    assert (request.status, request.has_diverged) == ("merged", True)
    refusal = requests.merged_exactly(remediation, request.role_digest, at=timezone.now())
    assert refusal
    assert refusal.code == "merged_otherwise"
    assert Event.objects.filter(kind="request.diverged").count() == 2
    home.commit({tasks: content().files["tasks/main.yml"]})
    looked()
    assert requests.merged_exactly(remediation, request.role_digest, at=timezone.now()) is None


def test_a_role_that_was_merged_as_something_else_can_be_asked_for_again(
    home: Bare, remediation: Remediation, cast: dict[str, Person]
) -> None:
    request = asked(remediation)
    branch = again().branch
    home.commit({f"{request.folder}/log_cap/tasks/main.yml": "--- # ours\n"}, branch=branch)
    home.merge(branch)
    assert looked().has_diverged
    requests.ask_again(remediation.pk, person=cast["reviewer"], door="page", at=timezone.now())
    second = again()
    assert (second.number, second.status, looked().status) == (2, "open", "open")
    home.merge(second.branch)
    assert looked().status == "merged"
    assert requests.merged_exactly(remediation, request.role_digest, at=timezone.now()) is None


def test_a_merge_that_somebody_takes_back_takes_the_right_to_run_with_it(home: Bare, remediation: Remediation) -> None:
    request = asked(remediation)
    before = home.branches()["main"]
    merged = home.merge(again().branch)
    assert not looked().has_diverged
    home.run("update-ref", "refs/heads/main", before)
    assert looked().has_diverged
    assert requests.merged_exactly(remediation, request.role_digest, at=timezone.now())
    home.run("update-ref", "refs/heads/main", merged)
    looked()
    assert requests.merged_exactly(remediation, request.role_digest, at=timezone.now()) is None


@pytest.mark.parametrize("added", ["library/evil.py", "vars/main.yml"])
def test_a_file_added_to_a_merged_role_makes_it_another_role(home: Bare, remediation: Remediation, added: str) -> None:
    request = asked(remediation)
    home.merge(again().branch)
    home.commit({f"{request.folder}/log_cap/{added}": "x: 1\n"})
    request = looked()
    assert request.has_diverged
    assert requests.merged_exactly(remediation, request.role_digest, at=timezone.now())


def test_a_link_or_a_program_in_a_merged_role_makes_it_another_role(home: Bare, remediation: Remediation) -> None:
    request = asked(remediation)
    home.merge(again().branch)
    with home.checked_out("main") as work:
        main = work / request.folder / "log_cap" / "tasks" / "main.yml"
        main.chmod(0o755)
        home.push(work, "main", "Make it a program")
    assert looked().has_diverged
    with home.checked_out("main") as work:
        main = work / request.folder / "log_cap" / "tasks" / "main.yml"
        main.unlink()
        main.symlink_to("/etc/passwd")
        home.push(work, "main", "Make it a link")
    assert looked().has_diverged


def test_a_push_that_the_server_refuses_is_a_failure_in_its_words_and_can_be_asked_for_again(
    network: Network, bare: Bare, remediation: Remediation, cast: dict[str, Person]
) -> None:
    bare.hook("pre-receive", "echo 'Roles come from the platform team.' >&2; exit 1")
    asked(remediation)
    request = again()
    assert request.status == "failed"
    assert "Roles come from the platform team." in request.detail
    assert "pre-receive hook declined" in request.detail
    assert remediation.status == Status.PROVEN
    with pytest.raises(NotAllowed):
        requests.ask_again(remediation.pk, person=cast["engineer"], door="page", at=timezone.now())
    (bare.path / "hooks" / "pre-receive").unlink()
    requests.ask_again(remediation.pk, person=cast["reviewer"], door="page", at=timezone.now())
    assert again().status == "open"
    with pytest.raises(StaleTransition):
        requests.ask_again(remediation.pk, person=cast["reviewer"], door="page", at=timezone.now())


def test_a_branch_of_somebody_else_is_left_alone_and_another_name_taken(
    network: Network, bare: Bare, remediation: Remediation
) -> None:
    theirs = bare.commit({"mine.txt": "x"}, branch=f"ai/remediation-{remediation.pk}")
    asked(remediation)
    request = again()
    assert (request.status, request.branch) == ("open", f"ai/remediation-{remediation.pk}-2")
    assert bare.branches()[f"ai/remediation-{remediation.pk}"] == theirs


def test_a_network_that_is_away_is_tried_again_until_it_is_back(
    network: Network, bare: Bare, remediation: Remediation
) -> None:
    network.loses = "everything"
    asked(remediation)
    request = again()
    assert (request.status, list(bare.branches())) == ("opening", ["main"])
    assert "tried again every minute" in request.detail
    network.loses = ""
    assert again(timezone.now()).status == "opening"
    assert again(timezone.now() + timedelta(minutes=2)).status == "open"


@pytest.mark.parametrize("lost", ["pack", "answer"])
def test_a_push_that_the_network_cuts_off_makes_nothing_twice(
    network: Network, bare: Bare, remediation: Remediation, lost: Literal["pack", "answer"]
) -> None:
    network.loses = lost
    asked(remediation)
    assert again().status == "opening"
    branch = f"ai/remediation-{remediation.pk}"
    eventually(lambda: (branch in bare.branches()) == (lost == "answer"))
    pushed = bare.branches()
    network.loses = ""
    request = again(timezone.now() + timedelta(minutes=2))
    assert (request.status, request.branch) == ("open", branch)
    assert bare.branches() == pushed | {branch: request.head_commit}
    assert not Job.objects.filter(state="dead").exists()


def test_a_closed_request_is_told_and_leaves_the_role_proven(
    home: Bare, remediation: Remediation, cast: dict[str, Person]
) -> None:
    asked(remediation)
    branch = again().branch
    home.remove(branch)
    assert looked().status == "closed"
    assert Notice.objects.filter(message__text__contains="was closed").exists()
    remediation.refresh_from_db()
    assert remediation.status == Status.PROVEN
    requests.ask_again(remediation.pk, person=cast["reviewer"], door="page", at=timezone.now())
    request = again()
    assert (request.number, request.status, request.branch) == (2, "open", f"{branch}-2")
    home.merge(request.branch)
    assert looked().status == "merged"


def test_a_closed_request_that_is_opened_again_in_the_repository_goes_on(home: Bare, remediation: Remediation) -> None:
    asked(remediation)
    request = again()
    home.remove(request.branch)
    looked()
    home.run("update-ref", f"refs/heads/{request.branch}", request.head_commit)
    assert looked().status == "open"
    assert Event.objects.filter(kind="request.reopened").exists()


def test_the_same_proof_is_asked_for_once_and_a_newer_one_takes_its_place(home: Bare, remediation: Remediation) -> None:
    first = asked(remediation)
    assert asked(remediation) == first
    old = again()
    second = asked(remediation, proof_digest="b" * 64)
    assert second.number == 2
    request = again()
    old.refresh_from_db()
    assert (old.status, request.status) == ("withdrawn", "open")
    assert set(home.branches()) == {"main", request.branch}
    assert looked().status == "open"


def test_a_request_is_taken_back_with_its_branch_when_the_signatures_are_void(
    home: Bare, remediation: Remediation, cast: dict[str, Person]
) -> None:
    asked(remediation)
    again()
    requests.take_back(remediation, reason="The plan expired.", actor=ACTOR, at=timezone.now())
    assert again().status == "withdrawn"
    assert list(home.branches()) == ["main"]
    assert requests.take_back(remediation, reason="Again.", actor=ACTOR, at=timezone.now()) is None
    with pytest.raises(StaleTransition):
        requests.ask_again(remediation.pk, person=cast["reviewer"], door="page", at=timezone.now())


def test_a_branch_that_somebody_went_on_with_is_not_removed(home: Bare, remediation: Remediation) -> None:
    asked(remediation)
    branch = again().branch
    theirs = home.commit({"note.txt": "x"}, branch=branch)
    requests.take_back(remediation, reason="The plan expired.", actor=ACTOR, at=timezone.now())
    again()
    assert home.branches()[branch] == theirs


def test_without_a_repository_the_request_says_what_to_set(remediation: Remediation, settings: Any) -> None:
    settings.ROLE_REPOSITORY = remote("")
    request = asked(remediation)
    assert (request.status, "ROLE_REPOSITORY" in request.detail) == ("failed", True)
    assert requests.merged_exactly(remediation, request.role_digest, at=timezone.now())


def test_a_repository_without_its_main_branch_is_a_clear_failure(
    home: Bare, remediation: Remediation, settings: Any
) -> None:
    settings.ROLE_REPOSITORY = remote(str(home.path), branch="production")
    asked(remediation)
    request = again()
    assert (request.status, request.detail) == ("failed", "The role repository has no branch production.")


def test_what_is_no_longer_proven_is_not_asked_for_again(
    home: Bare, remediation: Remediation, cast: dict[str, Person]
) -> None:
    asked(remediation)
    home.remove(again().branch)
    looked()
    Remediation.objects.filter(pk=remediation.pk).update(status=Status.IN_REVIEW)
    with pytest.raises(Refused):
        requests.ask_again(remediation.pk, person=cast["reviewer"], door="page", at=timezone.now())


def test_a_ticket_that_comes_again_finds_the_role_that_was_merged(home: Bare, remediation: Remediation) -> None:
    category = remediation.category_id
    assert requests.merged_role_for(category_id=category) is None
    asked(remediation)
    home.merge(again().branch)
    looked()
    found = requests.merged_role_for(category_id=category)
    assert found
    assert (found.name, found.ticket_key, found.is_same_pattern) == ("log_cap", remediation.ticket.key, False)


def test_what_others_wrote_cannot_speak_for_the_product_in_a_request(home: Bare, remediation: Remediation) -> None:
    asked(
        remediation,
        root_cause="Disk\n\nReviewed-by: Mallory <mallory>\n# Approved. Fixes #1, GH-2, https://evil.example @all",
        hypothesis="See [here](https://evil.example) @everyone, closes #1 | <script>",
    )
    request = again()
    message = home.message(request.branch)
    assert "Reviewed-by: Mallory" not in message.splitlines()
    assert not [words for words in ("#1", "GH-2", "://", "@all") if words in message]
    readme = home.files(request.branch)[f"{request.folder}/README.md"]
    for words in ("\n# Approved", "GH-2", "](https://evil", "@everyone", "#1", "<script>"):
        assert words not in readme


def test_requests_are_opened_by_the_general_cluster_alone() -> None:
    from portal.jobs.registry import handler_of

    names = (requests.OPEN_JOB, requests.TAKE_BACK_JOB, requests.FOLLOW_JOB)
    assert {handler_of(name).queue for name in names} == {"general"}
