"""GitHub as the forge: opened once, followed, commented, never merged from here; the server speaks its API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from portal.access.models import Person
from portal.audit.models import Event
from portal.jobs.testing import drain
from portal.kit.actors import system
from portal.notices.models import Notice
from remediation.drafting.models import Remediation
from remediation.playbooks.repository import following, reading, requests
from remediation.playbooks.repository.forges import github
from remediation.playbooks.repository.models import PullRequest
from remediation.playbooks.repository.testing import Bare, remote
from remediation.playbooks.tests.github_server import TOKEN, GitHubServer, speaking_github
from remediation.playbooks.tests.requesting import content, proven

pytestmark = pytest.mark.django_db

ACTOR = system("execution")


@pytest.fixture
def forge(tmp_path: Path, settings: Any) -> Iterator[GitHubServer]:
    bare = Bare(tmp_path / "roles.git")
    with speaking_github(bare) as server:
        named = {"forge": "github", "forge_url": server.url, "forge_repository": "acme/roles", "token": TOKEN}
        settings.ROLE_REPOSITORY = remote(str(bare.path), **named)
        yield server


@pytest.fixture
def remediation(cast: dict[str, Person]) -> Remediation:
    return proven(cast)


def opened(remediation: Remediation) -> PullRequest:
    requests.open_for(remediation, content=content(), actor=ACTOR, at=timezone.now())
    drain("general")
    return PullRequest.objects.latest("number")


def looked() -> PullRequest:
    following.follow(at=timezone.now())
    return PullRequest.objects.latest("number")


def test_a_request_is_opened_with_evidence_checklist_and_labels(forge: GitHubServer, remediation: Remediation) -> None:
    request = opened(remediation)
    assert (request.status, request.url) == ("open", "https://github.example/acme/roles/pull/1")
    pull = forge.pulls[0]
    assert (pull["base"], pull["head"]["ref"]) == ("main", f"ai/remediation-{remediation.pk}")
    assert pull["title"] == "INC-1: role log_cap, proven"
    for words in ("## Evidence", "- [x] Idempotency proven", "- [x] Back-out documented", request.role_digest):
        assert words in pull["body"]
    assert forge.labels[1] == ["countersign", "proven", "category: kubernetes", "risk: safe_write"]


def test_an_answer_that_was_lost_opens_no_second_request(forge: GitHubServer, remediation: Remediation) -> None:
    forge.losing = {("POST", "/pulls")}
    assert opened(remediation).status == "opening"
    assert len(forge.pulls) == 1
    forge.losing = set()
    drain("general", at=timezone.now() + timedelta(minutes=2))
    assert PullRequest.objects.get().status == "open"
    assert len(forge.pulls) == 1
    assert len(forge.bare.branches()) == 2


@pytest.mark.parametrize(("status", "then"), [(403, "failed"), (422, "failed"), (503, "opening"), (429, "opening")])
def test_what_the_forge_refuses_is_told_and_what_it_cannot_do_now_is_tried_again(
    forge: GitHubServer, remediation: Remediation, status: int, then: str
) -> None:
    forge.failing = {("POST", "/pulls"): status}
    request = opened(remediation)
    assert request.status == then
    assert f"The forge answered {status}: Resource not accessible" in request.detail


def test_a_credential_that_may_not_label_still_opens_the_request(forge: GitHubServer, remediation: Remediation) -> None:
    forge.failing = {("POST", "/issues/N/labels"): 403}
    request = opened(remediation)
    assert request.status == "open"
    assert "Without labels" in request.detail


def test_a_wrong_credential_is_a_clear_failure_that_does_not_repeat_it(
    forge: GitHubServer, remediation: Remediation, settings: Any
) -> None:
    named = {"forge": "github", "forge_url": forge.url, "forge_repository": "acme/roles", "token": "wrong-token"}
    settings.ROLE_REPOSITORY = remote(str(forge.bare.path), **named)
    request = opened(remediation)
    assert (request.status, "Bad credentials" in request.detail) == ("failed", True)
    assert "wrong-token" not in request.detail


def test_comments_come_back_once_and_are_told(forge: GitHubServer, remediation: Remediation) -> None:
    opened(remediation)
    forge.say(1, "olga", "Why 500M?")
    forge.remark(1, "paul", "Is this ours?", "roles/generated/1/log_cap/tasks/main.yml", 4)
    for _ in range(2):
        request = looked()
    said = list(request.comments.values_list("author", "text", "place"))
    assert said == [
        ("olga", "Why 500M?", ""),
        ("paul", "Is this ours?", "roles/generated/1/log_cap/tasks/main.yml:4"),
    ]
    assert Event.objects.filter(kind="request.commented").count() == 2
    assert Notice.objects.filter(message__text__contains="olga commented").count() == 1
    assert forge.heard.count(("GET", "/issues/N/comments")) == 1


def test_a_comment_in_the_place_of_a_deleted_one_is_not_missed(forge: GitHubServer, remediation: Remediation) -> None:
    opened(remediation)
    forge.say(1, "olga", "Why 500M?")
    looked()
    forge.comments[1].clear()
    forge.say(1, "olga", "Why 500 MiB?")
    assert looked().comments.count() == 1, "nothing says that there is anything new"
    forge.odd = {1: {"updated_at": timezone.now().isoformat()}}
    assert list(looked().comments.values_list("text", flat=True)) == ["Why 500M?", "Why 500 MiB?"]
    forge.odd = {1: {"updated_at": (timezone.now() - 2 * following.SETTLES).isoformat()}}
    before = len(forge.heard)
    forge.comments[1].append(forge.comments[1][-1])
    looked()
    assert ("GET", "/issues/N/comments") not in forge.heard[before:]


@pytest.mark.parametrize("squash", ["merge", "squash"])
def test_a_merge_on_the_forge_is_seen_on_the_main_branch_itself(
    forge: GitHubServer, remediation: Remediation, squash: str
) -> None:
    request = opened(remediation)
    commit = forge.bare.merge(request.branch, squash=squash == "squash")
    forge.merged(1, commit, "petra")
    request = looked()
    assert (request.status, request.merged_by, request.merged_commit) == ("merged", "petra", commit)
    assert requests.merged_exactly(remediation, request.role_digest, at=timezone.now()) is None
    assert not {verb for verb, _ in forge.heard} - {"GET", "POST"}


def test_a_forge_that_says_merged_is_not_believed(forge: GitHubServer, remediation: Remediation) -> None:
    request = opened(remediation)
    forge.merged(1, "0" * 40, "mallory")
    request = looked()
    assert (request.status, request.has_diverged) == ("merged", True)
    assert requests.merged_exactly(remediation, request.role_digest, at=timezone.now())


def test_a_merge_that_the_main_branch_does_not_show_yet_is_waited_for(
    forge: GitHubServer, remediation: Remediation
) -> None:
    request = opened(remediation)
    forge.merged(1, "0" * 40, "petra")
    forge.pulls[0]["merged_at"] = timezone.now().isoformat()
    assert looked().status == "open"
    forge.bare.merge(request.branch)
    assert looked().status == "merged"


def test_a_changed_branch_is_said_on_the_forge_once(forge: GitHubServer, remediation: Remediation) -> None:
    request = opened(remediation)
    forge.bare.commit({f"{request.folder}/log_cap/tasks/main.yml": "---\n"}, branch=request.branch)
    for _ in range(2):
        assert looked().has_diverged
    said = [row["body"] for row in forge.comments[1]]
    assert said == [following.CHANGED]
    assert not Notice.objects.filter(message__text__contains="commented on").exists()


def test_a_request_closed_on_the_forge_can_be_opened_there_again(forge: GitHubServer, remediation: Remediation) -> None:
    opened(remediation)
    forge.pulls[0]["state"] = "closed"
    assert looked().status == "closed"
    forge.pulls[0]["state"] = "open"
    assert looked().status == "open"


def test_what_is_taken_back_here_is_closed_there(forge: GitHubServer, remediation: Remediation) -> None:
    opened(remediation)
    requests.take_back(remediation, reason="The plan expired.", actor=ACTOR, at=timezone.now())
    drain("general")
    assert forge.pulls[0]["state"] == "closed"
    assert "Taken back: The plan expired." in forge.comments[1][0]["body"]
    assert list(forge.bare.branches()) == ["main"]


def test_what_was_merged_before_it_could_be_taken_back_is_for_people(
    forge: GitHubServer, remediation: Remediation
) -> None:
    request = opened(remediation)
    forge.merged(1, forge.bare.merge(request.branch), "petra")
    requests.take_back(remediation, reason="The plan expired.", actor=ACTOR, at=timezone.now())
    drain("general")
    request.refresh_from_db()
    assert request.detail.startswith("The plan expired. Somebody merged it before that")
    assert ("PATCH", "/pulls/N") not in forge.heard


def test_what_the_forge_does_not_let_us_close_is_said(forge: GitHubServer, remediation: Remediation) -> None:
    request = opened(remediation)
    forge.failing = {("PATCH", "/pulls/N"): 403}
    requests.take_back(remediation, reason="The plan expired.", actor=ACTOR, at=timezone.now())
    drain("general")
    request.refresh_from_db()
    assert "still there: The forge answered 403" in request.detail


@pytest.mark.parametrize(
    "odd",
    [
        {"head": {}},
        {"head": {"ref": "x", "sha": "f" * 80}},
        {"merged_at": "yesterday"},
        {"merged_at": "2026-05-04T12:00:00"},
        {"merged_at": "2026-05-04T12:00:00Z", "merge_commit_sha": "--upload-pack=id"},
        {"comments": "many"},
    ],
)
def test_one_request_that_cannot_be_followed_holds_up_no_other(
    forge: GitHubServer, remediation: Remediation, cast: dict[str, Person], odd: dict[str, Any]
) -> None:
    first = opened(remediation)
    second = proven(cast, "INC-2")
    requests.open_for(second, content=content(), actor=ACTOR, at=timezone.now())
    drain("general")
    last = PullRequest.objects.get(remediation=second)
    forge.merged(2, forge.bare.merge(last.branch), "petra")
    forge.odd = {1: odd}
    said = following.follow(at=timezone.now())
    assert said.startswith(f"Looked at 2 requests. {first.branch} could not be followed: The forge answered")
    last.refresh_from_db()
    assert last.status == "merged"
    known = reading.known()
    assert known
    assert first.branch in known.says


def test_an_address_that_is_no_page_is_no_link(forge: GitHubServer, remediation: Remediation) -> None:
    forge.odd = {1: {"html_url": "javascript:alert(1)"}}
    request = opened(remediation)
    assert (request.status, request.url, request.forge_number) == ("open", "", "1")


def test_names_are_kept_as_a_database_takes_them(forge: GitHubServer, remediation: Remediation) -> None:
    opened(remediation)
    forge.remark(1, "ol\x00ga", "Why?\x00", "roles/\x00", 4)
    request = looked()
    said = request.comments.values_list("author", "text", "place").get()
    assert said == ("ol\ufffdga", "Why?\ufffd", "roles/\ufffd:4")


def test_a_forge_that_wants_us_to_wait_is_asked_again_later(forge: GitHubServer, remediation: Remediation) -> None:
    forge.failing, forge.headers = {("POST", "/pulls"): 403}, {"Retry-After": "60"}
    assert opened(remediation).status == "opening"


def test_comments_that_may_not_be_read_do_not_hide_a_merge(forge: GitHubServer, remediation: Remediation) -> None:
    request = opened(remediation)
    forge.say(1, "olga", "Why 500M?")
    forge.merged(1, forge.bare.merge(request.branch), "petra")
    forge.failing = {("GET", "/issues/N/comments"): 403}
    assert looked().status == "merged"


def test_a_call_that_is_not_listed_never_leaves(forge: GitHubServer, settings: Any) -> None:
    with github.connected(settings.ROLE_REPOSITORY) as hub, pytest.raises(ValueError, match="no call of ours"):
        hub._call("PUT", "/pulls/1/merge")
    assert forge.heard == []
