"""What every test may ask for: a database, a database of its own, a role, a site to drive a browser against."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from hypothesis import HealthCheck
from pytest_django import DjangoDbBlocker
from pytest_django.live_server_helper import LiveServer

from portal.access.models import Person
from portal.launch import roles, testing
from portal.launch.postgres import Server
from remediation.review import testing as review

pytest_plugins = [
    "portal.kit.testing.browser",
    "remediation.connectors.testing",
    "remediation.connectors.testing_prometheus",
]

ROOT = Path(__file__).parent
RunningAs = Callable[[str], AbstractContextManager[None]]
AsRole = Callable[[str], AbstractContextManager[psycopg.Connection]]
Prepare = Callable[[Callable[[], Any]], tuple[str, Any]]


@pytest.hookimpl(tryfirst=True)
def pytest_configure() -> None:
    """Fast passwords for people who exist for milliseconds; Playwright keeps an event loop in the tests' thread.

    A busy machine fails no property: how long an example takes says nothing about what is tested. Looking for garbage
    after every few hundred objects takes a tenth of the time.
    """
    gc.set_threshold(50_000, 50, 50)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.WHITENOISE_AUTOREFRESH = True  # every client builds the site anew, and would look at every file
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    hypothesis.settings.load_profile("patient")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores: many tests wait for processes of their own."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What would take long on an idle machine too begins first; at the end everybody would wait for it."""
    items.sort(key=lambda item: item.get_closest_marker("early") is None)


@pytest.fixture(scope="session")
def test_server() -> Iterator[testing.TestServer]:
    """The embedded PostgreSQL of this checkout's tests."""
    server = testing.TestServer(ROOT / "var" / "test-pg", testing.MEMORY)
    yield server
    server.leave()


@pytest.fixture(scope="session")
def template_database(
    test_server: testing.TestServer, django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> str:
    """The name of a migrated database with every privilege granted, to be cloned."""

    def migrate(name: str) -> None:
        with django_db_blocker.unblock(), _pointing_at(test_server.url(name)):
            call_command("migrate", verbosity=0)
            call_command("grant_privileges", verbosity=0)

    return test_server.template(testing.migrations_key(ROOT, settings.ROOMS), migrate)


@pytest.fixture(scope="session")
def django_db_setup(
    test_server: testing.TestServer, template_database: str, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """The database of tests that roll back: one clone for the whole process."""
    with test_server.clone(template_database) as name, _pointing_at(test_server.url(name)):
        yield


@pytest.fixture(scope="module")
def shared_rows(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[DjangoDbBlocker]:
    """A transaction around a module, for what all its tests start from; each goes on from a savepoint.

    The rows are written inside `unblock()` of what this gives. For every test PostgreSQL's now() is the first one's.
    """
    around = transaction.atomic()
    around._from_testcase = True  # type: ignore[attr-defined]  # noqa: SLF001 - as TestCase does: law 7 asks for it
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            stack.enter_context(around)
        yield django_db_blocker
        with django_db_blocker.unblock():
            transaction.set_rollback(True)
            stack.close()


@pytest.fixture(scope="module")
def shared_cast(shared_rows: DjangoDbBlocker) -> dict[str, Person]:
    """The people of `cast`, as they are in the database."""
    with shared_rows.unblock():
        review.world()
        return review.people()


@pytest.fixture
def cast(shared_cast: dict[str, Person], db: None) -> dict[str, Person]:
    """One person per role, and a second approver, in the world of the lab."""
    return deepcopy(shared_cast)


@pytest.fixture(scope="module")
def prepared(
    test_server: testing.TestServer, template_database: str, django_db_blocker: DjangoDbBlocker
) -> Iterator[Prepare]:
    """Databases with more in them than the template, to be a module's `starting_point`."""
    with ExitStack() as stack:

        def prepare(fill: Callable[[], Any]) -> tuple[str, Any]:
            name = stack.enter_context(test_server.clone(template_database))
            with django_db_blocker.unblock(), _pointing_at(test_server.url(name)):
                return name, fill()

        yield prepare


@pytest.fixture(scope="module")
def starting_point(template_database: str) -> str:
    """The name of the database of which every `committed_db` is a copy; a module may have a `prepared` one."""
    return template_database


@pytest.fixture
def committed_db(
    request: pytest.FixtureRequest,
    test_server: testing.TestServer,
    starting_point: str,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[str]:
    """A database for this test alone, with real commits: for several connections, roles, threads, a browser."""
    if {"db", "transactional_db"} & set(request.fixturenames) or request.node.get_closest_marker("django_db"):
        pytest.fail("committed_db is a database of its own: ask for it instead of django_db, not beside it.")
    with (
        test_server.clone(starting_point) as name,
        django_db_blocker.unblock(),
        _pointing_at(test_server.url(name)),
    ):
        yield name


@pytest.fixture
def own_server(
    test_server: testing.TestServer, template_database: str, django_db_blocker: DjangoDbBlocker
) -> Iterator[Server]:
    """A server for this test alone, to be stopped and killed, with a database of its own as `committed_db` is one."""
    with (
        testing.copy_of(test_server.url(template_database)) as server,
        django_db_blocker.unblock(),
        _pointing_at(server.url(roles.OWNER, database=roles.DATABASE)),
    ):
        yield server


@pytest.fixture
def as_role(test_server: testing.TestServer) -> AsRole:
    """A connection to the current database with the rights of one kind of process."""

    @contextmanager
    def connect(process: str) -> Iterator[psycopg.Connection]:
        name = connections["default"].settings_dict["NAME"]
        with psycopg.connect(test_server.url(name, roles.role_of(process)), autocommit=True) as connection:
            yield connection

    return connect


@pytest.fixture
def running_as(test_server: testing.TestServer) -> RunningAs:
    """Everything inside the block runs on a connection with the rights of one kind of process."""

    def run(process: str) -> AbstractContextManager[None]:
        name = connections["default"].settings_dict["NAME"]
        return _pointing_at(test_server.url(name, roles.role_of(process)))

    return run


@pytest.fixture
def site(committed_db: str) -> Iterator[LiveServer]:
    """The site on a free port (`site.url`), on this test's own committed database."""
    server = LiveServer("localhost")
    with server._live_server_modified_settings:  # noqa: SLF001 - what pytest-django's own fixture does
        yield server
        server.stop()


@contextmanager
def _pointing_at(url: str) -> Iterator[None]:
    """Every thread's default connection goes to `url` for a while; one that shares rows is put aside."""
    current, aside = connections.settings["default"], connections["default"]
    before = dict(current)
    if not aside.in_atomic_block:
        aside.close()
    current.update(settings_for(url))
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        current.update(before)
        connections["default"] = aside


def settings_for(url: str) -> dict[str, object]:
    """Django's names for the parts of a libpq URL."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    return {"NAME": parts["dbname"], "USER": parts["user"], "HOST": parts["host"], "PORT": parts["port"], "OPTIONS": {}}
