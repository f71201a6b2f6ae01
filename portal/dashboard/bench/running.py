"""The engine: what a step costs, how many four workers make a second, what one weighs, how soon they heed a stop."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil
from django.db.models import Max, Min, QuerySet

from portal.dashboard.bench import paging, stepping, stopping, supplying, workers
from portal.dashboard.bench.site import MEGABYTE, Site, until_idle
from portal.dashboard.bench.supplying import STEPS
from portal.dashboard.chaos import supply
from portal.dashboard.walkthrough.cast import put_back_the_lab
from portal.dashboard.walkthrough.tour import DidNotHappen
from portal.kit.figures import Figure
from remediation.execution.models import Run, StepOutput
from remediation.execution.states import RunStatus

WORKERS = 4
RUNS = 20
STOPPED = 16
PATIENCE_SECONDS = 300
GOAL_PER_SECOND = 50.0
GOAL_MB = 150.0
MACHINES = max(stepping.RUNS, RUNS) + STOPPED


def measure(site: Site, *, place: str, run: str) -> Iterator[Figure]:
    """All of it with the drafting and execution clusters at rest, so that only the workers meant are at work."""
    until_idle()
    with site.resting(["drafting", "execution"]):
        _begin()
        yield from stepping.measure(f"BENCH-{run}-A")
        _begin()
        supplying.signed(f"BENCH-{run}-W", range(RUNS))
        with workers.started(WORKERS) as supervisor:
            yield from _rate(f"BENCH-{run}-W")
            heaviest = max(_megabytes(each) for each in supervisor.children())
            yield Figure("memory of a worker after that, the heaviest (PSS)", heaviest, "MB", at_most=GOAL_MB)
            both = Site({**site.children, "workers": supervisor})
            with both.resting(["workers"]):
                supplying.signed(f"BENCH-{run}-S", range(RUNS, RUNS + STOPPED))
            yield from stopping.measure(f"BENCH-{run}-S", place=place)
        yield from paging.measure(f"BENCH-{run}-W", key=f"BENCH-{run}-LONG", place=place)


def _begin() -> None:
    """Machines with room for as many snapshots as a run takes."""
    put_back_the_lab()
    supply.furnish(MACHINES)


def _rate(prefix: str) -> Iterator[Figure]:
    """Claims come first, because they have waited longer; then from the first pre-flight to the last verify."""
    runs = Run.objects.filter(remediation__ticket__key__startswith=prefix)
    _until_over(runs)
    said = StepOutput.objects.filter(run_id__in=list(runs.values_list("pk", flat=True)))
    seen = said.aggregate(first=Min("at"), last=Max("at"))
    claimed = runs.aggregate(first=Min("started_at"), last=Max("started_at"))
    steps, claims = (seen["last"] - seen["first"], claimed["last"] - claimed["first"])
    name = f"lab steps a second, {WORKERS} workers, runs of {STEPS} steps"
    yield Figure(name, RUNS * STEPS / steps.total_seconds(), "/s", at_least=GOAL_PER_SECOND)
    yield Figure("  runs claimed a second before that", (RUNS - 1) / claims.total_seconds(), "/s")


def _until_over(runs: QuerySet[Run]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while (done := runs.filter(status=RunStatus.SUCCEEDED).count()) < RUNS:
        if time.monotonic() > give_up_at:
            raise DidNotHappen(f"{done} of {RUNS} runs succeeded in {PATIENCE_SECONDS} s.")
        time.sleep(0.2)


def _megabytes(worker: psutil.Process) -> float:
    """One worker with the processes around it; pages that it shares with others count in parts."""
    family = [worker, *worker.children(recursive=True)]
    return float(sum(each.memory_full_info().pss for each in family)) / MEGABYTE
