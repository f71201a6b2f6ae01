"""What the pattern pages show, worked out from rows: rates with their lower bounds, and what happened over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from patterns.models import Occurrence, Pattern
from patterns.reliability import rate_of, wilson_lower_bound
from portal.kit.charts import Chart, Series, bar_chart, line_chart
from portal.kit.spans import by_span, labels_of, spans_of


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
    spans = spans_of(newest_first)
    kinds = [
        ("Tickets", [each for each in newest_first if each.kind == Occurrence.Kind.SEEN]),
        ("Runs that succeeded", [each for each in newest_first if each.succeeded is True]),
        ("Runs that failed", [each for each in newest_first if each.succeeded is False]),
    ]
    series = [Series(name, [len(rows) for rows in by_span(spans, found)]) for name, found in kinds]
    return bar_chart("Tickets and runs over time", labels_of(spans), series)


def reliability_chart(newest_first: Sequence[Occurrence]) -> Chart:
    """The mean reliability after feedback, span by span; a span without feedback breaks the line."""
    spans = spans_of(newest_first)
    means = [_mean([each.reliability for each in rows]) for rows in by_span(spans, newest_first)]
    return line_chart("Reliability after feedback", labels_of(spans), [Series("Mean reliability", means)])


def _mean(scores: Sequence[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return round(sum(known) / len(known), 1) if known else None


def _scaled(value: int | None, by: int) -> float | None:
    return None if value is None else value / by
