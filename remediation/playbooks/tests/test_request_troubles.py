"""What goes wrong around a request, or is made to: by what others put into the repository, by two workers."""

from __future__ import annotations

import hashlib
import subprocess
import unicodedata
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from portal.access.models import Person
from portal.jobs import schedules
from portal.jobs.models import Job
from portal.jobs.testing import drain
from portal.kit.actors import system
from portal.kit.refusals import StaleTransition
from remediation.drafting.models import Remediation
from remediation.playbooks.repository import following, git, managing, opening, reading, requests, trees
from remediation.playbooks.repository.models import MergedRole, PullRequest
from remediation.playbooks.repository.states import RequestStatus
from remediation.playbooks.repository.testing import Bare, Network, remote
from remediation.playbooks.tests.requesting import FILES, content, proven

pytestmark = pytest.mark.django_db

ACTOR = system("execution")
HAND = "roles/by_hand/tasks/main.yml"


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Bare:
    """The role repository in a folder of this host, with a role written by hand."""
    bare = Bare(tmp_path / "roles.git")
    bare.commit({HAND: "- ansible.builtin.file:\n    path: /etc/known\n"})
    settings.ROLE_REPOSITORY = remote(str(bare.path))
    return bare


@pytest.fixture
def remediation(cast: dict[str, Person]) -> Remediation:
    return proven(cast)


def asked(remediation: Remediation, **changes: Any) -> PullRequest:
    return requests.open_for(remediation, content=content(**changes), actor=ACTOR, at=timezone.now())


def again() -> PullRequest:
    """What the general cluster makes of it, and how the newest request stands then."""
    drain("general")
    return PullRequest.objects.latest("number")


def looked() -> str:
    return following.follow(at=timezone.now())


def put(home: Bare, path: str, text: bytes = b"x") -> None:
    """A file on the main branch whose path no file system has to take."""
    data = b"commit refs/heads/main\ncommitter P <p@x> 1 +0000\ndata 1\nx\nfrom refs/heads/main^0\n"
    data += b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(text), text)
    subprocess.run(["git", "fast-import", "--quiet"], cwd=home.path, input=data, check=True)


def written(home: Bare, commit: bytes) -> str:
    """A commit as no git of today would write it."""
    command = ["git", "hash-object", "-t", "commit", "-w", "--literally", "--stdin"]
    done = subprocess.run(command, cwd=home.path, input=commit, check=True, capture_output=True)
    return done.stdout.decode().strip()


def a_long_path(home: Bare) -> None:
    names = [hashlib.sha256(b"%d" % number).hexdigest() for number in range(100)]
    put(home, f"roles/{'/'.join(names)}/tasks/main.yml")


def a_long_number(home: Bare) -> None:
    put(home, f"roles/generated/{'9' * 5_000}/log_cap/tasks/main.yml")


def a_long_value(home: Bare) -> None:
    words = "".join(f"/{n:x}" for n in range(40_000))
    put(home, "roles/long/tasks/main.yml", f"- ansible.builtin.file:\n    path: {words[:100_000]}\n".encode())


def a_name_in_two_spellings(home: Bare) -> None:
    for name in ("\u00e9", "e\u0301"):
        put(home, f"roles/twice/{name}.yml")
    put(home, "roles/twice/tasks/main.yml")


def a_large_file(home: Bare) -> None:
    put(home, "roles/large/tasks/main.yml")
    put(home, "roles/large/files/image.iso", b"\0" * (git.LONGEST_OUTPUT + 1))


def a_branch_in_two_lines(home: Bare) -> None:
    home.run("branch", "ai/remediation-7\u2028x", "main")


@pytest.mark.parametrize(
    "put_there",
    [a_long_path, a_long_number, a_long_value, a_name_in_two_spellings, a_large_file, a_branch_in_two_lines],
)
def test_nothing_in_the_repository_keeps_the_rest_of_it_from_being_read(
    home: Bare, put_there: Callable[[Bare], None]
) -> None:
    put_there(home)
    assert looked() == "Looked at 0 requests."
    assert [each.folder for each in reading.managers_of(["/etc/known"])] == ["roles/by_hand"]


