"""Lets tests run jobs where they stand, by the same steps as a worker, or wait for what real workers do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime

from portal.jobs import registry, services, work

_LEASE_SECONDS = 3600
_PATIENCE_SECONDS = 60.0


def drain(*queues: str, at: datetime | None = None) -> list[str]:
    """Runs due jobs of the queues (default: all) until none is left; answers `kind: result` for each, in order.

    `at` replaces the database's clock for what is due, so that a test can wait out a backoff.
    """
    results: list[str] = []
    while job := _next(queues or registry.QUEUES, at):
        results.append(f"{job.kind}: {work.run(job)}")
    return results


def eventually(holds: Callable[[], bool]) -> None:
    """Wait for something that other processes bring about."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError("it never came about")
        time.sleep(0.05)


def _next(queues: Iterable[str], at: datetime | None) -> registry.Handed | None:
    for queue in queues:
        for job in services.take(queue, limit=1, lease_seconds=_LEASE_SECONDS, due_by=at):
            return job
    return None
