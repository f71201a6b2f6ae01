"""When who is asked about a plan that waits: at once, again, the backup, and before it ends. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

WARNING = timedelta(minutes=30)
"""How long before its end a plan is warned of, or a quarter of its life if that is less."""


class Step(StrEnum):
    """What is said about a plan, and to whom: to the first, to the first, to the backup, to both."""

    ASKED = "asked"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    WARNED = "warned"


TO_FIRST = frozenset({Step.ASKED, Step.REMINDED, Step.WARNED})
TO_BACKUP = frozenset({Step.ESCALATED, Step.WARNED})


@dataclass(frozen=True, slots=True)
class Pace:
    """The steps of one plan, each with its time, soonest first."""

    steps: tuple[tuple[datetime, Step], ...]

    def due(self, *, since: datetime | None, at: datetime) -> list[Step]:
        """The steps that became due after `since` (None: from the beginning) and until `at`."""
        return [step for when, step in self.steps if when <= at and (since is None or when > since)]

    def next_after(self, at: datetime) -> datetime | None:
        """When there is something to say again."""
        return next((when for when, _ in self.steps if when > at), None)


def pace(
    *, opened_at: datetime, valid_until: datetime, remind_after: timedelta | None, escalate_after: timedelta | None
) -> Pace:
    """The steps of a plan; without times for a reminder and the backup it is asked and warned only.

    What would fall into the warning, or after the plan's end, is left out: the warning says it all.
    """
    warned_at = valid_until - min(WARNING, (valid_until - opened_at) / 4)
    between = [(remind_after, Step.REMINDED), (escalate_after, Step.ESCALATED)]
    steps = [
        (opened_at + after, step) for after, step in between if after is not None and opened_at + after < warned_at
    ]
    return Pace(tuple(sorted([(opened_at, Step.ASKED), *steps, (warned_at, Step.WARNED)])))


def last_of(steps: Sequence[Step], wanted: frozenset[Step]) -> Step | None:
    """The last of the due steps that somebody hears of: after a silence nobody is told four things at once."""
    return next((step for step in reversed(steps) if step in wanted), None)
