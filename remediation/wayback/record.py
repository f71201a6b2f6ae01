"""What is known of a way back, from the times it was taken: counts, their lower bound, and a sentence. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from patterns.reliability import wilson_lower_bound

LAST = 200
"""How many of the newest times count: a way back that changed since is not carried by old glory."""


class Time(Protocol):
    """One time that a way back was taken."""

    @property
    def has_worked(self) -> bool: ...
    @property
    def is_rehearsal(self) -> bool: ...
    @property
    def stands_in_for(self) -> str: ...
    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of the way back of one operation, or of one role. `missing` says why there is none to take."""

    operation: str
    newest_first: Sequence[Time] = ()
    missing: str = ""

    @property
    def taken(self) -> int:
        """How often it was taken, of the last 200."""
        return len(self.newest_first)

    @property
    def worked(self) -> int:
        """How often it was seen to work."""
        return sum(each.has_worked for each in self.newest_first)

    @property
    def rehearsed(self) -> int:
        """How many of these were rehearsals."""
        return sum(each.is_rehearsal for each in self.newest_first)

    @property
    def percent(self) -> float | None:
        """The success rate; None while it was never taken."""
        return round(self.worked / self.taken * 100, 1) if self.taken else None

    @property
    def bound(self) -> float | None:
        """The Wilson 95% lower bound of the rate, in percent; with few observations far below it."""
        return round(wilson_lower_bound(self.worked, self.taken), 1) if self.taken else None

    @property
    def last(self) -> Time | None:
        """The last time it was taken."""
        return self.newest_first[0] if self.newest_first else None

    @property
    def is_proven(self) -> bool:
        """Whether it was seen to work, and worked the last time."""
        return self.last is not None and self.last.has_worked

    @property
    def says(self) -> str:
        """What is known, in a sentence or two that do not depend on the moment they are read."""
        if self.missing:
            return f"Rollback unproven: {self.missing}"
        if self.last is None:
            return "Rollback unproven: it was never taken."
        counts = f"{self.worked} of {self.taken} worked"
        if not self.is_proven:
            return f"Rollback unproven: {counts}, and the last time, {_when(self.last)}, it did not."
        return f"{counts}, last {_when(self.last)}."


def _when(time: Time) -> str:
    """Not of which ticket: whoever reads it may not see that one."""
    where = "in a rehearsal" if time.is_rehearsal else "in a run"
    aside = " on a stand-in" if time.stands_in_for else ""
    return f"on {time.at.astimezone(UTC):%-d %b %Y, %H:%M} UTC {where}{aside}"
