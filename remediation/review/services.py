"""The verbs of the room, for its doors and for the rooms above."""

from __future__ import annotations

from remediation.review.commenting import comment, comments_of
from remediation.review.editing import cut, revise, tick
from remediation.review.objecting import Said, reject, request_changes
from remediation.review.preparing import prepare_again
from remediation.review.proven import ask_again as prove_again
from remediation.review.refreshing import look_again
from remediation.review.signing import Signed, sign, withdraw
from remediation.review.standing import Standing
from remediation.review.standing import of as standing
from remediation.review.taking import release, take
from remediation.review.voiding import settle

__all__ = [
    "Said",
    "Signed",
    "Standing",
    "comment",
    "comments_of",
    "cut",
    "look_again",
    "prepare_again",
    "prove_again",
    "reject",
    "release",
    "request_changes",
    "revise",
    "settle",
    "sign",
    "standing",
    "take",
    "tick",
    "withdraw",
]
