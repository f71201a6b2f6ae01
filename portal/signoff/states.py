"""States of a plan and what a sign-off can be about, as data. Pure."""

from __future__ import annotations

from enum import StrEnum


class PlanStatus(StrEnum):
    """Where a plan stands."""

    OPEN = "open"
    SIGNED = "signed"
    CLAIMED = "claimed"
    VOID = "void"


class Stage(StrEnum):
    """What a sign-off allows: merge the proof, rollout the run, grant a certificate, skip to leave a step out."""

    MERGE = "merge"
    ROLLOUT = "rollout"
    GRANT = "grant"
    SKIP = "skip"


NEXT: dict[PlanStatus, frozenset[PlanStatus]] = {
    PlanStatus.OPEN: frozenset({PlanStatus.SIGNED, PlanStatus.VOID}),
    PlanStatus.SIGNED: frozenset({PlanStatus.CLAIMED, PlanStatus.VOID}),
    PlanStatus.CLAIMED: frozenset(),
    PlanStatus.VOID: frozenset(),
}

BY_MACHINES = (Stage.MERGE, Stage.ROLLOUT)
"""Stages that a machine may sign under a certificate."""
LIVE = (PlanStatus.OPEN, PlanStatus.SIGNED)
"""A plan that can still lead to something."""

RISKS = ("read_only", "safe_write", "critical_write")
SEVERITIES = ("sev1", "sev2", "sev3", "sev4")
HARMLESS = ("read_only", "safe_write")
"""The risks below critical. Anything else, a word nobody knows included, is critical (law 6)."""


def is_critical(risk: str) -> bool:
    """Whether a plan of this risk wants the typed ticket id and a fresh sign-in, and no machine's vote."""
    return risk not in HARMLESS
