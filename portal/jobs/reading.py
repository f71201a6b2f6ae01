"""What the pages show: queues with their figures and clusters, dead jobs with what they are about, schedules.

Figures stop counting at a thousand, and ages are by the database's clock: hosts need not agree on the time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import DurationField, ExpressionWrapper, F, QuerySet
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from portal.access import grants
from portal.access.models import Person
from portal.jobs import subjects
from portal.jobs.models import ClusterBeat, Job, Schedule
from portal.jobs.registry import QUEUES
from portal.jobs.states import State
from portal.jobs.subjects import Subject

COUNTED = 1000
FRESH = timedelta(minutes=5)
"""For how long it is said that a cluster took the place of another."""
_FIGURES = """
SELECT queue,
    (SELECT count(*) FROM (SELECT FROM jobs_job WHERE jobs_job.queue = each.queue AND state = 'waiting'
                           AND due_at <= now() LIMIT %(counted)s) AS due),
    (SELECT count(*) FROM (SELECT FROM jobs_job WHERE jobs_job.queue = each.queue AND state = 'waiting'
                           AND due_at > now() LIMIT %(counted)s) AS later),
    (SELECT count(*) FROM (SELECT FROM jobs_job WHERE jobs_job.queue = each.queue AND state = 'running'
                           LIMIT %(counted)s) AS running),
    (SELECT count(*) FROM (SELECT FROM jobs_job WHERE jobs_job.queue = each.queue AND state = 'dead'
                           LIMIT %(counted)s) AS dead),
    (SELECT due_at FROM jobs_job WHERE jobs_job.queue = each.queue AND state = 'waiting' AND due_at <= now()
     ORDER BY due_at, id LIMIT 1)
FROM unnest(%(queues)s::text[]) WITH ORDINALITY AS each (queue, place) ORDER BY place
"""


@dataclass(frozen=True, slots=True)
class ClusterState:
    """One worker cluster: when it was heard of last, and whether that is too long ago."""

    beat: ClusterBeat
    silent_for: timedelta
    age: timedelta
    holds: Job | None

    @property
    def silent_seconds(self) -> float:
        """The same as a number."""
        return self.silent_for.total_seconds()

    @property
    def age_seconds(self) -> float:
        """The same as a number."""
        return self.age.total_seconds()

    @property
    def is_alive(self) -> bool:
        """Heard of within the time after which its supervisor replaces it."""
        return self.silent_seconds < float(settings.Q_CLUSTER["silence"])

    @property
    def is_replacement(self) -> bool:
        """Whether it took the place of another a moment ago."""
        return bool(self.beat.replaces) and self.age < FRESH


@dataclass(frozen=True, slots=True)
class QueueState:
    """One queue: what waits, rests, runs and is dead, since when the first one waits, and who works on it."""

    queue: str
    due: int
    later: int
    running: int
    dead: int
    waits_since: datetime | None
    clusters: list[ClusterState]

    @property
    def is_served(self) -> bool:
        """Whether any cluster is alive."""
        return any(each.is_alive for each in self.clusters)


@dataclass(frozen=True, slots=True)
class Row:
    """A job as one person sees it: what it says stays hidden with the category it is about."""

    job: Job
    subject: Subject | None
    is_hidden: bool

    @property
    def error(self) -> str:
        """The whole error, for those who may know."""
        return "" if self.is_hidden else self.job.error

    @property
    def trace(self) -> str:
        """Where it came from, for the same."""
        return "" if self.is_hidden else self.job.trace

    @property
    def last_words(self) -> str:
        """The end of the error, where it says what happened."""
        lines = self.error.strip().splitlines()
        return lines[-1] if lines else ""


def queues() -> list[QueueState]:
    """Every queue, in three queries."""
    clusters = _clusters()
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, {"queues": list(QUEUES), "counted": COUNTED})
        found = cursor.fetchall()
    return [
        QueueState(
            queue, due, later, running, dead, waits_since, [each for each in clusters if each.beat.queue == queue]
        )
        for queue, due, later, running, dead, waits_since in found
    ]


def jobs(*, state: str = State.DEAD, queue: str = "", kind: str = "") -> QuerySet[Job]:
    """The jobs in one state, of one queue or kind if these are named."""
    wanted = {name: value for name, value in (("queue", queue), ("kind", kind)) if value}
    return Job.objects.filter(state=state, **wanted)


def count_dead() -> int:
    """How many dead jobs nobody has seen to; stops counting at a thousand."""
    return jobs()[:COUNTED].count()


def dead_kinds() -> list[tuple[str, int]]:
    """The kinds of the newest thousand dead jobs, the most frequent first."""
    newest = jobs().order_by("-id").values_list("kind", flat=True)[:COUNTED]
    return sorted(Counter(newest).items(), key=lambda each: (-each[1], each[0]))


def rows(found: Iterable[Job], person: Person) -> list[Row]:
    """Jobs with what they are about, as far as this person may know it."""
    listed = list(found)
    about, granted = subjects.of(listed), grants.of(person)

    def row(job: Job) -> Row:
        subject = about.get(job.pk)
        is_hidden = bool(subject and subject.category_id and not granted.may("see", subject.category_id))
        return Row(job, None if is_hidden else subject, is_hidden)

    return [row(job) for job in listed]


def schedules() -> QuerySet[Schedule]:
    """What runs by the clock; what cannot run comes first."""
    return Schedule.objects.order_by(F("error").desc(), "name")


def _clusters() -> list[ClusterState]:
    beats = ClusterBeat.objects.annotate(silent_for=_since("beat_at"), age=_since("started_at"))
    held = Job.objects.in_bulk([each.job_id for each in beats if each.job_id])
    return [
        ClusterState(each, max(each.silent_for, timedelta()), each.age, _held(held.get(each.job_id or 0)))
        for each in beats
    ]


def _held(job: Job | None) -> Job | None:
    return job if job and job.state == State.RUNNING else None


def _since(column: str) -> ExpressionWrapper[CombinedExpression]:
    return ExpressionWrapper(Now() - F(column), output_field=DurationField())
