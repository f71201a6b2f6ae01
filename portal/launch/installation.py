"""What `make run` runs: which processes, with which environment, and how to tell that they are ready."""

from __future__ import annotations

import errno
import http.client
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.launch import leftovers, vault
from portal.launch.database import CannotRun, Database
from portal.launch.processes import GRACE_SECONDS, Program

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "127.0.0.1"
MADE_HERE = ("SECRET_KEY", "SEAL_KEY", "LAB_READ_TOKEN", "LAB_WRITE_TOKEN", "LAB_ADMIN_TOKEN")  # the last: faults
LAB_HOSTS = "ansible-hosts.yml"
"""How the hosts of the lab are reached, in the lab's folder; the seeds write it."""
LOOKS_SECONDS = 30.0  # for what a step asks before and after its write
LONGEST_WRITES = {"RUN_WRITE_SECONDS": "60", "PLAY_SECONDS": "300"}
CLUSTERS = ("drafting", "probe", "execution", "general")
WORKER = ("--worker-class", "portal.launch.worker.Worker")
"""Options of the web server; with `--timeout` they say how many seconds a request may take to arrive."""


@dataclass(frozen=True, slots=True)
class Installation:
    """One data folder and one port."""

    data: Path
    port: int
    lab_port: int
    keeper: vault.Keeper
    database: Database
    outside: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def lab_url(self) -> str:
        return f"http://{HOST}:{self.lab_port}"

    def environment(self, process: str) -> dict[str, str]:
        """The surroundings of a kind of process: its own secrets and its own database role, nobody else's."""
        made = {name: self.keeper.get(name.lower()) for name in MADE_HERE}
        made["ANSIBLE_HOSTS"] = str(self.data / "lab" / LAB_HOSTS)
        return {
            "AUTO_REMEDIATION_ENABLED": "lab",
            "ROLE_REPOSITORY": str(self.data / "roles.git"),
            **vault.without_foreign(process, made | dict(self.outside)),
            **leftovers.mark(self.data),
            "COUNTERSIGN_PROCESS": process,
            "DATA_DIR": str(self.data),
            "LAB_URL": self.lab_url,
            "PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
            "WALKTHROUGH_URL": self.url,
            "DATABASE_URL": self.database.url(process) if process != "lab" else "",
        }

    def command(self, *words: str) -> Program:
        """A management command, run by the owner of the data."""
        return Program(words[0], [sys.executable, str(ROOT / "manage.py"), *words], self.environment("command"))

    def lab(self) -> Program:
        """The simulated datacentre."""
        folder = str(self.data / "lab")
        command = [sys.executable, "-m", "remediation.connectors.lab", "--port", str(self.lab_port), "--data", folder]
        return Program("lab", command, self.environment("lab"))

    def web(self) -> Program:
        """The site."""
        options = ["--bind", f"{HOST}:{self.port}", "--workers", "2", "--threads", "4", "--preload"]
        options += [*WORKER, "--timeout", "10"]
        options += ["--limit-request-line", "8190"]  # the longest search there is, in any script
        quiet = ["--no-control-socket", "--graceful-timeout", "5", "--access-logfile", "-"]
        command = [sys.executable, "-m", "gunicorn", "portal.wsgi", "--chdir", str(ROOT), *options, *quiet]
        return Program("web", command, self.environment("web"))

    def cluster(self, name: str) -> Program:
        """One cluster of workers; that for execution gets the time that the longest step may take."""
        command = [sys.executable, str(ROOT / "manage.py"), "workers", name]
        grace = self._longest_step() if name == "execution" else GRACE_SECONDS
        return Program(name, command, self.environment(name), grace)

    def _longest_step(self) -> float:
        """How many seconds a step may take: its write, its verify, and the looks before and after."""
        write = max(float(self.outside.get(name, least)) for name, least in LONGEST_WRITES.items())
        settle = float(self.outside.get("RUN_SETTLE_SECONDS", "30"))
        return write + settle + LOOKS_SECONDS


def answers(url: str, path: str) -> bool:
    """Whether somebody serves this address without an error."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < http.client.BAD_REQUEST
    except OSError:
        return False
    finally:
        connection.close()


def data_folder(outside: Mapping[str, str]) -> Path:
    """DATA_DIR, made if need be; everything that the product keeps is in it."""
    data = Path(outside.get("DATA_DIR") or ROOT / "var").absolute()
    try:
        data.mkdir(parents=True, exist_ok=True)
        (data / "log").mkdir(exist_ok=True)
    except OSError as error:
        raise CannotRun(f"{data} cannot be written ({error.strerror}): name a folder of yours in DATA_DIR.") from error
    if not os.access(data, os.W_OK | os.X_OK):
        raise CannotRun(f"{data} cannot be written: name a folder of yours in DATA_DIR.")
    return data


def free_port(outside: Mapping[str, str]) -> int:
    """PORT, if nobody listens there."""
    text = outside.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65536:  # noqa: PLR2004 - the ports there are
        raise CannotRun(f"PORT={text} is not a port: use a number between 1 and 65535.")
    try:
        return _bound(int(text))
    except OSError as error:
        if error.errno == errno.EACCES:
            raise CannotRun(f"Port {text} needs root: choose one above 1023, like make run PORT=8001.") from error
        raise CannotRun(f"Port {text} is busy: stop what uses it, or choose another: make run PORT=8001.") from error


def kept_port(file: Path) -> int:
    """The port of the last start if it is still free, so that what others remember stays true; else a new one."""
    try:
        return _bound(int(file.read_text()))
    except (OSError, ValueError):
        port = any_port()
        file.write_text(str(port))
        return port


def any_port() -> int:
    """A port that nobody uses right now."""
    return _bound(0)


def _bound(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        bound: int = probe.getsockname()[1]
        return bound
