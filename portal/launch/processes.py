"""Starts, watches and stops child processes: one thread, one log file each, problems on the terminal."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from portal.launch.children import die_with_parent

PROBLEM = re.compile(r"\b(ERROR|CRITICAL)\b")
LOG_BYTES = 5_000_000  # a longer log is put aside at the next start
GRACE_SECONDS = 10.0
SAID_AFTER_SECONDS = 6.0  # a stop that takes longer says what it waits for
LONGEST_PAUSE = 30.0  # between restarts of a process that keeps dying
SETTLED_SECONDS = 60.0  # a process that lived this long is no longer one that keeps dying


@dataclass(frozen=True, slots=True)
class Program:
    """What to start: a name for logs and people, the command line, its whole environment.

    `grace` is how many seconds it may take to finish what it has in hand when it is told to end. Those that may take
    longer are told first: the others serve them until they are done.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    grace: float = GRACE_SECONDS


@dataclass
class Running:
    """A started program, its output and its history of deaths."""

    program: Program
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    heard: Callable[[str], None]
    started_at: float = field(default_factory=time.monotonic)
    deaths: int = 0
    restart_at: float | None = None
    _rest: bytes = b""

    def feed(self, data: bytes) -> None:
        """Output arrived: into the log, and whole lines to whoever listens."""
        self.log.write(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.heard(line.decode(errors="replace"))


class Processes:
    """The children of the launcher; `say` prints a line for people, `also` is done on every round of watching."""

    def __init__(self, logs: Path, say: Callable[[str], None], also: Callable[[], None]) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._say = say
        self._also = also
        self._selector = selectors.DefaultSelector()
        self._running: list[Running] = []
        self._is_hurried = False

    def start(self, program: Program) -> Running:
        """Start a program and keep it alive from now on."""
        running = self._spawn(program, self._report_problems(program.name))
        self._running.append(running)
        return running

    def run(self, program: Program, heard: Callable[[str], None] | None = None) -> int:
        """Run a program to its end, passing its lines on; the others are served meanwhile. Returns its exit code."""
        running = self._spawn(program, heard or self._report_problems(program.name))
        try:
            while running.process.poll() is None:
                self.turn()
            self._pump(0)
        except BaseException:
            self._end([running], running.program.grace)
            raise
        return running.process.returncode

    def turn(self) -> None:
        """One round of watching: pass output on, restart what died."""
        self._pump(0.1)
        self._also()
        for running in list(self._running):
            if running.process.poll() is not None:
                self._revive(running)

    def stop(self) -> None:
        """Ask every main process to end, then end what is left of their groups; the most patient ones first."""
        for grace in sorted({each.program.grace for each in self._running}, reverse=True):
            self._end([each for each in self._running if each.program.grace == grace], grace)
        self._running = []
        for key in list(self._selector.get_map().values()):
            self._let_go(key)  # what was killed with its group may not have let go of its output yet

    def hurry(self) -> None:
        """Have a stop wait for nobody any more."""
        self._is_hurried = True

    def _revive(self, running: Running) -> None:
        now = time.monotonic()
        if running.restart_at is None:
            settled = now - running.started_at > SETTLED_SECONDS
            running.deaths = 1 if settled else running.deaths + 1
            pause = min(2.0 ** (running.deaths - 1), LONGEST_PAUSE)
            running.restart_at = now + pause
            _kill_group(running.process)
            self._say(
                f"{running.program.name} ended ({_how(running.process.returncode)}); "
                f"starting it again in {pause:.0f} s, see {self._log_path(running.program.name)}"
            )
        elif now >= running.restart_at:
            fresh = self._spawn(running.program, running.heard)
            fresh.deaths = running.deaths
            self._running[self._running.index(running)] = fresh

    def _end(self, ending: Sequence[Running], grace: float) -> None:
        for running in ending:
            if running.process.poll() is None:
                running.process.terminate()  # the main process only: it knows how to end its own workers
        asked_at, has_said = time.monotonic(), False
        while (left := [each.program.name for each in ending if each.process.poll() is None]) and not self._is_hurried:
            waited = time.monotonic() - asked_at
            if waited > grace:
                break
            if waited > SAID_AFTER_SECONDS and not has_said:
                self._say(f"{', '.join(left)}: finishing what is in hand. Ctrl-C again ends it as it stands.")
                has_said = True
            self._pump(0.05)
        for running in ending:
            _kill_group(running.process)
            running.process.wait()
        self._pump(0)

    def _spawn(self, program: Program, heard: Callable[[str], None]) -> Running:
        process = subprocess.Popen(
            program.command,
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - safe: the launcher has one thread
        )
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        running = Running(program, process, self._open_log(program.name), heard)
        self._selector.register(process.stdout, selectors.EVENT_READ, running)
        return running

    def _pump(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            running: Running = key.data
            data = os.read(key.fd, 65536)
            if data:
                running.feed(data)
            else:
                self._let_go(key)

    def _let_go(self, key: selectors.SelectorKey) -> None:
        self._selector.unregister(key.fileobj)
        key.data.log.close()
        key.fileobj.close()  # type: ignore[union-attr]

    def _open_log(self, name: str) -> IO[bytes]:
        path = self._log_path(name)
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.old"))
        return path.open("ab", buffering=0)

    def _log_path(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _report_problems(self, name: str) -> Callable[[str], None]:
        def report(line: str) -> None:
            if PROBLEM.search(line):
                self._say(f"{name} | {line}")

        return report


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # it leads its own session, so nobody else is in the group


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"code {code}"
