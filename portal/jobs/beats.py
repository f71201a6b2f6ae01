"""Signs of life of the worker clusters, for people to see; the supervisors themselves listen to a pipe."""

from __future__ import annotations

from datetime import datetime, timedelta

from portal.jobs.models import ClusterBeat

_REMEMBERED = timedelta(hours=1)


def beat(*, queue: str, host: str, pid: int, started_at: datetime, at: datetime) -> None:
    """The cluster is alive: its worker got through its queue to this call."""
    ClusterBeat.objects.update_or_create(
        queue=queue, host=host, pid=pid, defaults={"started_at": started_at, "beat_at": at}
    )


def leave(*, queue: str, host: str, pid: int) -> None:
    """The cluster stops as it was told to."""
    ClusterBeat.objects.filter(queue=queue, host=host, pid=pid).delete()


def forget_silent(*, at: datetime) -> None:
    """Drops clusters that nobody has heard of for an hour."""
    ClusterBeat.objects.filter(beat_at__lt=at - _REMEMBERED).delete()
