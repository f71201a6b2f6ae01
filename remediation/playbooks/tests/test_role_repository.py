"""The repository itself: its CI and demonstration, what git may do here, what is known of its roles, and no merge."""

from __future__ import annotations

import ast
import io
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings as configured
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.utils import timezone

from remediation.drafting import roles
from remediation.playbooks.gate import packing
from remediation.playbooks.gate.shapes import Scope
from remediation.playbooks.repository import ci, conf, demo, following, git, managing, reading, trees, writing
from remediation.playbooks.repository.content import Cited
from remediation.playbooks.repository.forges import github
from remediation.playbooks.repository.managing import Use
from remediation.playbooks.repository.models import MergedRole
from remediation.playbooks.repository.testing import Bare, remote
from remediation.playbooks.tests.requesting import FILES, content

ROOT = Path(conf.__file__).resolve().parents[3]
PERSONS_HANDS = ("testing.py", "walkthrough")
"""Modules in which a person's work is played: tests, and the walkthrough of `make run`."""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": "https://petra:secret@git.example.com/roles"}, "FORGE_TOKEN"),
        ({"url": "https://token@git.example.com/roles"}, "FORGE_TOKEN"),
        ({"url": "http://git.example.com/roles"}, "use https"),
        ({"url": "git://git.example.com/roles"}, "use https"),
        ({"url": "ssh://petra:secret@git.example.com/roles"}, "https"),
        ({"url": "ssh://git@-oProxyCommand=id/roles", "known_hosts": "/etc/hosts.keys"}, "https"),
        ({"url": "git@git.example.com:--upload-pack=id", "known_hosts": "/etc/hosts.keys"}, "https"),
        ({"url": "git@git.example.com:roles.git"}, "ROLE_REPOSITORY_KNOWN_HOSTS"),
        ({"url": "ssh://git@git.example.com/roles", "known_hosts": "known_hosts"}, "ROLE_REPOSITORY_KNOWN_HOSTS"),
        ({"url": "ssh://git@git.example.com/roles", "known_hosts": "/a %h"}, "ROLE_REPOSITORY_KNOWN_HOSTS"),
        ({"url": "git@git.example.com:r", "known_hosts": "/etc/hosts.keys", "key": "~/.ssh/id"}, "FORGE_KEY"),
        ({"url": "/srv/roles.git", "token": "one\ntwo"}, "FORGE_TOKEN"),
        ({"url": "ext::sh -c id"}, "https"),
        ({"url": "--upload-pack=id"}, "https"),
        ({"url": "relative/roles.git"}, "absolute path"),
        ({"url": "/srv/roles.git", "branch": "ai/remediation-1"}, "merged into"),
        ({"url": "/srv/roles.git", "branch": "-x"}, "merged into"),
        ({"url": "/srv/roles.git", "forge": "sourceforge"}, "unknown"),
        ({"url": "/srv/roles.git", "forge": "github"}, "owner/name"),
        (
            {"url": "/srv/r", "forge": "github", "forge_url": "http://api.example.com", "forge_repository": "a/b"},
            "https",
        ),
    ],
)
def test_a_setting_that_cannot_be_right_ends_the_start(given: dict[str, str], words: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        remote(**given)
    assert words in str(refused.value)
    assert "secret" not in str(refused.value)


def test_there_is_no_role_repository_until_somebody_names_one() -> None:
    assert conf.remote(url="", branch="", forge="", forge_url="", forge_repository="") == conf.Remote()
    assert configured.ROLE_REPOSITORY.url == ""
    assert remote("http://127.0.0.1:8080/roles").transport == "http"


def test_the_credential_is_neither_on_a_command_line_nor_in_a_text(tmp_path: Path) -> None:
    secured = replace(remote("https://git.example.com/roles"), token="hush-hush")
    assert "hush-hush" not in repr(secured)
    given = git.environment(tmp_path, secured)
    assert not any("hush-hush" in value for value in given.values())
    assert any(value.startswith("Authorization: Basic ") for value in given.values())
    assert "http.extraHeader" not in git.environment(tmp_path, replace(remote("/srv/roles.git"), token="x")).values()


def test_by_ssh_git_reaches_only_a_known_host_with_the_key_of_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stand-in for ssh that runs what it is asked for here; what its options mean is asked of ssh itself."""
    bare, heard = Bare(tmp_path / "roles.git"), tmp_path / "heard"
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{heard}\nfor last; do :; done\nexec sh -c "$last"\n')
    ssh.chmod(0o755)
    own = remote(f"git@git.example.com:{bare.path}", known_hosts="/etc/forge.keys", key="/run/secrets/forge")
    means = subprocess.run(
        [*shlex.split(git.environment(tmp_path, own)["GIT_SSH_COMMAND"]), "-G", "git.example.com"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    with git.cloned(own) as clone:
        clone.fetch("main")
        clone.push(clone.heads()["main"], "ai/remediation-7")
    assert set(bare.branches()) == {"main", "ai/remediation-7"}
    assert heard.read_text().splitlines()[-2:] == ["git@git.example.com", f"git-receive-pack '{bare.path}'"]
    for option in (
        "stricthostkeychecking true",
        "userknownhostsfile /etc/forge.keys",
        "globalknownhostsfile /dev/null",
        "identityfile /run/secrets/forge",
        "identityagent none",
        "batchmode yes",
    ):
        assert option in means


def test_ssh_without_a_key_says_what_to_set() -> None:
    own = remote("ssh://git@git.example.com/roles.git", known_hosts="/etc/forge.keys")
    with pytest.raises(git.Rejected, match="FORGE_KEY"), git.cloned(own):
        pass


def test_git_runs_nothing_of_this_machines_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    witness = tmp_path / "witness"
    home = tmp_path / "home"
    home.mkdir()
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "reference-transaction", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {witness}\n")
        (hooks / name).chmod(0o755)
    (home / ".gitconfig").write_text(
        f'[core]\nhooksPath = {hooks}\n[url "file:///nowhere/"]\ninsteadOf = {tmp_path}/\n'
    )
    bare = Bare(tmp_path / "roles.git")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'core.hooksPath={hooks}'")
    with git.cloned(remote(str(bare.path))) as clone:
        clone.fetch("main")
        clone.push(clone.heads()["main"], "ai/remediation-7")
    assert not witness.exists()
    assert set(bare.branches()) == {"main", "ai/remediation-7"}


@pytest.mark.parametrize("branch", ["main", "ai/other", "ai/remediation-7/../../main", "ai/remediation-7:main"])
def test_only_branches_of_requests_are_ever_written(tmp_path: Path, branch: str) -> None:
    bare = Bare(tmp_path / "roles.git")
    before = bare.branches()
    with git.cloned(remote(str(bare.path))) as clone, pytest.raises(git.Rejected):
        clone.push(before["main"], branch)
    assert bare.branches() == before


def test_another_transport_than_the_repositorys_own_is_refused(tmp_path: Path) -> None:
    other = remote("https://127.0.0.1:9/roles")
    with git.cloned(other) as clone, pytest.raises((git.Rejected, git.Unreachable), match="not allowed"):
        clone.run("fetch", "--quiet", str(tmp_path / "roles.git"), "main")


def test_no_command_of_git_and_no_call_of_a_forge_merges() -> None:
    assert not git.COMMANDS & {"merge", "rebase", "cherry-pick", "pull", "update-ref"}
    for verb in ("PUT", "POST", "PATCH"):
        for path in ("/pulls/1/merge", "/merges", "/git/refs/heads/main"):
            assert not any(verb == may and rule.fullmatch(path) for may, rule in github.MAY)
    with pytest.raises(ValueError, match="not run here"), git.cloned(remote("/srv/roles.git")) as clone:
        clone.run("merge", "main")


def test_the_product_has_no_merge_call() -> None:
    """Whatever could merge names it in a string that it hands to something: an argument of git, a path of an API."""
    assert found_merges({"x.py": 'run("git", "merge", "b")\nput(f"/pulls/{number}/merge")\n'}) == ["x.py:1", "x.py:2"]
    tops = ("portal", "patterns", "remediation", "feedback")
    paths = [path for top in tops for path in (ROOT / top).rglob("*.py") if "tests" not in path.parts]
    own = {str(path.relative_to(ROOT)): path.read_text() for path in paths if not _is_a_persons(path)}
    assert found_merges(own) == []


def found_merges(sources: dict[str, str]) -> list[str]:
    """File and line of strings in calls that are git's command, or end an address, and merge."""
    found = []
    for name, source in ((name, text) for name, text in sources.items() if "merge" in text):
        for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
            inside = [part for given in call.args for part in ast.walk(given) if isinstance(part, ast.Constant)]
            words = [str(part.value) for part in inside]
            is_git = "git" in words and "merge" in words
            found += [f"{name}:{call.lineno}"] * (is_git or any(w.endswith(("/merge", "/merges")) for w in words))
    return found


def _is_a_persons(path: Path) -> bool:
    return any(name in path.parts for name in PERSONS_HANDS)


def test_what_tasks_manage_is_read_with_file_and_line_and_nothing_is_run() -> None:
    hostile = "- &a\n  debug: [*a, *a]\n- !!python/object/apply:os.system ['touch /tmp/x']\n"
    found = managing.uses_of({**FILES, "tasks/hostile.yml": hostile, "tasks/broken.yml": "a: [", "README.md": "/etc/x"})
    path = "/etc/systemd/journald.conf.d/size.conf"
    assert found == [
        Use("service", "systemd-journald", "handlers/main.yml", 4),
        Use("path", path, "tasks/backout.yml", 4),
        Use("path", path, "tasks/main.yml", 4),
    ]
    templated = "- ansible.builtin.file:\n    path: '/var/{{ x }}'\n- ansible.builtin.apt:\n    pkg: [vim, nano]\n"
    assert [use.value for use in managing.uses_of({"tasks/main.yml": templated})] == ["vim", "nano"]


@pytest.fixture
def looked(tmp_path: Path, settings: Any, db: None) -> Bare:
    """A role repository as the demonstration has it, with a merged role in two versions, looked at once."""
    path = tmp_path / "roles.git"
    assert demo.make(path, at=timezone.now())
    assert not demo.make(path, at=timezone.now())
    bare = Bare(path)
    for number, text in ((9, "old"), (10, FILES["tasks/main.yml"])):
        bare.commit({f"roles/generated/{number}/log_cap/tasks/main.yml": text})
    settings.ROLE_REPOSITORY = remote(str(path))
    assert following.follow(at=timezone.now()) == "Looked at 0 requests."
    return bare


def test_pages_know_which_role_manages_what_without_asking_git(looked: Bare) -> None:
    managers = reading.managers_of(["/etc/logrotate.conf", "/etc/nothing"])
    assert [(each.role, each.folder, each.file, each.line) for each in managers] == [
        ("logrotate_base", "roles/logrotate_base", "tasks/main.yml", 9)
    ]
    assert [each.role for each in reading.managers_of(["/etc/systemd/journald.conf.d/**"])] == ["log_cap"]
    assert reading.managers_of(["/etc/systemd/journald.conf.d/"], but="log_cap") == []
    assert reading.managers_of(["/etc/log"]) == reading.managers_of([]) == []
    assert [each.role for each in reading.managers_of_services(["logrotate.timer"])] == ["logrotate_base"]
    assert [each.role for each in reading.managers_of_packages(["logrotate"])] == ["logrotate_base"]


def test_the_merged_version_of_a_role_is_the_newest_and_follows_the_main_branch(looked: Bare) -> None:
    assert reading.merged_files("log_cap") == {"tasks/main.yml": FILES["tasks/main.yml"]}
    assert reading.merged_files("unknown") == {}
    known = reading.known()
    assert known
    assert known.commit == looked.branches()["main"]
    read = dict(MergedRole.objects.values_list("path", "seen_at"))
    looked.commit({"roles/generated/10/log_cap/tasks/main.yml": "newer"})
    following.follow(at=timezone.now())
    assert reading.merged_files("log_cap") == {"tasks/main.yml": "newer"}
    assert MergedRole.objects.get(path="roles/logrotate_base").seen_at == read["roles/logrotate_base"]
    looked.run("update-ref", "refs/heads/main", looked.run("rev-parse", "main~3").strip())
    following.follow(at=timezone.now())
    assert list(MergedRole.objects.values_list("path", flat=True)) == ["roles/logrotate_base"]


def test_a_repository_that_does_not_answer_leaves_what_is_known_and_says_since_when(looked: Bare) -> None:
    before = reading.known()
    looked.path.rename(looked.path.with_name("moved.git"))
    assert following.follow(at=timezone.now()).startswith("Could not look")
    known = reading.known()
    assert known
    assert before
    assert (known.commit, known.looked_at) == (before.commit, before.looked_at)
    assert "does not appear to be a git repository" in known.says
    assert reading.managers_of(["/etc/logrotate.conf"])


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", ".git/hooks/x", "a/.git/x", "a//b", "a\nb", "", ".", "-x"])
def test_a_file_with_a_name_that_leaves_the_role_is_never_committed(name: str) -> None:
    by = trees.Signature("x", "x@localhost", timezone.now())
    with pytest.raises(git.Rejected):
        trees.stream(base="", folder="roles/a", files={name: "x"}, message="m", by=by, ref="refs/heads/x")


def test_a_request_carries_no_secret_out_of_the_site_and_no_more_evidence_than_one_reads() -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"
    said = content(root_cause=f"token={token}", hypothesis=key, evidence=[Cited("E1", f"{token} {'x ' * 5_000}")])
    readme = writing.readme(said, digest="a" * 64, ticket_url="http://localhost/tickets/X")
    message = writing.message(said, digest="a" * 64, request=1)
    for text in (readme, message):
        assert "a1B2c3D4" not in text.replace("\\", "")
        assert "MIIEow" not in text
    assert "a" * 64 in readme
    assert len(readme) < 4_000


@pytest.mark.parametrize("system", sorted(ci.SYSTEMS))
def test_pipelines_are_plain_yaml_and_pin_what_is_installed_here(tmp_path: Path, system: str) -> None:
    call_command("role_repository", ci=system, out=tmp_path, stdout=io.StringIO())
    path, _ = ci.SYSTEMS[system]
    text = (tmp_path / path).read_text()
    assert yaml.safe_load(text)
    assert all(pin in text for pin in ci.pins())
    assert "ansible-lint==" in text
    assert "sh ci/check-roles.sh" in text


def test_names_in_a_scope_are_names_whatever_yaml_makes_of_them() -> None:
    words = ["true", "no", "null", "3.10", "0x10", "a: b", "c\n  - d", "*e", "#f"]
    text = packing.scope_text("on", Scope(("/etc/motd",), tuple(words), tuple(words)))
    assert yaml.safe_load(text) == {"name": "on", "paths": ["/etc/motd"], "services": words, "packages": words}


def test_a_link_in_a_checkout_leads_the_pipelines_files_nowhere(tmp_path: Path) -> None:
    checkout, outside = tmp_path / "checkout", tmp_path / "outside"
    outside.mkdir()
    checkout.mkdir()
    (checkout / "ci").symlink_to(outside)
    with pytest.raises(CommandError, match="leads out of the checkout"):
        call_command("role_repository", ci="github", out=checkout, stdout=io.StringIO())
    assert not list(outside.iterdir())


def test_a_demonstration_that_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "roles.git"
    assert demo.make(path, at=timezone.now())
    path.rename(path.with_suffix(".unfinished"))
    assert demo.make(path, at=timezone.now() + timedelta(days=1))
    assert Bare(path).branches().keys() == {"main"}


def test_the_checks_of_the_repository_pass_a_request_and_stop_what_somebody_changed_in_it(tmp_path: Path) -> None:
    """The generated files, run as a pipeline would: static gate, syntax, lint."""
    role = content(files=CLEAN, paths=["/etc/motd"])
    wanted = writing.files_of(role, digest=roles.digest_of("log_cap", CLEAN), ticket_url="http://localhost/tickets/X")
    files = {**{f"roles/generated/7/{path}": text for path, text in wanted.items()}, **ci.files_for("github")}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(text.encode() if isinstance(text, str) else text)
    passed = _checks(tmp_path)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    tasks = tmp_path / "roles/generated/7/log_cap/tasks/main.yml"
    tasks.write_text(tasks.read_text().replace("/etc/motd", "/etc/shadow"))
    stopped = _checks(tmp_path)
    assert stopped.returncode == 1
    assert "tasks/main.yml" in stopped.stdout


def _checks(where: Path) -> subprocess.CompletedProcess[str]:
    surroundings = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(where),
        "LC_ALL": "C.UTF-8",
    }
    return subprocess.run(
        ["sh", "ci/check-roles.sh"], cwd=where, env=surroundings, check=False, capture_output=True, text=True
    )


CLEAN = {
    "tasks/main.yml": """---
- name: Say where this host belongs
  ansible.builtin.copy:
    dest: /etc/motd
    content: "A log shipper.\\n"
    owner: root
    group: root
    mode: "0644"
""",
    "tasks/backout.yml": """---
- name: Say what was said before
  ansible.builtin.copy:
    dest: /etc/motd
    content: "A host.\\n"
    owner: root
    group: root
    mode: "0644"
""",
    "tasks/verify.yml": """---
- name: Look for the message
  ansible.builtin.stat:
    path: /etc/motd
  register: log_cap_motd

- name: Require the message
  ansible.builtin.assert:
    that:
      - log_cap_motd.stat.exists
""",
    "meta/main.yml": demo._META.replace("logrotate_base", "log_cap"),
}
