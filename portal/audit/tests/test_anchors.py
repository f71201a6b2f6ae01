"""The anchor file: only appended to, whole lines only, and what a crash left in it is told from what somebody wrote."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict
from pathlib import Path

import pytest
from pytest_django import Settings

from portal.audit import anchors, sealing
from portal.audit.anchors import File, Unreadable
from portal.audit.sealing import Checkpoint, SealText
from portal.audit.tests.test_verifying import Remembering

KEY = sealing.private_key("A" * 43)


def checkpoint(number: int) -> Checkpoint:
    return SealText(number, "ab" * 32, 10, (), 1, "cd" * 32, "2026-05-04T03:00:00.000000Z").signed(KEY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "anchor.jsonl"


def test_what_is_appended_comes_back_in_order_and_nothing_twice(path: Path) -> None:
    anchor = File(str(path))
    assert anchor.last() is None
    assert list(anchor.all()) == []
    for number in (1, 2, 2, 1, 5):
        anchor.append(checkpoint(number))
    assert [each.number for each in anchor.all()] == [1, 2, 5]
    assert anchor.last() == checkpoint(5)
    assert path.stat().st_mode & 0o007 == 0


def test_the_file_is_only_ever_appended_to(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    real = os.open

    def watched(name: Path, flags: int, mode: int = 0o777) -> int:
        opened.append(flags)
        return real(name, flags, mode)

    monkeypatch.setattr(os, "open", watched)
    File(str(path)).append(checkpoint(1))
    flags = next(each for each in opened if each & os.O_WRONLY)
    assert flags & os.O_APPEND
    assert not flags & os.O_TRUNC


@pytest.mark.parametrize("cut", [1, 50, 200])
def test_what_a_crash_cut_short_is_written_again(path: Path, cut: int) -> None:
    anchor = File(str(path))
    anchor.append(checkpoint(1))
    line = json.dumps(asdict(checkpoint(2)), sort_keys=True)
    with path.open("a") as file:
        file.write(line[:cut])
    assert anchor.last() == checkpoint(1)
    assert [each.number for each in anchor.all()] == [1]
    anchor.append(checkpoint(2))
    assert [each.number for each in anchor.all()] == [1, 2]


@pytest.mark.parametrize(
    "text",
    ["rubbish\n", '{"number": 1}\n', "[]\n", "rubbish\nrubbish\n", "{}\n" + json.dumps(asdict(checkpoint(2))) + "\n"],
)
def test_what_no_sealer_wrote_is_not_passed_over(path: Path, text: str) -> None:
    anchor = File(str(path))
    anchor.append(checkpoint(1))
    with path.open("a") as file:
        file.write(text)
    with pytest.raises(Unreadable, match="not a checkpoint"):
        list(anchor.all())


def test_sealers_at_once_do_not_mix_their_lines(path: Path) -> None:
    threads = [threading.Thread(target=_append_all, args=(path,)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    numbers = [each.number for each in File(str(path)).all()]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 49


def _append_all(path: Path) -> None:
    for number in range(1, 50):
        File(str(path)).append(checkpoint(number))


def test_another_place_needs_a_class_with_three_methods(settings: Settings) -> None:
    settings.AUDIT_ANCHOR_CLASS = "portal.audit.tests.test_anchors.Elsewhere"
    settings.AUDIT_ANCHOR = "somewhere"
    anchor = anchors.configured()
    anchor.append(checkpoint(1))
    assert isinstance(anchor, Elsewhere)
    assert (anchor.address, anchor.last()) == ("somewhere", checkpoint(1))


class Elsewhere(Remembering):
    def __init__(self, address: str) -> None:
        super().__init__([])
        self.address = address
