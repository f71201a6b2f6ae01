"""A server of somebody else: what its owner role needs, and what the product says when the database does not fit."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from portal.launch.database import CannotRun, Database
from portal.launch.postgres import Server
from portal.launch.vault import Keeper


@pytest.fixture
def elsewhere(folder: Path) -> Iterator[Server]:
    """A server with the owner role that docs/operations.md asks for: no superuser, and nothing made yet."""
    server = Server(folder / "pg", auth="trust", settings={"fsync": "off"})
    server.start()
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute("CREATE ROLE countersign_owner LOGIN CREATEROLE")
        admin.execute("CREATE DATABASE countersign OWNER countersign_owner ENCODING 'UTF8' TEMPLATE template0")
        admin.execute(
            "CREATE DATABASE plain OWNER countersign_owner ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
        )
    yield server
    server.stop()


def database(server: Server, name: str, folder: Path) -> Database:
    url = server.url("countersign_owner", database=name)
    return Database(folder / "unused", Keeper(folder / "secrets"), url, folder / "log")


def test_an_owner_who_may_create_roles_is_enough_and_every_start_finds_them_again(
    elsewhere: Server, tmp_path: Path
) -> None:
    for _ in range(2):
        theirs = database(elsewhere, "countersign", tmp_path)
        theirs.start()
        with psycopg.connect(theirs.url("web")) as connection:
            assert connection.info.user == "countersign_web"


def test_a_database_that_would_spoil_text_is_refused_with_what_to_do(elsewhere: Server, tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="encoding SQL_ASCII: make it anew with CREATE DATABASE"):
        database(elsewhere, "plain", tmp_path).start()


def test_what_another_server_was_prepared_for_does_not_count(elsewhere: Server, tmp_path: Path) -> None:
    """A dump brings the comment along that remembers it; transactions count from the beginning there."""
    theirs = database(elsewhere, "countersign", tmp_path)
    with psycopg.connect(theirs.owner_url) as connection:
        connection.execute("CREATE TABLE django_migrations ()")
    theirs.was_prepared_for("this code")
    assert theirs.is_prepared_for("this code")
    assert not theirs.is_prepared_for("other code")
    with psycopg.connect(theirs.owner_url) as connection:
        connection.execute("COMMENT ON TABLE django_migrations IS 'this code on 123'")
    assert not theirs.is_prepared_for("this code")
