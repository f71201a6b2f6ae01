"""The states of a job, and which may follow which."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Waiting to be taken, held by a worker, finished, dead after its last attempt, or put away by a person."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"
    DISCARDED = "discarded"


NEXT: dict[State, frozenset[State]] = {
    State.WAITING: frozenset({State.RUNNING}),
    State.RUNNING: frozenset({State.DONE, State.WAITING, State.DEAD}),
    State.DONE: frozenset(),
    State.DEAD: frozenset({State.WAITING, State.DISCARDED}),  # a person tries again, or gives it up
    State.DISCARDED: frozenset(),
}


def backoff_seconds(attempts: int) -> int:
    """How long a job rests after its n-th failed attempt: 5 s, 20 s, 80 s, ... but never more than ten minutes."""
    seconds = 5
    for _ in range(attempts - 1):
        seconds = min(600, seconds * 4)
    return seconds
