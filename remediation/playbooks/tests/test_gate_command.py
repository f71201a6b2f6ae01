"""The gate as a command: over folders, packed into one file, in the formats that CI reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from remediation.playbooks import gate
from remediation.playbooks.gate import packing
from remediation.playbooks.gate.command import main
from remediation.playbooks.tests.roles_base import BASE, NAME, SCOPE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The good role in a folder, its scope and a README beside its files."""
    root = tmp_path / NAME
    for path, text in {**BASE, "scope.yml": packing.scope_text(NAME, SCOPE), "README.md": "# {{ read me }}\n"}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def change(folder: Path, path: str, old: str, new: str) -> None:
    (folder / path).write_text((folder / path).read_text().replace(old, new))


def test_a_good_folder_ends_with_0_and_a_bad_one_with_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder)]) == 0
    assert "passed, 2 to confirm" in capsys.readouterr().out
    change(folder, "tasks/main.yml", "/etc/tmpfiles.d", "/etc/other.d")
    assert main([str(folder)]) == 1
    assert f"{folder}/tasks/main.yml:6: scope: /etc/other.d/clean-tmp.conf lies outside" in capsys.readouterr().out


def test_a_scope_may_stand_elsewhere_and_without_one_nothing_begins(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = (folder / "scope.yml").rename(tmp_path / "mine.yml")
    assert main([str(folder)]) == 2
    assert main([str(folder), "--scope", str(elsewhere)]) == 0
    elsewhere.write_text("---\npaths: &a []\n")
    assert main([str(folder), "--scope", str(elsewhere)]) == 2
    elsewhere.write_text("---\nroles: []\n")
    assert main([str(folder), "--scope", str(elsewhere)]) == 2
    elsewhere.write_text("---\nservices: []\npaths:\n  /etc: all\n")
    assert main([str(folder), "--scope", str(elsewhere)]) == 2
    said = capsys.readouterr().err
    assert "An anchor" in said
    assert "mine.yml:3: paths is not a list" in said


def test_a_folder_that_the_system_does_not_open_is_no_verdict(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder / ("x" * 300)), "--scope", str(folder / "scope.yml")]) == 2
    assert "File name too long" in capsys.readouterr().err


def test_its_formats_can_be_read_by_programs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(folder, "tasks/main.yml", "# REVIEW", "# Review")
    assert main([str(folder), "--format", "json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["ruleset"] == gate.RULESET
    assert [each["rule"] for each in said["roles"][0]["findings"]] == ["review"]
    assert main([str(folder), "--format", "github"]) == 1
    error, *_ = capsys.readouterr().out.splitlines()
    assert error.startswith(
        f"::error file={folder}/tasks/main.yml,line=3,title=review::This task (template) changes /etc"
    )


def test_packed_it_runs_with_python_and_pyyaml_alone(folder: Path, tmp_path: Path) -> None:
    packed = tmp_path / "role-gate.pyz"
    call_command("role_gate", out=str(packed))
    assert packed.read_bytes() == packing.packed()
    alone = {"PATH": os.environ["PATH"]}
    command = [sys.executable, "-P", str(packed), str(folder)]
    ran = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    change(folder, "tasks/main.yml", "template:", "shell:")
    change(folder, "tasks/backout.yml", "/etc/tmpfiles.d", "/größe")
    plain = {**alone, "PYTHONIOENCODING": "ascii"}
    ran = subprocess.run(command, cwd=tmp_path, env=plain, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "hands a line to a shell" in ran.stdout
    assert r"/gr\xf6\xdfe/clean-tmp.conf is not" in ran.stdout
    command.insert(1, "-S")  # without what is installed beside Python
    ran = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (2, "The gate needs PyYAML: No module named 'yaml'.\n")


def test_it_says_where_it_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("role_gate", out=str(tmp_path / "nowhere" / "gate.pyz"))


def test_a_folder_is_read_as_it_is(folder: Path) -> None:
    files = gate.read_folder(folder)
    assert {path: files[path] for path in BASE} == BASE


@pytest.mark.parametrize("link", ["tasks/more.yml", "files"])
def test_links_are_not_followed(folder: Path, link: str) -> None:
    (folder / link).symlink_to("/etc")
    with pytest.raises(gate.Unreadable, match="is a link") as refused:
        gate.read_folder(folder)
    assert [each.file for each in refused.value.findings] == [link]


@pytest.mark.parametrize(
    ("path", "content", "says"),
    [
        ("templates/big.j2", b"x" * 1_000_000, "is bigger than"),
        ("templates/latin.j2", "größe".encode("latin-1"), "is not UTF-8"),
        ("templates/größe.j2", b"x", "is an odd name"),
        ("templates/a b.j2", b"x", "is an odd name"),
        (".hidden", b"x", "is an odd name"),
        ("a/b/c/d/e/f.yml", b"x", "is no file"),
    ],
)
def test_what_a_role_never_holds_is_not_read(folder: Path, path: str, content: bytes, says: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)
    with pytest.raises(gate.Unreadable, match=says):
        gate.read_folder(folder)
    assert main([str(folder)]) == 1


def test_too_many_files_are_not_read(folder: Path) -> None:
    for number in range(70):
        (folder / "templates" / f"{number}.j2").write_text("x")
    with pytest.raises(gate.Unreadable, match="more than 60 files"):
        gate.read_folder(folder)


def test_neither_a_link_nor_a_pipe_nor_nothing_is_a_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    os.mkfifo(folder / "tasks" / "pipe.yml")
    for place, says in (
        (tmp_path / "link", "not a folder"),
        (tmp_path / "none", "not a folder"),
        (folder, "is no file"),
    ):
        with pytest.raises(gate.Unreadable, match=says):
            gate.read_folder(place)
