"""Measures the queue on the clusters that are running: how soon work starts, and what the processes weigh."""

from __future__ import annotations

import statistics
import time

import psutil
from django.utils import timezone

from portal.jobs import services
from portal.jobs.models import ClusterBeat, Job
from portal.jobs.states import State
from portal.kit.figures import Figure

_GOAL_MS = 15.0
_GOAL_MB = 150.0
_SAMPLES = 200
_PATIENCE_SECONDS = 10.0
_MEGABYTE = 1_000_000


def measure() -> list[Figure]:
    """Needs the general cluster; raises TimeoutError without it."""
    waits = sorted(_milliseconds_to_start() for _ in range(_SAMPLES))
    return [
        Figure("enqueue to start, p50", statistics.median(waits), "ms", at_most=_GOAL_MS),
        Figure("enqueue to start, p95", waits[int(len(waits) * 0.95)], "ms"),
        *_weights(),
    ]


def _milliseconds_to_start() -> float:
    """One job, alone: from before its INSERT to the start that the database noted."""
    job = services.enqueue("jobs.tidy", at=timezone.now())
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        time.sleep(0.005)
        done = Job.objects.filter(pk=job.pk, state=State.DONE).first()
        if done and done.started_at:
            return (done.started_at - done.enqueued_at).total_seconds() * 1000
    raise TimeoutError("No general cluster takes jobs: start `make run` first.")


def _weights() -> list[Figure]:
    """What each cluster takes of the memory: proportional set size, so that shared pages count once."""
    living = [beat for beat in ClusterBeat.objects.all() if psutil.pid_exists(beat.pid)]
    return [
        Figure(f"memory, cluster {beat.queue} (PSS)", _megabytes(beat.pid), "MB", at_most=_GOAL_MB) for beat in living
    ]


def _megabytes(pid: int) -> float:
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return float(sum(each.memory_full_info().pss for each in family)) / _MEGABYTE
