"""The hours in which a policy lets things happen, on the wall clock of its zone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def is_open(at: datetime, hours: tuple[time, time] | None, zone: str, days: Collection[int]) -> bool:
    """True if the instant `at` lies in the window; without hours, on the whole of each allowed day.

    An end at or before the start lies on the next day, and the window belongs to the weekday of its start (0 is
    Monday). The wall clock decides, so a change to or from summer time never moves a window, and an hour that the
    clock skips or repeats is as closed or as open as the clock says.
    """
    clock = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    starts = (clock.date(), clock.date() - timedelta(days=1))
    return any(day.weekday() in days and _holds(clock, day, hours or (time.min, time.min)) for day in starts)


def _holds(clock: datetime, day: date, hours: tuple[time, time]) -> bool:
    opens, closes = (datetime.combine(day, hour) for hour in hours)
    if closes <= opens:
        closes += timedelta(days=1)
    return opens <= clock < closes
