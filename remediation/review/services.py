"""The verbs of the room, for its doors and for the rooms above."""

from __future__ import annotations

from remediation.review.editing import revise, tick
from remediation.review.preparing import prepare_again
from remediation.review.signing import Signed, reject, request_changes, sign
from remediation.review.standing import Standing
from remediation.review.standing import of as standing

__all__ = [
    "Signed",
    "Standing",
    "prepare_again",
    "reject",
    "request_changes",
    "revise",
    "sign",
    "standing",
    "tick",
]
