"""Databases for tests: one server for all workers, one migrated template per state of the migrations, clones of it."""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from portal.launch import roles
from portal.launch.postgres import CannotStart, Server

HASTE = {  # a test database need not survive a power cut
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "autovacuum_naptime": "1s",  # what tests roll back piles up, and everything that follows reads past it
    "autovacuum_vacuum_threshold": "500",
    "autovacuum_analyze_threshold": "1000000",  # plans are those of a new database, whatever ran before
}
TEMPLATES_KEPT = 4  # a few branches back and forth without migrating again
CLONE = "CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY FILE_COPY"  # in memory half the work of copying by the log
MEMORY = Path("/dev/shm")  # noqa: S108 - for a folder with a name and an owner of its own
ROOM_IN_MEMORY = 2 * 2**30
_numbers = itertools.count(1)


class TestServer:
    """The server of one checkout, shared by every test process; the last one to leave stops it.

    A clone is some 800 files, and a file system on a disk may take a second to make them: where there is `memory`
    to spare, the data lives there, and `folder` leads to it.
    """

    __test__ = False

    def __init__(self, folder: Path, memory: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._memory = memory if memory and memory.is_dir() else None
        self._users = (folder / "users.lock").open("w")
        with self._alone():
            self._server = self._started()
            fcntl.flock(self._users, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Stop the server unless somebody else is using it."""
        with self._alone():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                fcntl.flock(self._users, fcntl.LOCK_UN)
            else:
                self._server.stop()
            self._users.close()

    def url(self, database: str, user: str = roles.OWNER) -> str:
        return self._server.url(user, database=database)

    def template(self, key: str, migrate: Callable[[str], None]) -> str:
        """The name of a database prepared by `migrate(name)`, made at most once per `key`."""
        name = f"template_{key}"
        with self._alone(), self._admin() as admin:
            if not self._exists(admin, name):
                self._sweep(admin)
                unfinished = f"unfinished_{key}"
                admin.execute(_statement("CREATE DATABASE {} OWNER {}", unfinished, roles.OWNER))
                roles.make_runtime_roles(self._server.url(database=unfinished), passwords={})
                migrate(unfinished)
                admin.execute(_statement("ALTER DATABASE {} RENAME TO {}", unfinished, name))
        return name

    @contextmanager
    def clone(self, template: str) -> Iterator[str]:
        """A fresh copy of a template, dropped at the end."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        with self._admin() as admin:
            admin.execute(_statement(CLONE, name, template, roles.OWNER))
        try:
            yield name
        finally:
            with self._admin() as admin:
                self._drop(admin, name)
                admin.execute(
                    "VACUUM pg_shdepend"
                )  # all databases share it: each clone would add to what later ones read

    def _started(self) -> Server:
        """The running server; one that cannot start any more is thrown away, its data is only tests'."""
        data = self._folder / "postgres"
        try:
            server = self._start(data)
        except CannotStart:
            shutil.rmtree(data.resolve(), ignore_errors=True)
            data.unlink(missing_ok=True)
            server = self._start(data)
        roles.make_owner(server.url(), password="")
        return server

    def _start(self, data: Path) -> Server:
        self._place(data)
        server = Server(data, auth="trust", settings=HASTE, outlives_us=True)
        server.start()
        return server

    def _place(self, data: Path) -> None:
        """Let `data` lead into memory, unless it is somewhere already; a restart of the machine empties memory."""
        if data.is_symlink() and not data.exists():
            data.unlink()
        if self._memory and not data.exists() and shutil.disk_usage(self._memory).free > ROOM_IN_MEMORY:
            data.symlink_to(tempfile.mkdtemp(prefix="countersign-tests-", dir=self._memory))

    def _sweep(self, admin: psycopg.Connection) -> None:
        """Drop what killed test processes left behind or half made, and all but the newest templates."""
        rows = admin.execute("SELECT datname FROM pg_database ORDER BY oid DESC").fetchall()
        names = [str(name) for (name,) in rows]
        left = [name for name in names if name.startswith("test_") and not psutil.pid_exists(int(name.split("_")[1]))]
        old = [name for name in names if name.startswith("template_")][TEMPLATES_KEPT:]
        begun = [name for name in names if name.startswith("unfinished_")]
        for name in (*left, *old, *begun):
            self._drop(admin, name)

    @staticmethod
    def _exists(admin: psycopg.Connection, name: str) -> bool:
        return admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None

    @staticmethod
    def _drop(admin: psycopg.Connection, name: str) -> None:
        admin.execute(_statement("DROP DATABASE IF EXISTS {} WITH (FORCE)", name))

    def _admin(self) -> psycopg.Connection:
        return psycopg.connect(self._server.url(), autocommit=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / "alone.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextmanager
def copy_of(source: str) -> Iterator[Server]:
    """A server that nobody else uses, to be stopped and killed, with a copy of the database behind this URL."""
    folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
    folder.chmod(0o755)  # the server runs as somebody else if we are root
    settings = HASTE | {"synchronous_commit": "on"}  # what was committed outlives the server, not the machine
    server = Server(folder / "postgres", auth="trust", settings=settings)
    server.start()
    try:
        roles.make_owner(server.url(), password="")
        roles.make_runtime_roles(server.url(database=roles.DATABASE), passwords={})
        dump = subprocess.run([server.binaries / "pg_dump", "-Fc", "-Z0", source], check=True, capture_output=True)
        copy = server.url(roles.OWNER, database=roles.DATABASE)
        restore = [str(server.binaries / "pg_restore"), "--single-transaction", "--dbname", copy]
        subprocess.run(restore, check=True, input=dump.stdout)
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def migrations_key(root: Path, rooms: list[str]) -> str:
    """A short name for the state of everything that shapes a migrated database."""
    digest = hashlib.sha256((root / "requirements.lock").read_bytes())
    for room in rooms:
        folder = root.joinpath(*room.split("."))
        for path in (*sorted(folder.glob("migrations/*.py")), folder / "privileges.py", folder / "tasks.py"):
            if path.exists():
                digest.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _statement(text: str, *names: str) -> sql.Composed:
    return sql.SQL(text).format(*map(sql.Identifier, names))
