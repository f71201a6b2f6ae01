"""States of a rehearsal and of its steps, as data. Pure."""

from __future__ import annotations

from enum import StrEnum


class RehearsalStatus(StrEnum):
    """Where a rehearsal stands. One that could not begin, or that proved nothing, says nothing about the way back."""

    ASKED = "asked"
    UNDER_WAY = "under_way"
    WORKED = "worked"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


class StepStatus(StrEnum):
    """Where a step of a rehearsal stands. From `intended` on the lab may have changed and has to be put back."""

    PENDING = "pending"
    SKIPPED = "skipped"
    INTENDED = "intended"
    ACTED = "acted"
    """The verify saw that the action worked: only from here is a way back worth anything as a proof."""
    SPOILED = "spoiled"
    """The action was tried and not seen to work. It is taken back, and proves nothing."""
    RETURNING = "returning"
    RETURNED = "returned"
    STUCK = "stuck"
    """The way back was taken and not seen to work."""


R = RehearsalStatus
REHEARSAL_NEXT: dict[RehearsalStatus, frozenset[RehearsalStatus]] = {
    R.ASKED: frozenset({R.UNDER_WAY, R.INCONCLUSIVE}),
    R.UNDER_WAY: frozenset({R.WORKED, R.FAILED, R.INCONCLUSIVE}),
    R.WORKED: frozenset(),
    R.FAILED: frozenset(),
    R.INCONCLUSIVE: frozenset(),
}
OPEN = frozenset({R.ASKED, R.UNDER_WAY})

S = StepStatus
STEP_NEXT: dict[StepStatus, frozenset[StepStatus]] = {
    S.PENDING: frozenset({S.SKIPPED, S.INTENDED}),
    S.INTENDED: frozenset({S.ACTED, S.SPOILED}),
    S.ACTED: frozenset({S.RETURNING}),
    S.SPOILED: frozenset({S.RETURNING}),
    S.RETURNING: frozenset({S.RETURNED, S.STUCK}),
    S.SKIPPED: frozenset(),
    S.RETURNED: frozenset(),
    S.STUCK: frozenset(),
}
