"""States of a run and of its steps, as data. Pure."""

from __future__ import annotations

from enum import StrEnum


class RunStatus(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    PAUSED = "paused"
    ROLLING_BACK = "rolling_back"
    NEEDS_PERSON = "needs_person"
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"


MOVING = frozenset({RunStatus.RUNNING, RunStatus.ROLLING_BACK})
"""What a run is in while workers have something to do for it."""


class StepStatus(StrEnum):
    """Where a step stands. Intended and unknown are the two in which the world may or may not have changed (law 7)."""

    PENDING = "pending"
    PREFLIGHT = "preflight"
    SKIPPED = "skipped"
    INTENDED = "intended"
    ACTED = "acted"
    VERIFIED = "verified"
    FAILED = "failed"
    UNKNOWN = "unknown"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"


R = RunStatus
RUN_NEXT: dict[RunStatus, frozenset[RunStatus]] = {
    R.RUNNING: frozenset({R.PAUSED, R.ROLLING_BACK, R.NEEDS_PERSON, R.SUCCEEDED, R.FAILED}),
    R.PAUSED: frozenset({R.RUNNING, R.ROLLING_BACK, R.FAILED}),
    R.ROLLING_BACK: frozenset({R.ROLLED_BACK, R.FAILED, R.NEEDS_PERSON}),
    R.NEEDS_PERSON: frozenset({R.RUNNING, R.ROLLING_BACK, R.FAILED}),
    R.SUCCEEDED: frozenset(),
    R.ROLLED_BACK: frozenset(),
    R.FAILED: frozenset(),
}


class Asked(StrEnum):
    """What a person asked of a run that workers are driving; it is heeded at the next boundary."""

    PAUSE = "pause"
    """No further write. What has been done is verified, then the run waits."""
    STOP_AFTER_STEP = "stop_after_step"
    """The step in hand is finished, then people decide."""
    STOP_NOW = "stop_now"
    """No further write and no waiting: what became of a write in flight is found out, then people decide."""


S = StepStatus
STEP_NEXT: dict[StepStatus, frozenset[StepStatus]] = {
    S.PENDING: frozenset({S.PREFLIGHT, S.SKIPPED}),
    S.PREFLIGHT: frozenset({S.INTENDED, S.FAILED, S.SKIPPED}),
    S.INTENDED: frozenset({S.ACTED, S.FAILED, S.UNKNOWN}),
    S.ACTED: frozenset({S.VERIFIED, S.FAILED, S.UNKNOWN, S.ROLLING_BACK}),
    S.UNKNOWN: frozenset({S.PENDING, S.ACTED, S.FAILED}),
    S.VERIFIED: frozenset({S.ROLLING_BACK}),
    S.FAILED: frozenset({S.PENDING, S.SKIPPED, S.ROLLING_BACK}),
    S.ROLLING_BACK: frozenset({S.ROLLED_BACK, S.ROLLBACK_FAILED}),
    S.SKIPPED: frozenset(),
    S.ROLLED_BACK: frozenset(),
    S.ROLLBACK_FAILED: frozenset(),
}
