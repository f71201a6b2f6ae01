"""Charts as server-side SVG: geometry here, markup in `components/chart.html`, always with the numbers as a table."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 400, 150
LEFT, RIGHT, TOP, BOTTOM = 30, 4, 8, 20

Number = float | None


@dataclass(frozen=True, slots=True)
class Series:
    """A named row of values, one per label; None where there is no data (never drawn as zero)."""

    name: str
    values: Sequence[Number]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the drawing with the text that stands there."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle, and what it says when pointed at."""

    x: float
    y: float
    width: float
    height: float
    series: int
    title: str


@dataclass(frozen=True, slots=True)
class Line:
    """The unbroken pieces of one series, each as the `points` of a polyline."""

    series: int
    pieces: tuple[str, ...]

    @property
    def strokes(self) -> list[str]:
        """The pieces that can be drawn as a line."""
        return [piece for piece in self.pieces if " " in piece]

    @property
    def dots(self) -> list[list[str]]:
        """The x and y of values without a neighbour: a line of one point would hardly be seen."""
        return [piece.split(",") for piece in self.pieces if " " not in piece]


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything the template draws. `summary` is the description a screen reader hears."""

    title: str
    summary: str
    unit: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    grid: tuple[Mark, ...]
    ticks: tuple[Mark, ...]
    lines: tuple[Line, ...] = ()
    bars: tuple[Bar, ...] = ()

    @property
    def table(self) -> list[tuple[str, list[Number]]]:
        """The same numbers, a row per label."""
        return [(label, [s.values[i] for s in self.series]) for i, label in enumerate(self.labels)]

    @property
    def keys(self) -> list[tuple[int, str, Number]]:
        """What each series is called, with its last known value."""
        return [(n, s.name, _last(s.values)) for n, s in enumerate(self.series, start=1)]


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values and positions to places on the drawing."""

    low: float
    high: float
    count: int

    @property
    def slot(self) -> float:
        """How much room each label has."""
        return (WIDTH - LEFT - RIGHT) / max(self.count, 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    def x(self, index: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * index / max(self.count - 1, 1), 1)


def line_chart(
    title: str, labels: Sequence[str], series: Sequence[Series], *, unit: str = "", low: float = 0, high: float = 100
) -> Chart:
    """A line per series over the labels, between `low` and `high`; a missing value breaks its line."""
    scale = _Scale(low, high, len(labels))
    return Chart(
        title=title,
        summary=_summary(series, unit),
        unit=unit,
        labels=tuple(labels),
        series=tuple(series),
        grid=_grid(scale),
        ticks=_ticks(labels, [scale.x(i) for i in range(len(labels))]),
        lines=tuple(Line(n, tuple(_pieces(s.values, scale))) for n, s in enumerate(series, start=1)),
    )


def bar_chart(title: str, labels: Sequence[str], series: Sequence[Series], *, unit: str = "") -> Chart:
    """Bars side by side for every label, from zero to a round number above the largest value."""
    largest = max((v for s in series for v in s.values if v is not None), default=1)
    scale = _Scale(0, round_up(largest), len(labels))
    return Chart(
        title=title,
        summary=_summary(series, unit),
        unit=unit,
        labels=tuple(labels),
        series=tuple(series),
        grid=_grid(scale),
        ticks=_ticks(labels, [scale.x(0) + scale.slot * (i + 0.5) for i in range(len(labels))]),
        bars=tuple(_bars(labels, series, scale, unit)),
    )


def _pieces(values: Sequence[Number], scale: _Scale) -> list[str]:
    pieces: list[list[str]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{scale.x(index)},{scale.y(value)}")
    return [" ".join(points) for points in pieces if points]


def _bars(labels: Sequence[str], series: Sequence[Series], scale: _Scale, unit: str) -> Iterator[Bar]:
    width = scale.slot * 0.7 / max(len(series), 1)
    for n, one in enumerate(series, start=1):
        for index, value in enumerate(one.values):
            if value is None:
                continue
            x = LEFT + scale.slot * (index + 0.15) + width * (n - 1)
            top = scale.y(value)
            said = f"{labels[index]}: {one.name} {value:g}{unit}"
            yield Bar(round(x, 1), top, round(width - 1, 1), round(scale.y(0) - top, 1), n, said)


def _grid(scale: _Scale) -> tuple[Mark, ...]:
    values = (scale.low, (scale.low + scale.high) / 2, scale.high)
    return tuple(Mark(LEFT, scale.y(value), f"{value:g}") for value in values)


def _ticks(labels: Sequence[str], places: Sequence[float]) -> tuple[Mark, ...]:
    """At most six labels, evenly chosen, so that they do not run into each other."""
    step = max(math.ceil(len(labels) / 6), 1)
    return tuple(Mark(round(places[i], 1), HEIGHT - 5, labels[i]) for i in range(0, len(labels), step))


def round_up(value: float) -> float:
    """The next 1, 2, 4 or 5 times a power of ten; 1 for what is not above zero."""
    if value < sys.float_info.min:  # zero, or too small to be divided
        return 1
    size = math.pow(10, math.floor(math.log10(value)))
    return next(size * step for step in (1, 2, 4, 5, 10) if size * step >= value)


def _last(values: Sequence[Number]) -> Number:
    return next((value for value in reversed(values) if value is not None), None)


def _summary(series: Sequence[Series], unit: str) -> str:
    return " ".join(_sentence(s, unit) for s in series)


def _sentence(series: Series, unit: str) -> str:
    known = [value for value in series.values if value is not None]
    if not known:
        return f"{series.name}: no data."
    return f"{series.name}: from {known[0]:g}{unit} to {known[-1]:g}{unit}, between {min(known):g} and {max(known):g}."
