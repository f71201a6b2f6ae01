"""Law 5: a process starts only without the secrets of the others, and secrets are kept where only their owner reads."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from portal.launch import vault
from portal.launch.installation import ROOT

EVERYTHING = {
    "SECRET_KEY": "s",
    "ANTHROPIC_API_KEY": "a",
    "LAB_READ_TOKEN": "r",
    "LAB_WRITE_TOKEN": "w",
    "VCENTER_READ_TOKEN": "r",
    "VCENTER_WRITE_TOKEN": "w",
    "MAIL_PASSWORD": "m",
    "SEAL_KEY": "k",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_ACCESS_KEY_ID": "x",
    "SSH_AUTH_SOCK": "/run/agent",
    "KUBECONFIG": "/etc/kube",
    "GPG_KEY": "public",
    "PATH": "/usr/bin",
}


@pytest.mark.parametrize(
    ("process", "held"),
    [
        ("web", {"SECRET_KEY"}),
        ("drafting", {"SECRET_KEY", "ANTHROPIC_API_KEY"}),
        ("probe", {"SECRET_KEY", "LAB_READ_TOKEN", "VCENTER_READ_TOKEN"}),
        ("execution", {"LAB_READ_TOKEN", "LAB_WRITE_TOKEN", "VCENTER_READ_TOKEN", "VCENTER_WRITE_TOKEN"}),
        ("general", {"MAIL_PASSWORD", "SEAL_KEY"}),
        ("lab", {"LAB_READ_TOKEN", "LAB_WRITE_TOKEN"}),
    ],
)
def test_each_kind_of_process_keeps_its_own_secrets_and_nothing_of_the_others(process: str, held: set[str]) -> None:
    assert set(vault.without_foreign(process, EVERYTHING)) == held | {"GPG_KEY", "PATH"}
    assert vault.foreign(process, vault.without_foreign(process, EVERYTHING)) == []


def test_a_command_typed_by_hand_sees_what_its_operator_sees() -> None:
    assert vault.foreign("command", EVERYTHING) == []


def test_an_empty_value_is_no_secret() -> None:
    assert vault.foreign("web", {"ANTHROPIC_API_KEY": ""}) == []


@pytest.mark.parametrize(
    ("process", "secret"),
    [
        ("web", "LAB_WRITE_TOKEN"),
        ("drafting", "LAB_READ_TOKEN"),
        ("probe", "LAB_WRITE_TOKEN"),
        ("execution", "ANTHROPIC_API_KEY"),
        ("general", "SECRET_KEY"),
    ],
)
def test_a_process_with_a_foreign_secret_ends_with_one_line_that_names_it(process: str, secret: str) -> None:
    answer = _manage({"COUNTERSIGN_PROCESS": process, secret: "leaked"})
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert secret in answer.stderr
    assert "leaked" not in answer.stderr


def test_an_unknown_kind_of_process_ends_with_the_list_of_kinds() -> None:
    answer = _manage({"COUNTERSIGN_PROCESS": "worker"})
    assert answer.returncode == 1
    assert "web, drafting, probe, execution, general" in answer.stderr


def _manage(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "manage.py"), "version"]
    surroundings = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=surroundings)


def test_a_secret_is_made_once_and_found_again_by_the_next_start(tmp_path: Path) -> None:
    first = vault.Keeper(tmp_path / "secrets").get("secret_key")
    assert len(first) >= 40
    assert vault.Keeper(tmp_path / "secrets").get("secret_key") == first
    assert vault.Keeper(tmp_path / "secrets").get("owner_password") != first


def test_kept_secrets_are_for_their_owner_only(tmp_path: Path) -> None:
    vault.Keeper(tmp_path / "secrets").get("secret_key")
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "secrets" / "secret_key").stat().st_mode) == 0o600
