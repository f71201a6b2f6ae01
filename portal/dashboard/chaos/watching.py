"""How long runs stood still: from outside, by looking again and again at how far each of them is, and who has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from django.db.models import Max, Q, QuerySet

from portal.dashboard.chaos.blows import Blow, Kind
from portal.jobs.models import Job
from portal.jobs.states import State
from remediation.execution import advancing
from remediation.execution.models import Run, StepOutput
from remediation.execution.states import MOVING

NOTICED = 1.0
"""Seconds; a run that stands still for less was not interrupted, or nobody could tell."""
UNEXPLAINED = 5.0
"""Seconds; a run that stands still for longer was interrupted, also if nothing that was hit is seen to have had it."""
EVERYBODY = frozenset({Kind.LAB, Kind.POSTGRES})
"""What no run can do without: these hit all of them."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A time in which one worker had a run in hand; who was killed still has it until somebody takes it back."""

    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Stillness:
    """A time in which a run did not come any further, and the turns at it: the last one brought it further."""

    since: float
    until: float
    turns: tuple[Turn, ...]


@dataclass(slots=True)
class _Track:
    """A run since it last came further."""

    mark: int
    since: float
    turns: list[Turn] = field(default_factory=list)
    holder: tuple[int, int] | None = None

    def hold(self, holder: tuple[int, int] | None, before: float, now: float) -> None:
        """Somebody has the run `now`, or nobody; `before` was the last look."""
        if holder != self.holder:
            self.holder = holder
            if holder:
                self.turns.append(Turn(before, now))
        if holder:
            self.turns[-1] = replace(self.turns[-1], until=now)


class Watch:
    """Looks at the runs that some worker has begun to drive and none has brought to where they wait or end."""

    def __init__(self) -> None:
        self.stood_still: list[Stillness] = []
        self.newest = 0
        self._tracks: dict[int, _Track] = {}
        self._looked_at = 0.0

    def look(self, now: float) -> None:
        """One look, at `now` seconds after the start."""
        marks, holders = self._marks(), self._holders()
        self.newest = max(self.newest, *marks.values(), 0)
        for run_id, track in list(self._tracks.items()):
            if marks.get(run_id) != track.mark:
                self.stood_still.append(Stillness(track.since, now, tuple(track.turns)))
                del self._tracks[run_id]
        for run_id, mark in marks.items():
            track = self._tracks.setdefault(run_id, _Track(mark, self._looked_at))
            track.hold(holders.get(run_id), self._looked_at, now)
        self._looked_at = now

    @staticmethod
    def _marks() -> dict[int, int]:
        """Run id to the newest of its outputs."""
        marks = dict.fromkeys(_driven().values_list("pk", flat=True), 0)
        outputs = StepOutput.objects.filter(run_id__in=marks).values_list("run_id")
        return marks | dict(outputs.annotate(Max("id")).order_by())

    @staticmethod
    def _holders() -> dict[int, tuple[int, int]]:
        """Run id to the job by which somebody drives it now, and the fence under which."""
        jobs = Job.objects.filter(kind=advancing.KIND, state=State.RUNNING)
        return {run: (job, fence) for run, job, fence in jobs.values_list("subject_id", "pk", "fence") if run}


def recoveries(stood_still: Iterable[Stillness], blows: Sequence[Blow]) -> dict[Blow, float]:
    """For every blow that some run felt: the seconds until the last of the runs that it hit came further."""
    found: dict[Blow, float] = {}
    for stillness in stood_still:
        if blow := felt(stillness, blows):
            found[blow] = max(found.get(blow, 0.0), stillness.until - blow.at)
    return found


def felt(stillness: Stillness, blows: Iterable[Blow]) -> Blow | None:
    """The blow from which the clock of a run runs: the first one in the last of the turns that were lost to blows.

    A blow hits a run when a worker has it in hand and then loses it, or when no run can do without what was hit.
    """
    lasted = stillness.until - stillness.since
    during = [blow for blow in blows if stillness.since <= blow.at <= stillness.until]
    if lasted < NOTICED or not during:
        return None
    hit = during[0] if lasted > UNEXPLAINED else None
    lost: Turn | None = None
    for blow in during:
        turn = next((each for each in stillness.turns[:-1] if each.since <= blow.at <= each.until), None)
        if blow.kind in EVERYBODY or (turn and turn is not lost):
            hit, lost = blow, turn
    return hit


def _driven() -> QuerySet[Run]:
    """Runs that a worker has had in hand."""
    jobs = Job.objects.filter(kind=advancing.KIND, state__in=[State.WAITING, State.RUNNING], fence__gt=0)
    runs = Run.objects.filter(mode=Run.Mode.WORKERS, status__in=MOVING)
    return runs.filter(Q(fence__gt=0) | Q(pk__in=jobs.values("subject_id")))
