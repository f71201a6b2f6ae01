"""Runs one command in a jail and watches over it: time, memory, processes, output, and whether it is to stop.

All callbacks run in the caller's thread: they may use its database connection.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO

import psutil

from remediation.playbooks import jail

MOST_OUTPUT = 16 * jail.MEBIBYTE
MOST_MEMORY = 2048 * jail.MEBIBYTE
MOST_PROCESSES = 128
LONGEST_LINE = 4 * jail.MEBIBYTE
LOG = 64 * 1024
PULSE = 0.1
LOOK = 0.5
PATIENCE = 10
CUT = "\n[cut here: {left} more bytes]\n"
TOO_LONG = f"It printed a line of more than {LONGEST_LINE // jail.MEBIBYTE} MiB."

OnLine = Callable[[str], None]
IsToStop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended; `error` says why it had to, "" where it ended itself. A mark says where `log` is cut."""

    status: int
    log: str
    milliseconds: int
    error: str
    is_stopped: bool

    @property
    def is_ok(self) -> bool:
        """It ended itself, and well."""
        return not self.error and self.status == 0


@dataclass(slots=True)
class Log:
    """What a command printed, up to a length; what follows is counted."""

    kept: bytearray = field(default_factory=bytearray)
    left: int = 0

    def add(self, piece: bytes) -> None:
        """Keep what there is room for."""
        room = max(LOG - len(self.kept), 0)
        self.kept += piece[:room]
        self.left += len(piece[room:])

    @property
    def text(self) -> str:
        """What was kept, and how much was not."""
        kept = self.kept.decode(errors="replace").replace("\x00", "\ufffd")
        return kept + CUT.format(left=self.left) if self.left else kept


def never() -> bool:
    """Nobody stops this one."""
    return False


def run(
    cell: jail.Cell,
    command: Sequence[str],
    *,
    seconds: int,
    on_line: OnLine | None = None,
    is_to_stop: IsToStop = never,
) -> Ran:
    """Run a command in a jail to its end, or end it and all that it started; raises NoJail where none can be set up.

    `on_line` gets each line of the standard output, and the log only what goes to the standard error; without it both
    are in the log.
    """
    if reason := jail.missing():
        raise jail.NoJail(reason)
    with jail.command_of(cell, command) as (arguments, descriptors, held):
        begun = time.monotonic()
        process = subprocess.Popen(
            arguments,
            stdin=held,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=descriptors,
            env={"PATH": os.defpath},
            start_new_session=True,
        )
        watch = _Watch(process, begun + seconds, f"It took longer than {seconds} seconds.", is_to_stop)
        try:
            log = _follow(process, watch, on_line)
        finally:
            _end(process)
    milliseconds = round((time.monotonic() - begun) * 1000)
    return Ran(process.returncode, log.text, milliseconds, watch.error, watch.is_stopped)


@dataclass(slots=True)
class _Watch:
    """Why a command has to end before it wants to."""

    process: subprocess.Popen[bytes]
    deadline: float
    late: str
    is_to_stop: IsToStop
    error: str = ""
    is_stopped: bool = False
    printed: int = 0
    looked_at: float = 0.0

    def has_seen_enough(self) -> bool:
        """Whether the command is to be ended now; `error` says why."""
        moment = time.monotonic()
        if self.printed > MOST_OUTPUT:
            self.error = f"It printed more than {MOST_OUTPUT // jail.MEBIBYTE} MiB."
        elif moment > self.deadline:
            self.error = self.late
        elif moment - self.looked_at >= LOOK:
            self.looked_at = moment
            self._look()
        return bool(self.error)

    def _look(self) -> None:
        if self.is_to_stop():
            self.error, self.is_stopped = "It was stopped.", True
            return
        memory, processes = _taken_by(self.process.pid)
        if processes > MOST_PROCESSES:
            self.error = f"It started more than {MOST_PROCESSES} processes."
        elif memory > MOST_MEMORY:
            self.error = f"It took more than {MOST_MEMORY // jail.MEBIBYTE} MiB of memory."


def _taken_by(pid: int) -> tuple[int, int]:
    """Bytes of memory and number of processes that a process started."""
    memory = 0
    inside = _started_by(pid)
    for child in inside:
        with contextlib.suppress(psutil.Error):
            memory += child.memory_info().rss
    return memory, len(inside)


def _started_by(pid: int) -> list[psutil.Process]:
    try:
        children: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []
    return children


def _follow(process: subprocess.Popen[bytes], watch: _Watch, on_line: OnLine | None) -> Log:
    """Read what the command prints until it closes both ends, or has to end."""
    log, lines = Log(), _Lines(on_line)
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            if stream:
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, selectors.EVENT_READ)
        while selector.get_map() and not watch.has_seen_enough():
            for key, _ in selector.select(PULSE):
                piece = os.read(key.fd, 65536)
                watch.printed += len(piece)
                if not piece:
                    selector.unregister(key.fileobj)
                elif on_line and key.fileobj is process.stdout:
                    lines.add(piece)
                    watch.error = TOO_LONG if lines.is_too_long else watch.error
                else:
                    log.add(piece)
    while process.poll() is None and not watch.has_seen_enough():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PULSE)
    return log


@dataclass(slots=True)
class _Lines:
    """Puts pieces together into lines."""

    on_line: OnLine | None
    begun: bytearray = field(default_factory=bytearray)

    def add(self, piece: bytes) -> None:
        *whole, rest = bytes(self.begun + piece).split(b"\n")
        self.begun = bytearray(rest)
        for line in whole:
            if self.on_line:
                self.on_line(line.decode(errors="replace"))

    @property
    def is_too_long(self) -> bool:
        """Whether the line that has begun is longer than anybody wants to know."""
        return len(self.begun) > LONGEST_LINE


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the jail if it still runs, and wait for all that it started: with its first process the kernel ends them."""
    inside = _started_by(process.pid) if process.poll() is None else []
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    psutil.wait_procs(inside, timeout=PATIENCE)
    for stream in (process.stdout, process.stderr):
        _close(stream)


def _close(stream: IO[bytes] | None) -> None:
    if stream:
        stream.close()
