"""States of a plan, as data. Pure."""

from __future__ import annotations

from enum import StrEnum


class PlanStatus(StrEnum):
    """Where a plan stands."""

    OPEN = "open"
    SIGNED = "signed"
    CLAIMED = "claimed"
    VOID = "void"


class Stage(StrEnum):
    """What a sign-off allows: merge allows the proof, rollout allows the run."""

    MERGE = "merge"
    ROLLOUT = "rollout"


NEXT: dict[PlanStatus, frozenset[PlanStatus]] = {
    PlanStatus.OPEN: frozenset({PlanStatus.SIGNED, PlanStatus.VOID}),
    PlanStatus.SIGNED: frozenset({PlanStatus.CLAIMED, PlanStatus.VOID}),
    PlanStatus.CLAIMED: frozenset(),
    PlanStatus.VOID: frozenset(),
}
