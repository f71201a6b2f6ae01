"""The job ledger: what waits, who holds it, how it ended. With kinds of jobs, their schedules, the clusters' beats."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from portal.jobs import registry
from portal.jobs.states import State

SHORTEST_PERIOD = 5
LONGEST_PERIOD = 31 * 86_400
_UNFINISHED = Q(state__in=[State.WAITING, State.RUNNING])


class Job(models.Model):
    """One piece of work, delivered at least once. Attempts, lease and fence move together when a worker takes it.

    `fence` grows with every take: whoever holds an older one has lost the job, and the ledger ignores what it reports.
    `key` joins requests for the same work: of one kind and key at most one job waits and at most one runs. `error` is
    what the last attempt failed with, `trace` where that came from. `note` says who put a dead job away and why.
    """

    IF_KNOWN: ClassVar = "ON CONFLICT (kind, key) WHERE state = 'waiting' DO NOTHING"
    """A job that is added beside other rows, and waits already, is the same work."""

    queue = models.TextField()
    kind = models.TextField()
    subject_id = models.BigIntegerField(null=True)
    payload = models.JSONField(default=dict)
    key = models.TextField(null=True)  # noqa: DJ001 - two jobs without a key are not the same work
    state = models.TextField(default=State.WAITING, choices=[(each.value, each.value) for each in State])
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    fence = models.BigIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    enqueued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    result = models.TextField(default="")
    error = models.TextField(default="")
    trace = models.TextField(default="", db_default="")
    note = models.TextField(default="", db_default="")

    class Meta:
        """The first index is the queue itself; the others find lost, dead and old jobs without reading history."""

        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["queue", "due_at", "id"], condition=Q(state=State.WAITING), name="jobs_job_take"),
            models.Index(fields=["queue", "leased_until"], condition=Q(state=State.RUNNING), name="jobs_job_lost"),
            models.Index(fields=["id"], condition=Q(state=State.DEAD), name="jobs_job_dead"),
            models.Index(fields=["finished_at"], condition=Q(state=State.DONE), name="jobs_job_old"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(queue__in=registry.QUEUES), name="jobs_job_queue_exists"),
            models.CheckConstraint(condition=Q(state__in=list(State)), name="jobs_job_state_exists"),
            models.CheckConstraint(
                condition=Q(attempts__lte=F("max_attempts"), max_attempts__gte=1, fence__gte=F("attempts")),
                name="jobs_job_attempts_are_bounded",
            ),
            models.CheckConstraint(
                condition=Q(state=State.RUNNING, leased_until__isnull=False, started_at__isnull=False)
                | ~Q(state=State.RUNNING) & Q(leased_until__isnull=True),
                name="jobs_job_is_leased_while_running",
            ),
            models.CheckConstraint(
                condition=(_UNFINISHED & Q(finished_at__isnull=True)) | (~_UNFINISHED & Q(finished_at__isnull=False)),
                name="jobs_job_end_has_a_time",
            ),
            models.UniqueConstraint(
                fields=["kind", "key"], condition=Q(state=State.WAITING), name="jobs_job_one_waits_per_key"
            ),
            models.UniqueConstraint(
                fields=["kind", "key"], condition=Q(state=State.RUNNING), name="jobs_job_one_runs_per_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class Kind(models.Model):
    """What the registry says about a kind of job, where the database can see it: its queue, and who may ask for it."""

    name = models.TextField(primary_key=True)
    queue = models.TextField()
    asked_by = ArrayField(models.TextField())

    class Meta:
        """Written by `migrate`; no runtime role changes it."""

        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Schedule(models.Model):
    """Enqueues a job of one kind every so often. Rooms plant them with `@handler(..., every_seconds=...)`."""

    name = models.TextField(unique=True)
    kind = models.TextField()
    every_seconds = models.PositiveIntegerField(
        validators=[
            MinValueValidator(SHORTEST_PERIOD, "Nothing runs more often than every %(limit_value)s seconds."),
            MaxValueValidator(LONGEST_PERIOD, "Nothing rests longer than 31 days (%(limit_value)s seconds)."),
        ]
    )
    payload = models.JSONField(default=dict, blank=True)
    next_at = models.DateTimeField()
    is_enabled = models.BooleanField(default=True)
    error = models.TextField(default="", blank=True)

    class Meta:
        """Few rows; no index beyond the name."""

        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(every_seconds__gte=SHORTEST_PERIOD), name="jobs_schedule_is_not_a_loop"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """A schedule names a kind that needs no subject, and hands over only what that kind takes."""
        try:
            handler = registry.handler_of(self.kind)
        except registry.UnknownKind as unknown:
            raise ValidationError({"kind": str(unknown)}) from unknown
        if handler.every_seconds is None:
            raise ValidationError({"kind": f"Jobs of kind {self.kind!r} run on request only."})
        if problem := registry.problem_of(self.payload, handler):
            raise ValidationError({"payload": problem})


class ClusterBeat(models.Model):
    """The last sign of life of one worker cluster, written by its own worker, by the database's clock.

    `job_id` is what it holds. `replaces` says why its supervisor started it, if that was in the place of another.
    """

    queue = models.TextField()
    host = models.TextField()
    pid = models.IntegerField()
    job_id = models.BigIntegerField(null=True)
    replaces = models.TextField(default="")
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    class Meta:
        """One row per cluster: a host may run several for one queue."""

        ordering: ClassVar = ["queue", "host", "pid"]
        verbose_name = "worker cluster"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["queue", "host", "pid"], name="jobs_clusterbeat_one_row_per_cluster"),
        ]

    def __str__(self) -> str:
        return f"{self.queue} on {self.host} ({self.pid})"
