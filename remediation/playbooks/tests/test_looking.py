"""Our own look at a host: what it sees of files, and what it does not stumble over."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from remediation.playbooks import hoststate
from remediation.playbooks.inside import countersign_state as looking
from remediation.playbooks.shapes import State, Thing

TEXT = b"one\ntwo\n"


def looked(*paths: Path, lengths: dict[str, int] | None = None) -> list[dict[str, Any]]:
    asked = {"paths": [str(path) for path in paths], "services": [], "packages": [], "lengths": lengths or {}}
    return looking.look(SimpleNamespace(params=asked))


@pytest.mark.parametrize("begin", range(len(TEXT) + 3))
def test_a_file_has_two_digests(begin: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "PIECE", 3)
    (tmp_path / "log").write_bytes(TEXT)
    whole, entry = looked(tmp_path, lengths={f"{tmp_path}/log": begin})
    assert whole["state"].startswith("folder 0")
    assert entry["state"].endswith(f"{hoststate.DIGEST}{hashlib.sha256(TEXT).hexdigest()}")
    assert entry["length"] == len(TEXT)
    assert entry["prefix"] == (hashlib.sha256(TEXT[:begin]).hexdigest() if begin else "")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"caf\xe9", r"caf\xe9"),
        ("café".encode(), "café"),
        ("cafe\u0301".encode(), r"cafe\u0301"),
        (b"two\nlines", r"two\nlines"),
        ("\u202egpj.exe".encode(), r"\u202egpj.exe"),
        (b"{{ name }}", "{{ name }}"),
    ],
)
def test_names_and_links_come_through_every_text_unchanged(name: bytes, shown: str, tmp_path: Path) -> None:
    Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(TEXT)
    (tmp_path / "~link").symlink_to(os.fsdecode(name))
    found = {thing["name"]: thing for thing in looked(tmp_path, lengths={f"{tmp_path}/{shown}": 3})}
    file, link = found[f"{tmp_path}/{shown}"], found[f"{tmp_path}/~link"]
    assert (file["length"], file["prefix"]) == (len(TEXT), hashlib.sha256(TEXT[:3]).hexdigest())
    assert link["state"].startswith(f"link to {shown} ")
    state = State((Thing(**file), Thing(**link)))
    assert hoststate.read(hoststate.text_of(state)) == state


def test_what_is_not_there_or_goes_meanwhile_is_absent(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(TEXT)
    for path in (tmp_path / "nothing", tmp_path / "file/below"):
        assert [thing["state"] for thing in looked(path)] == [hoststate.ABSENT]


def test_a_link_that_a_scope_names_is_followed_and_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/file").write_bytes(TEXT)
    (tmp_path / "folder").symlink_to("there")
    (tmp_path / "file").symlink_to("there/file")
    (tmp_path / "nowhere").symlink_to("nothing")
    link, entry = looked(tmp_path / "folder")
    assert link["state"].startswith("link to there ")
    assert (entry["name"], entry["length"]) == (f"{tmp_path}/folder/file", len(TEXT))
    (link,) = looked(tmp_path / "file")
    assert hashlib.sha256(TEXT).hexdigest() in link["state"]
    (link,) = looked(tmp_path / "nowhere")
    assert link["state"].startswith("link to nothing ")
    assert {thing["length"] for thing in looked(tmp_path) if thing["state"].startswith("link")} == {0}


def test_a_pipe_holds_nobody_up_and_a_file_of_a_role_is_no_journal(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "own.journal").write_bytes(TEXT)
    assert looking._digests(tmp_path / "pipe", 0)[2] == 0
    assert {Path(thing["name"]).name for thing in looked(tmp_path)[1:]} == {"own.journal", "pipe"}


@pytest.mark.parametrize(("most", "says"), [("MOST_ENTRIES", "1 files"), ("MOST_BYTES", "1 bytes")])
def test_too_much_is_said(most: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, most, 1)
    (tmp_path / "log").write_bytes(TEXT)
    with pytest.raises(looking.TooMuch, match=says):
        looked(tmp_path)
