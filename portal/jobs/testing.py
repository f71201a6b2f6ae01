"""Lets tests run jobs where they stand, by the same steps as a worker: take, lease, fence, finish."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from portal.jobs import registry, services, work

_LEASE_SECONDS = 3600


def drain(*queues: str, at: datetime | None = None) -> list[str]:
    """Runs due jobs of the queues (default: all) until none is left; answers `kind: result` for each, in order.

    `at` replaces the database's clock for what is due, so that a test can wait out a backoff.
    """
    results: list[str] = []
    while job := _next(queues or registry.QUEUES, at):
        results.append(f"{job.kind}: {work.run(job)}")
    return results


def _next(queues: Iterable[str], at: datetime | None) -> registry.Handed | None:
    for queue in queues:
        for job in services.take(queue, limit=1, lease_seconds=_LEASE_SECONDS, due_by=at):
            return job
    return None
