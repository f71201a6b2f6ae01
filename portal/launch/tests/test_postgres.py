"""The embedded server: made once, found again, recovered after a kill, reachable by nobody else."""

import os
import shutil
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from portal.launch import roles
from portal.launch.postgres import Server, find_binaries
from portal.launch.tests.conftest import AWAY, a_place


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    made = Server(folder / "pg", password="a b/c?d", settings={"fsync": "off"})
    yield made
    made.stop()


def test_data_survives_a_stop_and_a_kill(server: Server) -> None:
    server.start()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    server.stop()
    server.start()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("INSERT INTO kept VALUES (1)")
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
    server.start()
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (1,)


def test_a_start_that_was_interrupted_half_way_is_begun_again(server: Server) -> None:
    (server.home / "data.unfinished").mkdir()
    (server.home / "data.unfinished" / "PG_VERSION").write_text("18")
    server.start()
    assert server.is_ready()


def test_a_wrong_password_is_refused_and_the_network_has_no_door(server: Server) -> None:
    server.start()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url(password="wrong"))
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_only_the_servers_user_can_reach_socket_and_data(server: Server) -> None:
    server.start()
    for folder in (server.sockets, server.data):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.stat().st_uid == server.user.uid


def test_a_path_too_long_for_a_socket_gets_a_short_one(server: Server) -> None:
    deep = server.folder.parent / ("long" * 30)
    deep.mkdir()
    deep.chmod(0o755)
    far = Server(deep / "pg", password="x", settings={"fsync": "off"})
    try:
        far.start()
        assert far.is_ready()
        with pytest.raises(OSError, match="too long"), socket.socket(socket.AF_UNIX) as direct:
            direct.bind(str(far.home / "run" / ".s.PGSQL.5432"))
    finally:
        far.stop()
        shutil.rmtree(far.sockets)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a home that the server's user cannot enter")
def test_a_checkout_that_the_servers_user_cannot_enter_keeps_its_data_elsewhere(folder: Path) -> None:
    closed = folder / "home"
    closed.mkdir(mode=0o700)
    hidden = Server(closed / "pg", password="x", settings={"fsync": "off"})
    try:
        hidden.start()
        assert hidden.is_ready()
        assert (closed / "pg").is_symlink()
        assert Server(closed / "pg", password="x").home == hidden.home
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        hidden.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a home that the server's user cannot enter")
def test_what_tests_keep_elsewhere_under_a_strict_umask_is_gone_with_their_folder() -> None:
    before = os.umask(0o077)
    try:
        with a_place() as folder:
            (folder / "home").mkdir()
            home = Server(folder / "home" / "pg", password="x").home
            assert home.parent == AWAY
    finally:
        os.umask(before)
    assert not home.exists()
    assert not folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root copies programs for another user")
def test_programs_copied_under_a_strict_umask_can_be_run_by_the_servers_user(server: Server) -> None:
    before = os.umask(0o077)
    try:
        copy = server._copied_binaries(find_binaries())
    finally:
        os.umask(before)
    assert server.user.reaches(copy / "postgres")


def test_every_process_gets_a_role_that_owns_nothing(server: Server) -> None:
    server.start()
    passwords = dict.fromkeys(roles.PROCESSES, "p'w")
    for _ in range(2):  # a second start finds everything there
        roles.make_owner(server.url(), "owner's")
        roles.make_runtime_roles(server.url(database=roles.DATABASE), passwords)
    owner_url = server.url(roles.OWNER, "owner's", roles.DATABASE)
    with psycopg.connect(roles.url_as(owner_url, roles.role_of("web"), "p'w"), autocommit=True) as web:
        for forbidden in ("CREATE TABLE mine (n int)", "CREATE TEMP TABLE mine (n int)", "CREATE ROLE friend"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(forbidden)
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("CREATE TABLE theirs (n int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("CREATE ROLE friend")
