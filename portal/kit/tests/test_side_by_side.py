"""Things done at the same time: in order, all waited for, on connections of their own."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Barrier, get_ident

import pytest
from django.db import OperationalError, connection

from portal.kit import side_by_side

PATIENCE_SECONDS = 60


@pytest.fixture
def here(committed_db: str) -> Iterator[None]:
    """A database of its own, for connections of several threads."""
    yield
    connection.close()


def backend() -> int:
    """The server's process for this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    return int(pid)


def test_all_are_at_work_together_each_on_its_own_connection_and_the_results_are_in_order(here: None) -> None:
    together = Barrier(3)

    def do(thing: int) -> tuple[int, int]:
        together.wait(PATIENCE_SECONDS)
        return thing, backend()

    found = side_by_side.each(do, [1, 2, 3], at_once=3)
    assert [thing for thing, _ in found] == [1, 2, 3]
    assert len({backend(), *(pid for _, pid in found)}) == 4


@pytest.mark.parametrize(("things", "at_once"), [([1, 2, 3], 1), ([1], 5), ([], 5)])
def test_one_after_the_other_needs_no_thread(things: list[int], at_once: int) -> None:
    assert side_by_side.each(lambda _: get_ident(), things, at_once=at_once) == [get_ident()] * len(things)


def test_what_has_begun_is_waited_for_before_anything_is_raised(here: None) -> None:
    together, done = Barrier(2), []

    def do(thing: int) -> None:
        together.wait(PATIENCE_SECONDS)
        if thing == 1:
            raise ValueError("the first")
        backend()
        done.append(thing)

    with pytest.raises(ValueError, match="the first"):
        side_by_side.each(do, [1, 2], at_once=2)
    assert done == [2]


def test_a_connection_that_a_thread_loses_is_lost_for_whoever_waits_for_it(here: None) -> None:
    before = backend()

    def do(thing: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())" if thing == 1 else "SELECT 1")

    with pytest.raises(OperationalError):
        side_by_side.each(do, [1, 2], at_once=2)
    assert backend() != before
