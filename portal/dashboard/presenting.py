"""The overview's figures as people read them: percent, "no data" where nothing is known, charts over time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from portal.dashboard import stats
from portal.estate.models import Category
from portal.kit.charts import Chart, Series, bar_chart, line_chart
from portal.kit.plurals import counted

CHOICES = {7: 7, 30: 6, 90: 6}
"""The periods one can choose, in days, and into how many spans a trend divides each."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure at a glance; without a value there is no data."""

    name: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of one category, in percent or points."""

    category: Category
    reliability: float | None
    resolved: float | None
    executed: float | None
    succeeded: float | None
    approved: float | None
    positive: float | None
    rating: float | None
    answers: int
    patterns: int
    eligible: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the page shows."""

    figures: list[Figure]
    trend: Chart
    autonomy: Chart
    feedback: Chart
    ratings: Chart
    by_category: Chart
    patterns: Chart
    lines: list[Line]


def overview(categories: Collection[Category], *, days: int, until: datetime) -> Overview:
    """The figures of the last days, with their trend."""
    period = stats.Period(until - timedelta(days=days), until)
    quality, autonomy = stats.reliability(categories, period), stats.auto_remediation(categories, period)
    lines = [
        line_of(category, quality.by_category[category.slug], autonomy.by_category[category.slug])
        for category in categories
    ]
    return Overview(
        figures=figures_of(quality.overall, autonomy.overall),
        trend=_trend(categories, _spans(period, CHOICES[days])),
        autonomy=_autonomy(lines),
        feedback=_feedback(quality.overall),
        ratings=_ratings(stats.ratings(categories, period)),
        by_category=_quality(lines),
        patterns=_patterns(lines),
        lines=lines,
    )


def figures_of(quality: stats.Figures, autonomy: stats.Figures) -> list[Figure]:
    """The figures at a glance, each with what it is a part of."""
    finished, decided = counted(quality["tickets_finished"], "finished ticket"), autonomy["remediations_decided"]
    ended, answers = counted(autonomy["runs_ended"], "run"), counted(quality["feedback_count"], "answer")
    return [
        Figure("Reliability", _said(_points(quality["average_reliability"])), "mean, of 100"),
        Figure("Resolved", _said(percent(quality["resolution_rate"]), " %"), f"of {finished}"),
        Figure("Executed", _said(percent(autonomy["execution_rate"]), " %"), f"of {decided} decided"),
        Figure("Succeeded", _said(percent(autonomy["success_rate"]), " %"), f"of {ended}"),
        Figure("Approved", _said(percent(autonomy["approval_rate"]), " %"), "of those signed or rejected"),
        Figure("Positive feedback", _said(percent(quality["positive_rate"]), " %"), f"of {answers}"),
        Figure(
            "Eligible patterns", f"{autonomy['eligible_patterns']}", f"of {autonomy['patterns']}, as they stand now"
        ),
    ]


def line_of(category: Category, quality: stats.Figures, autonomy: stats.Figures) -> Line:
    """The row of a category."""
    return Line(
        category=category,
        reliability=_points(quality["average_reliability"]),
        resolved=percent(quality["resolution_rate"]),
        executed=percent(autonomy["execution_rate"]),
        succeeded=percent(autonomy["success_rate"]),
        approved=percent(autonomy["approval_rate"]),
        positive=percent(quality["positive_rate"]),
        rating=_points(quality["average_rating"]),
        answers=quality["feedback_count"],
        patterns=autonomy["patterns"],
        eligible=autonomy["eligible_patterns"],
    )


def percent(rate: float | None) -> float | None:
    """A rate of 0 to 1 in percent."""
    return None if rate is None else round(rate * 100, 1)


def _trend(categories: Collection[Category], spans: Sequence[stats.Period]) -> Chart:
    """The same figures span by span, so that a point of the line means what the figure above it means."""
    found = [stats.reliability(categories, span).overall for span in spans]
    series = [
        Series("Reliability", [_points(each["average_reliability"]) for each in found]),
        Series("Resolved, %", [percent(each["resolution_rate"]) for each in found]),
    ]
    return line_chart("Reliability and resolution over time", [f"{span.since:%-d %b}" for span in spans], series)


def _autonomy(lines: Sequence[Line]) -> Chart:
    series = [
        Series("Executed", [line.executed for line in lines]),
        Series("Succeeded", [line.succeeded for line in lines]),
        Series("Approved", [line.approved for line in lines]),
    ]
    return bar_chart("Execution, success and approval by category", _names(lines), series, unit=" %")


def _quality(lines: Sequence[Line]) -> Chart:
    series = [
        Series("Reliability", [line.reliability for line in lines]),
        Series("Resolved, %", [line.resolved for line in lines]),
        Series("Positive, %", [line.positive for line in lines]),
    ]
    return bar_chart("Reliability, resolution and feedback by category", _names(lines), series)


def _patterns(lines: Sequence[Line]) -> Chart:
    series = [
        Series("Patterns", [line.patterns for line in lines]),
        Series("Eligible", [line.eligible for line in lines]),
    ]
    return bar_chart("Patterns by category", _names(lines), series)


def _feedback(quality: stats.Figures) -> Chart:
    positive, negative = percent(quality["positive_rate"]), percent(quality["negative_rate"])
    rest = None if positive is None or negative is None else max(0.0, round(100 - positive - negative, 1))
    values = [positive, rest, negative]
    return bar_chart("What answers say", ["Positive", "In between", "Negative"], [Series("Answers", values)], unit=" %")


def _ratings(counts: Sequence[int]) -> Chart:
    values = list(counts) if any(counts) else [None] * len(counts)
    return bar_chart("Stars given", [f"{stars} ★" for stars in range(1, 6)], [Series("Answers", values)])


def _spans(period: stats.Period, count: int) -> list[stats.Period]:
    size = (period.until - period.since) / count
    edges = [period.since + size * number for number in range(count)] + [period.until]
    return [stats.Period(since, until) for since, until in pairwise(edges)]


def _names(lines: Sequence[Line]) -> list[str]:
    return [line.category.name for line in lines]


def _points(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _said(value: Any, unit: str = "") -> str:
    return "no data" if value is None else f"{value:g}{unit}"
