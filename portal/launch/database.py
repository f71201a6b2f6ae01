"""The database of an installation: embedded or named by DATABASE_URL; its roles; what it was prepared for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from portal.launch import roles
from portal.launch.postgres import CannotStart, Server
from portal.launch.vault import Keeper

ROOMS = ("portal", "patterns", "remediation", "feedback")
SHAPING = frozenset({".py", ".md", ".json", ".yaml", ".yml", ".sql"})


class CannotRun(Exception):
    """Something outside the product stands in the way; the message is one line that says what to do."""


class Database:
    """Starts the server if it is ours, makes the roles, and hands every kind of process its own URL."""

    def __init__(self, folder: Path, keeper: Keeper, server_url: str, log: Path) -> None:
        self._keeper = keeper
        self._server = None if server_url else Server(folder, password=keeper.get("postgres_password"), log=log)
        self.owner_url = server_url

    @property
    def place(self) -> str:
        """Where the data is, for people."""
        return f"embedded PostgreSQL in {self._server.home}" if self._server else "the server of DATABASE_URL"

    def start(self) -> None:
        """Start what is ours, make the roles; afterwards `owner_url` and `url` are good."""
        if self._server:
            self._start_ours(self._server)
        else:
            self._make_runtime_roles(self.owner_url)
            _refuse_other_encodings(self.owner_url)
        self._keeper.put("owner_url", self.owner_url)

    def url(self, process: str) -> str:
        """The URL for a kind of process, under its own role."""
        if process == "command":
            return self.owner_url
        return roles.url_as(self.owner_url, roles.role_of(process), self._password(process))

    def is_prepared_for(self, state: str) -> bool:
        """Whether migrations and seeds of this state of the code have been applied, on this very server."""
        with psycopg.connect(self.owner_url) as connection:
            row = connection.execute("SELECT obj_description(to_regclass('django_migrations'))").fetchone()
            return row is not None and row[0] == _on_this_server(state, connection)

    def was_prepared_for(self, state: str) -> None:
        """Remember it in the database itself: another database starts without the memory."""
        with psycopg.connect(self.owner_url) as connection:
            remembered = sql.Literal(_on_this_server(state, connection))
            connection.execute(sql.SQL("COMMENT ON TABLE django_migrations IS {}").format(remembered))

    def turn(self, say: Callable[[str], None]) -> None:
        """Start our server again if it died."""
        if self._server and self._server.process and self._server.process.poll() is not None:
            say(f"PostgreSQL ended; starting it again, see {self._server.log}")
            self._start_server(self._server)

    def stop(self) -> None:
        """Stop our server; another's keeps running."""
        if self._server:
            self._server.stop()

    def _start_ours(self, server: Server) -> None:
        server.stop()  # one that outlived its launcher would not end with this one
        self._start_server(server)
        password = self._password("owner")
        roles.make_owner(server.url(), password)
        self._make_runtime_roles(server.url(database=roles.DATABASE))
        self.owner_url = server.url(roles.OWNER, password, roles.DATABASE)

    def _make_runtime_roles(self, url: str) -> None:
        try:
            roles.make_runtime_roles(url, {name: self._password(name) for name in roles.PROCESSES})
        except psycopg.errors.InsufficientPrivilege as error:
            raise CannotRun("The user of DATABASE_URL may not create roles: ALTER ROLE ... CREATEROLE.") from error
        except psycopg.Error as error:
            raise CannotRun(f"DATABASE_URL cannot be used: {str(error).splitlines()[0]}") from error

    def _start_server(self, server: Server) -> None:
        try:
            server.start()
        except CannotStart as error:
            raise CannotRun(str(error)) from error

    def _password(self, process: str) -> str:
        return self._keeper.get(f"{process}_password")


def _refuse_other_encodings(url: str) -> None:
    """Text of every language is kept, compared and searched: a database in another encoding would spoil it silently."""
    with psycopg.connect(url) as connection:
        encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise CannotRun(
            f"The database of DATABASE_URL has the encoding {encoding}: "
            "make it anew with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0."
        )


def _on_this_server(state: str, connection: psycopg.Connection) -> str:
    """A dump restored into another server brings its comments along, and has to be prepared there."""
    row = connection.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
    return f"{state} on {row[0] if row else ''}"


def state_of_code(root: Path) -> str:
    """A digest of everything that migrations and seeds may read."""
    digest = hashlib.sha256((root / "requirements.lock").read_bytes())
    for room in ROOMS:
        for path in sorted((root / room).rglob("*")):
            if path.suffix in SHAPING and "tests" not in path.parts:
                digest.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return digest.hexdigest()
