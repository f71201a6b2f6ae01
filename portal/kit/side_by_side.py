"""Does several things at the same time, each in a thread with a database connection of its own.

For what waits for others: hosts, servers, programs. Where it is one after the other, it is the caller's own thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection, connections

Thing = TypeVar("Thing")
Result = TypeVar("Result")


def each(do: Callable[[Thing], Result], things: Sequence[Thing], *, at_once: int) -> list[Result]:
    """What `do` makes of every thing, in their order, `at_once` of them at a time.

    All that has begun is waited for; then the first that raised raises here. A thread that lost its connection takes
    the caller's with it, so that whoever tells a lost connection from a failure sees one.
    """
    if at_once == 1 or len(things) < 2:  # noqa: PLR2004 - one thing has nothing beside it
        return [do(thing) for thing in things]

    def alone(thing: Thing) -> Result:
        try:
            return do(thing)
        finally:
            connections.close_all()

    try:
        with ThreadPoolExecutor(min(at_once, len(things)), thread_name_prefix="beside") as threads:
            return list(threads.map(alone, things))
    except (InterfaceError, OperationalError):
        connection.close()
        raise
