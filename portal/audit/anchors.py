"""Where the tip of the chain is written down outside the database, so that a shortened or replaced chain is found out.

The default is a file that is only ever appended to. Another place needs a class with the three methods of Anchor whose
constructor takes the address: name it in AUDIT_ANCHOR_CLASS and the address in AUDIT_ANCHOR.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from portal.audit.sealing import Checkpoint

_LONGEST_LINE = 4096


class Anchor(Protocol):
    """Keeps checkpoints in the order of their numbers, and gives them back as they were written."""

    def last(self) -> Checkpoint | None:
        """The newest checkpoint; None when there is none yet. Raises Unreadable."""

    def append(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint for good before returning; one that is not newer than the last is left out."""

    def all(self) -> Iterator[Checkpoint]:
        """Every checkpoint, oldest first. Raises Unreadable."""


class Unreadable(Exception):
    """Something stands in the anchor that no sealer wrote; the message says where."""


class File:
    """One checkpoint a line, as JSON. `chattr +a` on the file keeps even its owner from changing it."""

    def __init__(self, address: str) -> None:
        self._path = Path(address)

    def last(self) -> Checkpoint | None:
        """Reads the end of the file only."""
        if not self._path.exists():
            return None
        with self._path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 2 * _LONGEST_LINE))
            *lines, _unfinished = file.read().decode(errors="replace").split("\n")
        last = _read(lines[-1]) if lines else None
        if lines and last is None:
            raise Unreadable(f"{self._path} ends in something that is not a checkpoint")
        return last

    def append(self, checkpoint: Checkpoint) -> None:
        """One write, then fsync. Sealers take turns."""
        with self._locked() as file:
            last = self.last()
            if last is None or last.number < checkpoint.number:
                text = json.dumps(asdict(checkpoint), sort_keys=True)
                os.write(file, f"{'' if self._ends_well() else chr(10)}{text}\n".encode())
                os.fsync(file)

    def all(self) -> Iterator[Checkpoint]:
        """Line by line. What a crash cut short is passed over if the next line repeats and completes it."""
        cut_short = ""
        for number, line in enumerate(self._lines(), start=1):
            checkpoint = _read(line)
            if (checkpoint is None and cut_short) or not line.startswith(cut_short):
                raise Unreadable(f"line {number - 1} of {self._path} is not a checkpoint")
            if checkpoint is None:
                cut_short = line
                continue
            cut_short = ""
            yield checkpoint
        if cut_short:
            raise Unreadable(f"{self._path} ends in something that is not a checkpoint")

    def _lines(self) -> Iterator[str]:
        """Finished lines, without their ends."""
        if self._path.exists():
            with self._path.open(errors="replace") as file:
                yield from (line[:-1] for line in file if line.endswith("\n"))

    def _ends_well(self) -> bool:
        with self._path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            return file.read() in (b"", b"\n")

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)


def configured() -> Anchor:
    """The anchor of this installation."""
    anchor: Anchor = import_string(settings.AUDIT_ANCHOR_CLASS)(settings.AUDIT_ANCHOR)
    return anchor


def _read(line: str) -> Checkpoint | None:
    try:
        return Checkpoint(**json.loads(line))
    except (ValueError, TypeError):
        return None
