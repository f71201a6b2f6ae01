"""What the run page shows of a plan in waves: where each wave stands, what is watched, and every reading of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from portal.kit import charts
from portal.kit.charts import Chart, Series
from remediation.execution.models import Reading, Run
from remediation.execution.progress import AT_IT
from remediation.execution.states import StepStatus
from remediation.review.plans import Content
from remediation.review.waves import Signal, Stages, Wave

S = StepStatus
READINGS = 600
"""The newest of a run that the page draws."""
SETTLED = (S.VERIFIED, S.ROLLED_BACK, S.FAILED)
"""What a wave is called by when all of it is behind, the first that any of its steps is."""
STANDINGS = (
    "pending",
    "running",
    "watched",
    "verified",
    "skipped",
    "rolling_back",
    "rolled_back",
    "failed",
    "rollback_failed",
)
"""Every word for where a wave stands."""


@dataclass(frozen=True, slots=True)
class Row:
    """A wave, and the word for where it stands."""

    wave: Wave
    status: str


@dataclass(frozen=True, slots=True)
class Watched:
    """A signal with its newest reading, and all of them as a drawing; None before the first."""

    signal: Signal
    newest: Reading | None
    chart: Chart | None


@dataclass(frozen=True, slots=True)
class WaveBoard:
    """The waves of one run."""

    stages: Stages
    rows: Sequence[Row]
    signals: Sequence[Watched]
    watch_until: datetime | None
    wave: int


def of(run: Run, content: Content, statuses: Mapping[int, str]) -> WaveBoard | None:
    """The waves of a run, `statuses` being those of its steps by number; None where its plan has none."""
    stages = content.stages
    if stages is None:
        return None
    rows = [Row(wave, standing(run, wave, statuses)) for wave in stages.waves]
    return WaveBoard(stages, rows, _signals(run, stages), run.watch_until, run.wave)


def standing(run: Run, wave: Wave, statuses: Mapping[int, str]) -> str:
    """Where a wave stands, in one word."""
    if run.watch_until and wave.number == run.wave:
        return "watched"
    return _word({S(statuses[number]) for number in wave.steps})


def seen_of(run: Run) -> list[str]:
    """What changes whenever the board does, beside what the steps say."""
    if run.watch_until is None:
        return []
    newest = Reading.objects.filter(run=run).order_by("-id").values_list("pk", flat=True).first()
    return [str(run.wave), str(newest or 0)]


def _word(found: Collection[StepStatus]) -> str:
    for status in (S.ROLLBACK_FAILED, S.ROLLING_BACK):
        if status in found:
            return status.value
    if set(found) == {S.PENDING}:
        return S.PENDING.value
    if S.PENDING in found or not AT_IT.isdisjoint(found):
        return "running"
    return next((status.value for status in SETTLED if status in found), S.SKIPPED.value)


def _signals(run: Run, stages: Stages) -> list[Watched]:
    if not stages.signals:
        return []
    by_signal: dict[str, list[Reading]] = {}
    for reading in reversed(Reading.objects.filter(run=run).order_by("-id")[:READINGS]):
        by_signal.setdefault(reading.signal, []).append(reading)
    return [_watched(signal, by_signal.get(signal.title, [])) for signal in stages.signals]


def _watched(signal: Signal, readings: Sequence[Reading]) -> Watched:
    if not readings:
        return Watched(signal, None, None)
    values, limit = [reading.value for reading in readings], float(signal.threshold)
    known = [value for value in (*values, limit) if value is not None]
    labels = [f"{reading.at.astimezone(UTC):%H:%M:%S}" for reading in readings]
    series = [Series(signal.name, values), Series(signal.relation.replace("_", " "), [limit] * len(values))]
    low, high = min(0.0, *known), charts.round_up(max(known))
    chart = charts.line_chart(signal.title, labels, series, unit=f" {signal.unit}".rstrip(), low=low, high=high)
    return Watched(signal, readings[-1], chart)
