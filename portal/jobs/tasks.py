"""Housekeeping by the clock: ledger and trail do not grow for ever, partitions are there before they are needed."""

from __future__ import annotations

from datetime import timedelta

from portal.audit import bodies
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
        if batch < _BATCH or job.is_stopping() or not job.renew():
            break
    return f"forgot {forgotten} finished jobs"


@handler("jobs.extend_partitions", queue="general", every_seconds=86_400)
def extend_partitions(_job: Handed) -> str:
    """Makes the partitions that the next days may need."""
    return f"made {partitions.extend_all()} partitions"


@handler("jobs.drop_bodies", queue="general", every_seconds=3600)
def drop_bodies(job: Handed) -> str:
    """Drops the bodies of events that are older than the rule; the room of the trail stands below this one."""
    dropped, has_more = 0, True
    while has_more and not job.is_stopping() and job.renew():
        more, has_more = bodies.drop_old(at=job.at)
        dropped += more
    return f"dropped {dropped} bodies"
