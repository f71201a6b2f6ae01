"""Housekeeping by the clock: the ledger does not grow for ever, and partitions are there before they are needed."""

from __future__ import annotations

from datetime import timedelta

from portal.jobs import beats, services
from portal.jobs.registry import Handed, handler
from portal.kit import partitions

_KEPT = timedelta(days=14)
_BATCH = 1000


@handler("jobs.tidy", queue="general", every_seconds=3600)
def tidy(job: Handed) -> str:
    """Forgets finished jobs after two weeks, and clusters that are gone."""
    beats.forget_silent(at=job.at)
    forgotten = 0
    while batch := services.forget_done(before=job.at - _KEPT, limit=_BATCH):
        forgotten += batch
        if batch < _BATCH or not job.renew():
            break
    return f"forgot {forgotten} finished jobs"


@handler("jobs.extend_partitions", queue="general", every_seconds=86_400)
def extend_partitions(_job: Handed) -> str:
    """Makes the partitions that the next days may need."""
    return f"made {partitions.extend_all()} partitions"
