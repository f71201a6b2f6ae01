"""Measures the queue on the clusters that are running: how soon work starts, and what the processes weigh."""

from __future__ import annotations

import statistics
import time

import psutil
from django.utils import timezone

from portal.jobs import services
from portal.jobs.models import ClusterBeat, Job
from portal.jobs.states import State

_SAMPLES = 200
_PATIENCE_SECONDS = 10.0
_MEGABYTE = 1_000_000


def measure() -> list[tuple[str, str]]:
    """Figures by name. Needs the general cluster; raises TimeoutError without it."""
    waits = sorted(_milliseconds_to_start() for _ in range(_SAMPLES))
    figures = [
        ("enqueue to start, p50", f"{statistics.median(waits):.1f} ms"),
        ("enqueue to start, p95", f"{waits[int(len(waits) * 0.95)]:.1f} ms"),
    ]
    return figures + [(f"memory, {name}", text) for name, text in _weights()]


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


def _weights() -> list[tuple[str, str]]:
    weights = []
    for beat in ClusterBeat.objects.all():
        if psutil.pid_exists(beat.pid):
            family = [psutil.Process(beat.pid), *psutil.Process(beat.pid).children(recursive=True)]
            largest = max(each.memory_info().rss for each in family) / _MEGABYTE
            together = sum(each.memory_full_info().pss for each in family) / _MEGABYTE
            text = f"largest of {len(family)} processes {largest:.0f} MB, together {together:.0f} MB of their own"
            weights.append((str(beat), text))
    return weights
