"""States of a canary proof and of a play, as data. Pure."""

from __future__ import annotations

from enum import StrEnum


class ProofStatus(StrEnum):
    """Where a proof stands. One that could not be made proves nothing for or against the role."""

    ASKED = "asked"
    UNDER_WAY = "under_way"
    HELD = "held"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


class PlayStatus(StrEnum):
    """Where a play stands. `playing` of a worker that is gone is an unknown outcome (law 7)."""

    PLAYING = "playing"
    DONE = "done"
    FAILED = "failed"


P = ProofStatus
PROOF_NEXT: dict[ProofStatus, frozenset[ProofStatus]] = {
    P.ASKED: frozenset({P.UNDER_WAY, P.INCONCLUSIVE}),
    P.UNDER_WAY: frozenset({P.HELD, P.FAILED, P.INCONCLUSIVE}),
    P.HELD: frozenset(),
    P.FAILED: frozenset(),
    P.INCONCLUSIVE: frozenset(),
}
OPEN = frozenset({P.ASKED, P.UNDER_WAY})

PLAY_NEXT: dict[PlayStatus, frozenset[PlayStatus]] = {
    PlayStatus.PLAYING: frozenset({PlayStatus.DONE, PlayStatus.FAILED}),
    PlayStatus.DONE: frozenset(),
    PlayStatus.FAILED: frozenset(),
}
