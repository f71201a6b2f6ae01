"""Equal spans of time for charts: what happened when, in a dozen bars however long the story is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

MOST_SPANS = 13
SPANS = [timedelta(days=days) for days in (1, 2, 7, 14, 30, 91, 182, 365)]


class Dated(Protocol):
    """Anything that happened at a moment."""

    @property
    def at(self) -> datetime: ...


Row = TypeVar("Row", bound=Dated)


def spans_of(rows: Sequence[Dated]) -> list[datetime]:
    """The beginnings of at most MOST_SPANS equal spans of whole days that hold all rows."""
    if not rows:
        return []
    first = min(row.at for row in rows).replace(hour=0, minute=0, second=0, microsecond=0)
    whole = max(row.at for row in rows) - first
    size = next((size for size in SPANS if size * MOST_SPANS > whole), whole / MOST_SPANS + timedelta(seconds=1))
    return [first + size * number for number in range(int(whole / size) + 1)]


def by_span(spans: Sequence[datetime], rows: Sequence[Row]) -> list[list[Row]]:
    """The rows of each span."""
    ends = [*spans[1:], datetime.max.replace(tzinfo=spans[0].tzinfo)] if spans else []
    return [[row for row in rows if start <= row.at < end] for start, end in zip(spans, ends, strict=True)]


def labels_of(spans: Sequence[datetime]) -> list[str]:
    """What the spans are called under a chart."""
    is_long = bool(spans) and spans[0].year != spans[-1].year
    return [f"{start:%b %Y}" if is_long else f"{start:%-d %b}" for start in spans]
