"""The states of a letter, and how long it rests between tries. Pure."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from enum import StrEnum


class LetterState(StrEnum):
    """Still to be sent, sent, given up after its last try, or put away by a person."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"
    DISCARDED = "discarded"


NEXT: dict[LetterState, frozenset[LetterState]] = {
    LetterState.WAITING: frozenset({LetterState.SENT, LetterState.DEAD}),
    LetterState.SENT: frozenset(),
    LetterState.DEAD: frozenset({LetterState.WAITING, LetterState.DISCARDED}),  # a person tries again, or does not
    LetterState.DISCARDED: frozenset(),
}
ENDED = frozenset({LetterState.SENT, LetterState.DISCARDED})

MAX_TRIES = 8
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=4)
JITTER_PERCENT = 20


def pause_after(tries: int, *, seed: str) -> timedelta:
    """How long to rest after the n-th try: 30 s, 2 min, 8 min, ... at most 4 h; eight tries take eleven hours.

    The same seed and number always give the same pause; different seeds spread over a fifth to either side, so that
    what failed together does not come back together.
    """
    pause = FIRST_PAUSE
    for _ in range(tries - 1):
        pause = min(LONGEST_PAUSE, pause * 4)
    number = int.from_bytes(hashlib.sha256(f"{seed} {tries}".encode()).digest()[:4])
    percent = 100 - JITTER_PERCENT + number % (2 * JITTER_PERCENT + 1)
    return pause * percent / 100
