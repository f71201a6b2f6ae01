"""How long runs stood still: from outside, by looking again and again at how far each of them is."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Max

from portal.jobs.models import Job
from portal.jobs.states import State
from remediation.execution import advancing
from remediation.execution.models import StepOutput

NOTICED = 1.0
"""Seconds; a run that stands still for less was not interrupted, or nobody could tell."""


@dataclass(frozen=True, slots=True)
class Stillness:
    """A time in which a run that had been begun did not come any further."""

    since: float
    until: float


class Watch:
    """Looks at the runs that some worker has begun to drive and none has brought to where they wait or end."""

    def __init__(self) -> None:
        self.stood_still: list[Stillness] = []
        self.newest = 0
        self._marks: dict[int, tuple[int, float]] = {}

    def look(self, now: float) -> None:
        """One look, at `now` seconds after the start."""
        marks = self._read()
        self.newest = max(self.newest, *marks.values(), 0)
        for run_id, (mark, since) in list(self._marks.items()):
            if marks.get(run_id) != mark:
                if now - since >= NOTICED:
                    self.stood_still.append(Stillness(since, now))
                del self._marks[run_id]
        for run_id, mark in marks.items():
            self._marks.setdefault(run_id, (mark, now))

    @staticmethod
    def _read() -> dict[int, int]:
        """Run id to the newest of its outputs, of runs whose job was taken at least once and has not ended."""
        driven = Job.objects.filter(
            kind=advancing.KIND, state__in=[State.WAITING, State.RUNNING], attempts__gt=0
        ).values_list("subject_id", flat=True)
        marks = dict.fromkeys((pk for pk in driven if pk is not None), 0)
        outputs = StepOutput.objects.filter(run_id__in=marks).values_list("run_id")
        return marks | dict(outputs.annotate(Max("id")).order_by())


def recoveries(stood_still: Sequence[Stillness], blows: Sequence[float]) -> list[float]:
    """For every blow that some run felt: the seconds until the last of the runs that stood still went on."""
    felt = ([each.until - at for each in stood_still if each.since <= at <= each.until] for at in blows)
    return [max(seconds) for seconds in felt if seconds]


def median_and_worst(seconds: Sequence[float]) -> tuple[float, float]:
    """Zero where nobody felt anything."""
    return (statistics.median(seconds), max(seconds)) if seconds else (0.0, 0.0)
