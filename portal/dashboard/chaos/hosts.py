"""The hosts of execution workers under attack: their processes, and the line to the database that one hangs on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psutil
import psycopg
from django.conf import settings

from portal.launch.children import die_with_parent
from portal.launch.processes import Processes, Program

SKEW_SECONDS = 30.0
HOST = "portal.dashboard.chaos.host"
LINE = ".s.PGSQL.5432"
"""The socket's name, as every client of PostgreSQL expects it."""


class Hosts:
    """Three hosts, each with its own supervisor: one as any other, one whose clock is wrong, one behind a line."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *, processes: int) -> None:
        self.url = environment["DATABASE_URL"]
        self._folder = folder
        self._environment = {**environment, "PYTHONPATH": str(settings.BASE_DIR)}
        self._processes = processes
        self._children = Processes(folder / "log", say=lambda _: None, also=lambda: None)
        self._line: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """All three."""
        line = self._folder / "line"
        line.mkdir(exist_ok=True)
        (line / LINE).unlink(missing_ok=True)
        sockets = psycopg.conninfo.conninfo_to_dict(self.url)["host"]
        command = [sys.executable, "-m", "portal.dashboard.chaos.line", str(line / LINE), f"{sockets}/{LINE}"]
        self._line = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env={"PATH": os.environ["PATH"]},
            preexec_fn=die_with_parent,  # noqa: PLW1509 - safe: this process has one thread
        )
        self._host("host-1", self.url)
        self._host("host-2", self.url, "--skew", str(SKEW_SECONDS))
        self._host("host-3", _through(str(line), self.url))

    def turn(self) -> None:
        """One round of watching: what died is started again."""
        self._children.turn()

    def stop(self) -> None:
        """Everything that was started here, whatever state it is in."""
        self.hold_line(is_held=False)
        self._children.stop()
        if self._line:
            self._line.kill()
            self._line.wait()

    def hold_line(self, *, is_held: bool) -> None:
        """Let nothing pass between the third host and the database, or let it pass again."""
        if self._line:
            line = psutil.Process(self._line.pid)
            line.suspend() if is_held else line.resume()

    def supervisors(self) -> list[psutil.Process]:
        """The main process of every host that is up."""
        return [each for each in psutil.Process().children() if HOST in _command(each)]

    def _host(self, name: str, url: str, *options: str) -> None:
        command = [sys.executable, "-m", HOST, *options, "--processes", str(self._processes)]
        self._children.start(Program(name, command, self._environment | {"DATABASE_URL": url}))


def _through(folder: str, url: str) -> str:
    """The same database through a socket in another folder."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query)) | {"host": folder}
    return urlunsplit(parts._replace(query=urlencode(options)))


def _command(process: psutil.Process) -> list[str]:
    """Its command line; empty for one that is gone."""
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
