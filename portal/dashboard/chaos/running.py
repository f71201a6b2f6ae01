"""One chaos: supply, blows and watch in turn, in one thread, until every run has ended; then the reckoning."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import psycopg
from django.db import Error, connection
from django.db.models import Exists, OuterRef
from django.utils import timezone

from portal.dashboard.chaos.blows import KILLS, Blow
from portal.dashboard.chaos.hosts import Hosts
from portal.dashboard.chaos.reckoning import Step, reckon
from portal.dashboard.chaos.striking import Striker
from portal.dashboard.chaos.supply import Supply
from portal.dashboard.chaos.watching import Watch, recoveries
from portal.estate.models import TargetLock
from portal.kit.figures import Figure
from portal.signoff.models import Vote
from portal.signoff.states import PlanStatus, Stage
from remediation.execution.models import Run, StepRun
from remediation.execution.planning import ENDED

PATIENCE = 90.0
"""Seconds without any run coming further, after which what has not ended is stuck."""
PAUSE = 0.15
RECOVERY_SECONDS = 30.0


@dataclass(slots=True)
class Chaos:
    """What takes part. A database that is away is tried again in the next round."""

    supply: Supply
    hosts: Hosts
    striker: Striker
    blows: Iterator[Blow]
    watch: Watch
    seconds: float = 0.0

    def run(self) -> None:
        """Until every run has ended, or nothing has moved for long."""
        began, moved_at, before = time.monotonic(), 0.0, (0, 0)
        coming = next(self.blows)
        while self.seconds - moved_at < PATIENCE and not _reached(self.supply.is_done):
            self.seconds = time.monotonic() - began
            if coming.at <= self.seconds:
                _reached(partial(self.striker.strike, coming, self.seconds))
                coming = next(self.blows)
            self._turn()
            if (progress := (self.supply.opened, self.watch.newest)) != before:
                moved_at, before = self.seconds, progress
            time.sleep(PAUSE)
        self.striker.end()

    def _turn(self) -> None:
        self.striker.turn(self.seconds)
        self.hosts.turn()
        _reached(partial(self.supply.turn, timezone.now()))
        _reached(partial(self.watch.look, self.seconds))

    def figures(self, lines: Sequence[Mapping[str, Any]]) -> list[Figure]:
        """What was promised, and what was found; `lines` of the lab's ledger."""
        found = reckon(lines, recorded())
        struck = self.striker.struck
        return [
            *(Figure(f"runs {status}", count, "") for status, count in sorted(_ends().items())),
            Figure("seconds", self.seconds, "s"),
            Figure("steps a second", found.carried_out / max(self.seconds, 1.0), "/s"),
            *_counted(struck),
            Figure("write requests received", found.received, ""),
            Figure("  carried out", found.carried_out, ""),
            Figure("  of replaced workers, too late: nothing was done", len(found.late), ""),
            Figure("duplicates", len(found.duplicates), "", at_most=0),
            Figure("lost", len(found.lost), "", at_most=0),
            Figure("writes without a signed plan", len(found.unsigned), "", at_most=0),
            Figure("stuck", self.supply.unfinished.count(), "", at_most=0),
            Figure("leaked locks", leaked(), "", at_most=0),
            Figure("a person was called", self.supply.people_called, "times"),
            Figure("jobs that lost three workers, tried again", self.supply.jobs_tried_again, ""),
            *_recovery(recoveries(self.watch.stood_still, struck)),
        ]


def _counted(struck: Sequence[Blow]) -> list[Figure]:
    counts = Counter(blow.kind for blow in struck)
    return [
        *(Figure(f"blows: {kind}", count, "") for kind, count in sorted(counts.items())),
        Figure("blows in all", len(struck), ""),
        Figure("  of them kill -9", sum(blow.kind in KILLS for blow in struck), ""),
    ]


def _recovery(felt: Mapping[Blow, float]) -> list[Figure]:
    """How long it took until what was hit went on, from blow to blow, and the worst of every kind."""
    kinds = sorted({blow.kind for blow in felt})
    worst = {kind: max(seconds for blow, seconds in felt.items() if blow.kind is kind) for kind in kinds}
    return [
        Figure("blows that interrupted runs", len(felt), ""),
        *(Figure(f"  recovery, worst after: {kind}", seconds, "s") for kind, seconds in worst.items()),
        Figure("recovery, median", median(felt.values()) if felt else 0.0, "s"),
        Figure("recovery, worst", max(felt.values(), default=0.0), "s", at_most=RECOVERY_SECONDS),
    ]


def recorded() -> list[Step]:
    """Every step of every run as the product has it."""
    votes = [Exists(Vote.objects.filter(plan=OuterRef(path))) for path in ("run__plan", "run__plan__merge_plan")]
    claimed = StepRun.objects.filter(run__plan__stage=Stage.ROLLOUT, run__plan__status=PlanStatus.CLAIMED)
    signed = set(claimed.filter(*votes).values_list("pk", flat=True))
    return [
        Step(step.idempotency_key, step.status, step.intended_at is not None, step.pk in signed)
        for step in StepRun.objects.all()
    ]


def leaked() -> int:
    """Locks that a run still has although it ended."""
    ended = Run.objects.filter(status__in=ENDED).values("pk")
    return TargetLock.objects.filter(released_at=None, run_id__in=ended).count()


def _ends() -> Counter[str]:
    return Counter(Run.objects.values_list("status", flat=True))


def _reached(verb: Callable[[], object]) -> object:
    """What the verb answers; nothing where the database was away."""
    try:
        return verb()
    except (Error, psycopg.Error):
        connection.close()
        return None
