"""Signs of life of the worker clusters, for people to see; the supervisors themselves listen to a pipe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from portal.jobs.models import ClusterBeat

_REMEMBERED = timedelta(hours=1)
_BEAT = """
INSERT INTO jobs_clusterbeat AS known (queue, host, pid, replaces, job_id, started_at, beat_at)
VALUES (%(queue)s, %(host)s, %(pid)s, %(replaces)s, %(job_id)s, now() - make_interval(secs => %(age)s), now())
ON CONFLICT (queue, host, pid) DO UPDATE
    SET replaces = excluded.replaces, job_id = excluded.job_id, started_at = excluded.started_at, beat_at = now()
RETURNING beat_at
"""


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The cluster that another one was started in the place of, how it ended, like `fell silent`, and what it held.

    `job_id` is 0 if it held nothing.
    """

    pid: int
    end: str
    job_id: int
    fence: int

    def __str__(self) -> str:
        return f"cluster {self.pid}, which {self.end}"


def beat(
    *, queue: str, host: str, pid: int, age: float, job_id: int | None, predecessor: Predecessor | None
) -> datetime:
    """The cluster is alive, `age` seconds old, and holds this job; answers the time by the database's clock.

    It clears away its predecessor, and who fell silent on its host with nobody to take the place.
    """
    is_gone = Q(beat_at__lt=Now() - 2 * timedelta(seconds=settings.Q_CLUSTER["silence"]))
    if predecessor:
        is_gone |= Q(pid=predecessor.pid)
    ClusterBeat.objects.filter(is_gone, queue=queue, host=host).exclude(pid=pid).delete()
    row: dict[str, str | int | float | None] = {
        "queue": queue,
        "host": host,
        "pid": pid,
        "age": age,
        "job_id": job_id,
        "replaces": str(predecessor or ""),
    }
    with connection.cursor() as cursor:
        cursor.execute(_BEAT, row)
        (at,) = cursor.fetchone()
    return at  # type: ignore[no-any-return]


def leave(*, queue: str, host: str, pid: int) -> None:
    """The cluster is no more."""
    ClusterBeat.objects.filter(queue=queue, host=host, pid=pid).delete()


def forget_silent(*, at: datetime) -> None:
    """Drops clusters that nobody has heard of for an hour."""
    ClusterBeat.objects.filter(beat_at__lt=at - _REMEMBERED).delete()
