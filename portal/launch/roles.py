"""Database roles: one that owns and migrates, and one per kind of process that owns nothing (law 5)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql

OWNER = "countersign_owner"
DATABASE = "countersign"
PROCESSES = ("web", "drafting", "probe", "execution", "general")


def role_of(process: str) -> str:
    """The database role of a kind of process."""
    return f"countersign_{process}"


def make_owner(admin_url: str, password: str) -> None:
    """On our own server: the owner role and its database, as the superuser that nothing else uses."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        _make_role(connection, OWNER, password)
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
            )


def make_runtime_roles(owner_url: str, passwords: Mapping[str, str]) -> None:
    """The roles that processes run under, with these passwords by process; they may connect, nothing more."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for process in PROCESSES:
            _make_role(connection, role_of(process), passwords.get(process, ""))
        connection.execute(
            sql.SQL("REVOKE ALL ON DATABASE {0} FROM PUBLIC; GRANT CONNECT ON DATABASE {0} TO {1}").format(
                sql.Identifier(connection.info.dbname),
                sql.SQL(", ").join(sql.Identifier(role_of(process)) for process in PROCESSES),
            )
        )


def url_as(url: str, user: str, password: str) -> str:
    """The same server and database for another user."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    login = f"{user}:{quote(password, safe='')}" if password else user
    options = urlencode(dict(parse_qsl(parts.query)))
    return urlunsplit((parts.scheme, f"{login}@{place}", parts.path, options, ""))


def _make_role(connection: psycopg.Connection, name: str, password: str) -> None:
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    statement = "ALTER ROLE {} LOGIN NOINHERIT PASSWORD {}" if exists else "CREATE ROLE {} LOGIN NOINHERIT PASSWORD {}"
    connection.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Literal(password or None)))
