"""`make run` as people meet it: it comes up, survives being killed, goes away whole, or says in one line why not."""

import http.client
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
import pytest

from portal.launch import installation, leftovers, vault
from portal.launch.installation import ROOT

pytestmark = pytest.mark.early
PATIENCE = 120.0


class Terminal:
    """A launcher started as `make run` starts it, on a data folder of its own."""

    def __init__(self, data: Path, port: int) -> None:
        self.data, self.port = data, port
        self.started: list[subprocess.Popen[str]] = []

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, "DATA_DIR": str(self.data), "PORT": str(self.port)}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "portal.launch", *arguments],
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def finish(self, *arguments: str) -> tuple[int, str]:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, output

    def leave(self) -> None:
        for process in self.started:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE)
        leftovers.end(self.data)

    def status(self, query: str = "") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", f"/login{query}")
            return connection.getresponse().status
        finally:
            connection.close()

    def has_database(self) -> bool:
        try:
            psycopg.connect((self.data / "secrets" / "owner_url").read_text()).close()
        except psycopg.OperationalError:
            return False
        return True


@pytest.fixture
def terminal(folder: Path) -> Iterator[Terminal]:
    terminal = Terminal(folder / "data", installation.any_port())
    yield terminal
    terminal.leave()


def read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if words in line:
            return seen
    pytest.fail(f"ended without saying {words!r}:\n{seen}")


def kinds_with_only_their_own_secrets(data: Path) -> set[str]:
    """Law 5 as the system sees it: the environments of the running processes."""
    seen = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            environment = process.environ()
            if environment.get(leftovers.MARK) == str(data):
                kind = environment["COUNTERSIGN_PROCESS"]
                seen.add(kind if vault.foreign(kind, environment) == [] else f"{kind} holds too much")
    return seen


def test_it_comes_up_survives_a_kill_runs_a_command_and_leaves_nothing_behind(terminal: Terminal) -> None:
    terminal.data.mkdir()
    (terminal.data / "walked").touch()  # the walkthrough has tests of its own
    first = terminal.start()
    read_until(first, "Ctrl-C stops everything")
    assert terminal.status() == terminal.status(f"?text={quote('🔥' * 500)}") == http.client.OK
    assert kinds_with_only_their_own_secrets(terminal.data) == {"web", "lab", *installation.CLUSTERS}
    code, refusal = terminal.finish()
    assert (code, refusal.count("\n")) == (2, 1)
    assert "already runs" in refusal

    first.kill()
    first.communicate()
    second = terminal.start()
    output = read_until(second, "Ctrl-C stops everything")
    assert "Preparing the database" not in output
    assert terminal.status() == http.client.OK

    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=PATIENCE)
    assert second.returncode == 0
    assert leftovers.end(terminal.data) == 0
    assert not terminal.has_database()

    code, output = terminal.finish("--then", "showmigrations", "access", "--plan")
    assert code == 0, output
    assert "[X]  access.0001_initial" in output
    assert not terminal.has_database()


def test_a_busy_port_is_one_line(terminal: Terminal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", terminal.port))
        taken.listen()
        code, output = terminal.finish()
    assert code == 2
    assert output == f"Port {terminal.port} is busy: stop what uses it, or choose another: make run PORT=8001.\n"


@pytest.mark.parametrize("port", ["0", "70000", "http"])
def test_a_port_that_is_none_is_one_line(terminal: Terminal, port: str) -> None:
    terminal.port = port  # type: ignore[assignment]
    assert terminal.finish() == (2, f"PORT={port} is not a port: use a number between 1 and 65535.\n")


def test_an_unwritable_folder_is_one_line(terminal: Terminal) -> None:
    terminal.data = Path("/proc/countersign")  # not even root writes there
    code, output = terminal.finish()
    assert (code, output.count("\n")) == (2, 1)
    assert "name a folder of yours in DATA_DIR" in output


def test_a_database_that_does_not_answer_is_one_line(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"postgres://nobody@127.0.0.1:{installation.any_port()}/none"
    surroundings = terminal.environment() | {"DATABASE_URL": url}
    monkeypatch.setattr(terminal, "environment", lambda: surroundings)
    code, output = terminal.finish()
    assert (code, output.count("\n")) == (2, 1)
    assert output.startswith("DATABASE_URL cannot be used: ")


def test_an_old_python_is_one_line(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "remediation"):
        (tmp_path / name).symlink_to(ROOT / name)
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(old.stat().st_mode | stat.S_IXUSR)
    answer = subprocess.run(
        ["make", "--silent", "run", f"PYTHON={old}"], check=False, cwd=tmp_path, capture_output=True, text=True
    )
    assert answer.returncode == 2
    assert (
        answer.stdout == "Python 3.9.2 is too old: Countersign needs 3.11 or newer. Name one: make PYTHON=python3.12\n"
    )
