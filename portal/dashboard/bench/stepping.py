"""What a step costs beside the servers it asks: runs driven in this process as by a worker, while the others rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any
from unittest import mock

from django.db import connection

from portal.dashboard.bench import supplying
from portal.dashboard.bench.supplying import STEPS
from portal.jobs import services as jobs
from portal.jobs import work
from portal.jobs.registry import Handed
from portal.kit.figures import Figure
from remediation.connectors import link
from remediation.execution import advancing

RUNS = 2
LEASE_SECONDS = 60.0
GOAL_OWN_MS = 15.0


@dataclass(slots=True)
class Spent:
    """Seconds in all, seconds that went to MCP servers, and statements sent to the database."""

    seconds: float = 0.0
    asking: float = 0.0
    statements: int = 0


def measure(prefix: str) -> list[Figure]:
    """Signs its own runs first; claims are not counted. Needs the execution cluster to rest."""
    supplying.signed(prefix, range(RUNS))
    spent = Spent()
    for job in _taken():
        if job.kind == advancing.KIND:
            with _counting(spent):
                work.run(job)
        else:
            work.run(job)
    steps = RUNS * STEPS
    return [
        Figure(
            "our own overhead of a step, beside its MCP calls",
            (spent.seconds - spent.asking) * 1000 / steps,
            "ms",
            at_most=GOAL_OWN_MS,
        ),
        Figure("  its MCP calls", spent.asking * 1000 / steps, "ms"),
        Figure("  statements of a step", spent.statements / steps, ""),
    ]


def _taken() -> Iterator[Handed]:
    """Jobs of the execution queue as long as one is due."""
    while taken := jobs.take("execution", limit=1, lease_seconds=LEASE_SECONDS):
        yield taken[0]


@contextmanager
def _counting(spent: Spent) -> Iterator[None]:
    """Adds what the block takes; the two methods through which every MCP request goes are timed."""

    def timed(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def asked(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                spent.asking += time.perf_counter() - began

        return asked

    def counted(execute: Callable[..., Any], *args: Any) -> Any:
        spent.statements += 1
        return execute(*args)

    with ExitStack() as stack:
        for name in ("call", "tools"):
            stack.enter_context(mock.patch.object(link.Link, name, timed(getattr(link.Link, name))))
        stack.enter_context(connection.execute_wrapper(counted))
        began = time.perf_counter()
        yield
        spent.seconds += time.perf_counter() - began
