"""Test databases: one template per state of the migrations, clones that know nothing of each other, no leftovers."""

import shutil
from pathlib import Path

import psycopg
import pytest

from portal.launch import postgres, testing
from portal.launch.testing import TestServer


def test_a_template_is_made_once_and_its_clones_are_separate(folder: Path) -> None:
    server = TestServer(folder)
    made: list[str] = []

    def migrate(name: str) -> None:
        made.append(name)
        execute(server, name, "CREATE TABLE counted (n int)")

    try:
        template = server.template("first", migrate)
        assert server.template("first", migrate) == template
        assert len(made) == 1
        with server.clone(template) as one, server.clone(template) as other:
            execute(server, one, "INSERT INTO counted VALUES (1)")
            assert execute(server, one, "SELECT count(*) FROM counted") == 1
            assert execute(server, other, "SELECT count(*) FROM counted") == 0
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            execute(server, one, "SELECT 1")
    finally:
        server.leave()


def test_a_migration_that_failed_leaves_no_template(folder: Path) -> None:
    server = TestServer(folder)

    def fail(name: str) -> None:
        raise RuntimeError(name)

    try:
        with pytest.raises(RuntimeError):
            server.template("broken", fail)
        assert server.template("broken", lambda _: None) == "template_broken"
    finally:
        server.leave()


def test_databases_of_killed_test_runs_and_old_templates_are_swept(folder: Path) -> None:
    server = TestServer(folder)
    try:
        execute(server, "postgres", "CREATE DATABASE test_999999999_1", user="postgres")
        for number in range(testing.TEMPLATES_KEPT + 2):
            server.template(f"state{number}", lambda _: None)
        left = execute(server, "postgres", "SELECT string_agg(datname, ' ') FROM pg_database", user="postgres")
        assert "test_999999999_1" not in str(left)
        assert "template_state0" not in str(left)
        assert f"template_state{testing.TEMPLATES_KEPT + 1}" in str(left)
    finally:
        server.leave()


def test_the_last_to_leave_stops_the_server(folder: Path) -> None:
    first, second = TestServer(folder), TestServer(folder)
    first.leave()
    assert execute(second, "postgres", "SELECT 1") == 1
    second.leave()
    with pytest.raises(psycopg.OperationalError):
        execute(second, "postgres", "SELECT 1")


def test_a_server_that_cannot_start_any_more_is_made_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "RECOVERY_SECONDS", 0.0)
    TestServer(folder).leave()
    (folder / "postgres" / "data" / "global" / "pg_control").unlink()
    server = TestServer(folder)
    try:
        assert execute(server, "postgres", "SELECT 1") == 1
    finally:
        server.leave()


def test_the_data_lives_in_memory_as_long_as_memory_keeps_it(folder: Path) -> None:
    memory = folder / "memory"
    memory.mkdir()
    memory.chmod(0o755)  # whatever the umask: the server's user has to come in
    for _ in range(2):  # the second time after a restart of the machine
        server = TestServer(folder / "tests", memory)
        try:
            assert execute(server, "postgres", "SELECT 1") == 1
            (home,) = memory.iterdir()
            assert (folder / "tests" / "postgres").resolve() == home
            assert (home / "data" / "PG_VERSION").exists()
        finally:
            server.leave()
        shutil.rmtree(home)


def test_without_room_in_memory_the_data_stays_in_its_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "ROOM_IN_MEMORY", 2**60)
    memory = folder / "memory"
    memory.mkdir()
    server = TestServer(folder / "tests", memory)
    try:
        assert list(memory.iterdir()) == []
        assert execute(server, "postgres", "SELECT 1") == 1
    finally:
        server.leave()


def test_the_key_follows_the_migrations_and_the_privileges(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text("django==5.2")
    (tmp_path / "desk" / "migrations").mkdir(parents=True)

    def key() -> str:
        return testing.migrations_key(tmp_path, ["desk"])

    keys = [key()]
    for path in ("desk/migrations/0001_initial.py", "desk/privileges.py", "requirements.lock"):
        (tmp_path / path).write_text("changed")
        keys.append(key())
    (tmp_path / "desk" / "views.py").write_text("changed")
    assert len(set(keys)) == len(keys)
    assert key() == keys[-1]


def execute(server: TestServer, database: str, statement: str, user: str = "countersign_owner") -> object:
    with psycopg.connect(server.url(database, user), autocommit=True) as connection:
        cursor = connection.execute(statement)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None