def test_of_one_role_no_more_is_kept_than_people_read() -> None:
    tasks = "".join(f"- ansible.builtin.file:\n    path: /etc/{n}\n" for n in range(managing.MOST_USES // 2 + 1))
    assert len(managing.uses_of({"tasks/a.yml": tasks, "tasks/b.yml": tasks})) == managing.MOST_USES


def test_a_role_with_more_than_anybody_proves_is_not_read(tmp_path: Path) -> None:
    bare = Bare(tmp_path / "roles.git")
    bare.commit({f"roles/many/files/{n}": "x" for n in range(trees.MOST_FILES + 1)})
    with git.cloned(remote(str(bare.path))) as clone:
        clone.fetch("main")
        main = clone.heads()["main"]
        assert trees.read(clone, clone.entries(main, "roles/"), "roles/many") == ({}, False)


def test_letters_written_in_another_way_make_it_another_role(home: Bare, remediation: Remediation) -> None:
    spelled = FILES | {"tasks/main.yml": FILES["tasks/main.yml"].replace("Cap the", "Café: cap the")}
    request = asked(remediation, files=spelled)
    home.merge(again().branch)
    looked()
    assert requests.merged_exactly(remediation, request.role_digest, at=timezone.now()) is None
    other = unicodedata.normalize("NFD", spelled["tasks/main.yml"])
    home.commit({f"{request.folder}/log_cap/tasks/main.yml": other})
    looked()
    refusal = requests.merged_exactly(remediation, request.role_digest, at=timezone.now())
    assert refusal
    assert refusal.code == "merged_otherwise"


@pytest.mark.parametrize(
    ("committer", "by"),
    [
        (b"J\xfcrgen <j@x> 1780000000 +0000", "J\ufffdrgen"),
        (b"Petra <p@x> 253402300800 +0000", "Petra"),
        (b"Petra <p@x> 1780000000 +9959", "Petra"),
    ],
)
def test_a_merge_by_a_commit_with_an_odd_name_or_time_is_seen(
    home: Bare, remediation: Remediation, committer: bytes, by: str
) -> None:
    request = asked(remediation)
    tree = home.run("rev-parse", f"{again().branch}^{{tree}}").strip()
    parent = home.branches()["main"]
    made = written(
        home,
        f"tree {tree}\nparent {parent}\nauthor A <a@x> 1 +0000\ncommitter ".encode() + committer + b"\n\nTake over\n",
    )
    home.run("update-ref", "refs/heads/main", made)
    looked()
    request.refresh_from_db()
    assert (request.status, request.merged_by, request.merged_commit) == ("merged", by, made)


def test_a_merge_into_a_damaged_history_is_seen_without_who_did_it(home: Bare, remediation: Remediation) -> None:
    request = asked(remediation)
    branch = again().branch
    tree = home.run("rev-parse", "main^{tree}").strip()
    old = written(home, f"tree {tree}\nauthor A <a@x> 1 +0000\ncommitter B<b@x> 1 +0000\n\nLong ago\n".encode())
    tree = home.run("rev-parse", f"{branch}^{{tree}}").strip()
    merged = home.run("commit-tree", "-m", "Take over", "-p", old, tree).strip()
    home.run("update-ref", "refs/heads/main", merged)
    looked()
    request.refresh_from_db()
    assert (request.status, request.merged_by, request.has_diverged) == ("merged", "", False)


def test_after_a_merge_of_something_that_is_no_text_the_role_can_be_asked_for_again(
    home: Bare, remediation: Remediation, cast: dict[str, Person]
) -> None:
    request = asked(remediation)
    branch = again().branch
    with home.checked_out(branch) as work:
        (work / request.folder / "log_cap" / "tasks" / "main.yml").chmod(0o755)
        home.push(work, branch, "Make it a program")
    home.merge(branch)
    looked()
    requests.ask_again(remediation.pk, person=cast["reviewer"], door="page", at=timezone.now())
    second = again()
    looked()
    second.refresh_from_db()
    assert (second.number, second.status) == (2, "open")
    home.merge(second.branch)
    looked()
    assert requests.merged_exactly(remediation, request.role_digest, at=timezone.now()) is None


def test_roles_of_another_repository_are_forgotten(home: Bare, tmp_path: Path, settings: Any) -> None:
    own = settings.ROLE_REPOSITORY
    looked()
    settings.ROLE_REPOSITORY = remote(str(Bare(tmp_path / "other.git").path))
    looked()
    assert not MergedRole.objects.exists()
    settings.ROLE_REPOSITORY = own
    looked()
    assert [role.path for role in MergedRole.objects.all()] == ["roles/by_hand"]


def test_what_nobody_could_look_at_for_a_while_is_not_run(home: Bare, remediation: Remediation) -> None:
    request = asked(remediation)
    home.merge(again().branch)
    looked()
    home.path.rename(home.path.with_name("away.git"))
    assert looked().startswith("Could not look")
    later = timezone.now() + requests.FRESH + timedelta(minutes=1)
    refusal = requests.merged_exactly(remediation, request.role_digest, at=later)
    assert refusal
    assert refusal.code == "not_merged"


def forgotten(request: PullRequest) -> PullRequest:
    """The row as a worker left it that died right after the push."""
    row = {field.attname: getattr(request, field.attname) for field in PullRequest._meta.concrete_fields}
    request.delete()
    return PullRequest.objects.create(**row | {"status": RequestStatus.OPENING, "opened_at": None, "seen_commit": ""})


def test_a_worker_that_died_after_the_push_leaves_nothing_to_be_made_twice(
    home: Bare, remediation: Remediation
) -> None:
    asked(remediation)
    request = forgotten(again())
    pushed = home.branches()
    home.commit({"note.txt": "main moved on"})
    requests.start(request, due_at=timezone.now(), at=timezone.now())
    assert (again().status, again().head_commit) == ("open", pushed[request.branch])
    assert home.branches().keys() == pushed.keys()


def test_a_branch_that_somebody_went_on_with_before_its_request_was_open_is_not_taken_for_ours(
    home: Bare, remediation: Remediation
) -> None:
    asked(remediation)
    request = forgotten(again())
    said = home.message(request.branch)
    home.commit({"roles/other/tasks/main.yml": "--- # theirs\n"}, branch=request.branch)
    tree = home.run("rev-parse", f"{request.branch}^{{tree}}").strip()
    theirs = home.run("commit-tree", "-m", said, "-p", request.head_commit, tree).strip()
    home.run("update-ref", f"refs/heads/{request.branch}", theirs)
    requests.start(request, due_at=timezone.now(), at=timezone.now())
    opened = again()
    assert (opened.status, opened.branch) == ("open", f"{request.branch}-2")
    assert "roles/other/tasks/main.yml" not in home.files(opened.branch)


def test_a_worker_that_comes_too_late_changes_nothing(home: Bare, remediation: Remediation) -> None:
    late = asked(remediation)
    opened = again()
    home.commit({"note.txt": "main moved on"})
    home.remove(opened.branch)
    own = remote(str(home.path))
    with git.cloned(own) as clone, pytest.raises(StaleTransition):
        opening._push(late, clone, own)
    opening._postpone(late, "Not reached.", timezone.now())
    opening._fail(late, "No.", timezone.now())
    now = PullRequest.objects.get()
    assert (now.status, now.head_commit, now.detail) == ("open", opened.head_commit, "")
    assert "ai/remediation" not in "".join(home.branches())


def test_a_request_whose_names_are_all_taken_says_so(home: Bare, remediation: Remediation) -> None:
    first = f"ai/remediation-{remediation.pk}"
    for number in range(1, opening.NAMES + 1):
        home.run("branch", first if number == 1 else f"{first}-{number}", "main")
    asked(remediation)
    request = again()
    assert (request.status, request.detail) == ("failed", "Every name that its branch could have is taken.")


def test_more_requests_than_names_is_a_failure_in_words(home: Bare, remediation: Remediation) -> None:
    request = asked(remediation)
    first = f"ai/remediation-{remediation.pk}"
    for number in range(1, opening.NAMES + 1):
        PullRequest.objects.filter(pk=request.pk).update(number=number + 1)
        row = {field.attname: getattr(request, field.attname) for field in PullRequest._meta.concrete_fields}
        name = first if number == 1 else f"{first}-{number}"
        PullRequest.objects.create(**row | {"id": None, "number": number, "status": "withdrawn", "branch": name})
    assert again().detail == "Every name that its branch could have is taken."


def test_what_could_not_be_taken_back_is_tried_again(
    home: Bare, remediation: Remediation, tmp_path: Path, settings: Any
) -> None:
    network = Network(tmp_path)
    settings.ROLE_REPOSITORY = remote(f"git://127.0.0.1:{network.port}/roles.git")
    asked(remediation)
    branch = again().branch
    network.loses = "everything"
    requests.take_back(remediation, reason="The plan expired.", actor=ACTOR, at=timezone.now())
    again()
    assert branch in home.branches()
    assert Job.objects.get(kind=requests.TAKE_BACK_JOB, state="waiting").attempts == 0, "it never runs out of them"
    network.loses = ""
    drain("general", at=timezone.now() + timedelta(minutes=2))
    assert branch not in home.branches()
    network.close()


def test_no_word_of_the_repository_brings_our_credential_back(
    home: Bare, remediation: Remediation, settings: Any
) -> None:
    settings.ROLE_REPOSITORY = remote(str(home.path), token="hush-hush-1234")
    home.hook("pre-receive", "printf 'No hush-hush-1234 \\000 here' >&2; exit 1")
    asked(remediation)
    request = again()
    assert request.status == "failed"
    assert "No [redacted:forge-token]" in request.detail
    assert "hush-hush" not in request.detail


def test_the_clock_and_a_person_ask_for_the_same_look(
    home: Bare, remediation: Remediation, cast: dict[str, Person]
) -> None:
    asked(remediation)
    again()
    schedules.plant(at=timezone.now())
    schedules.tick(at=timezone.now())
    requests.look_now(remediation.pk, person=cast["reviewer"], door="page", at=timezone.now())
    assert Job.objects.filter(kind=requests.FOLLOW_JOB, state="waiting").count() == 1
