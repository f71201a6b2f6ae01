"""What the pattern pages show, worked out from rows: rates with their lower bounds, and what happened over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from patterns.models import Occurrence, Pattern
from patterns.reliability import rate_of, wilson_lower_bound
from portal.kit.charts import Chart, Series, bar_chart, line_chart

MOST_SPANS = 13
SPANS = [timedelta(days=days) for days in (1, 2, 7, 14, 30, 91, 182, 365)]


@dataclass(frozen=True, slots=True)
class Rate:
    """Part of a whole in percent, and the Wilson 95% lower bound of it; None without observations."""

    part: int
    whole: int

    @property
    def percent(self) -> float | None:
        """The rate itself."""
        rate = rate_of(self.part, self.whole)
        return None if rate is None else round(rate, 1)

    @property
    def bound(self) -> float | None:
        """What the rate is at least, with few observations far below it."""
        return round(wilson_lower_bound(self.part, self.whole), 1) if self.whole else None


@dataclass(frozen=True, slots=True)
class Row:
    """A pattern with its figures as people read them."""

    pattern: Pattern
    positive: Rate
    success: Rate
    rating: float | None
    reliability: float | None


def row_of(pattern: Pattern) -> Row:
    """The figures of a pattern, from what it keeps: no fold, however often the pattern came."""
    positive = round((pattern.positive_permille or 0) * pattern.feedback_count / 1000)
    return Row(
        pattern=pattern,
        positive=Rate(positive, pattern.feedback_count),
        success=Rate(pattern.succeeded_count, pattern.executed_count),
        rating=_scaled(pattern.average_rating_hundredths, 100),
        reliability=_scaled(pattern.reliability_permille, 10),
    )


def occurrences_chart(newest_first: Sequence[Occurrence]) -> Chart:
    """How often tickets came and runs ended, span by span."""
    spans = _spans(newest_first)
    kinds = [
        ("Tickets", [each for each in newest_first if each.kind == Occurrence.Kind.SEEN]),
        ("Runs that succeeded", [each for each in newest_first if each.succeeded is True]),
        ("Runs that failed", [each for each in newest_first if each.succeeded is False]),
    ]
    series = [Series(name, [len(rows) for rows in _by_span(spans, found)]) for name, found in kinds]
    return bar_chart("Tickets and runs over time", _labels(spans), series)


def reliability_chart(newest_first: Sequence[Occurrence]) -> Chart:
    """The mean reliability after feedback, span by span; a span without feedback breaks the line."""
    spans = _spans(newest_first)
    means = [_mean([each.reliability for each in rows]) for rows in _by_span(spans, newest_first)]
    return line_chart("Reliability after feedback", _labels(spans), [Series("Mean reliability", means)])


def _spans(rows: Sequence[Occurrence]) -> list[datetime]:
    """The beginnings of at most MOST_SPANS equal spans of whole days that hold all rows."""
    if not rows:
        return []
    first = min(row.at for row in rows).replace(hour=0, minute=0, second=0, microsecond=0)
    whole = max(row.at for row in rows) - first
    size = next((size for size in SPANS if size * MOST_SPANS > whole), whole / MOST_SPANS + timedelta(seconds=1))
    return [first + size * number for number in range(int(whole / size) + 1)]


def _by_span(spans: Sequence[datetime], rows: Sequence[Occurrence]) -> list[list[Occurrence]]:
    ends = [*spans[1:], datetime.max.replace(tzinfo=spans[0].tzinfo)] if spans else []
    return [[row for row in rows if start <= row.at < end] for start, end in zip(spans, ends, strict=True)]


def _labels(spans: Sequence[datetime]) -> list[str]:
    is_long = bool(spans) and spans[0].year != spans[-1].year
    return [f"{start:%b %Y}" if is_long else f"{start:%-d %b}" for start in spans]


def _mean(scores: Sequence[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return round(sum(known) / len(known), 1) if known else None


def _scaled(value: int | None, by: int) -> float | None:
    return None if value is None else value / by
