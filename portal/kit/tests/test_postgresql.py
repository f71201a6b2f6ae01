"""A kept connection is found good without a query, and one that the server ended is replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import connection

AsRole = Callable[[str], Any]


@pytest.fixture
def kept(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 600)
    monkeypatch.setitem(connection.settings_dict, "CONN_HEALTH_CHECKS", True)
    connection.close()
    connection.connect()


def test_a_good_one_is_asked_nothing(kept: None, as_role: AsRole) -> None:
    ours = _backend()
    assert connection.is_usable()
    with as_role("owner") as other:
        said = other.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [ours]).fetchone()
    assert said == ("SELECT pg_backend_pid()",)


def test_the_next_request_gets_a_new_one_in_place_of_one_that_was_ended(kept: None, as_role: AsRole) -> None:
    ours = _backend()
    connection.close_if_unusable_or_obsolete()
    assert _backend() == ours
    with as_role("owner") as other:
        _end(other, ours)
    connection.close_if_unusable_or_obsolete()  # what Django does between two requests
    assert _backend() != ours


def _backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid: int = cursor.fetchone()[0]
        return pid


def _end(other: psycopg.Connection, backend: int) -> None:
    """End a backend, and wait until it is gone."""
    other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
