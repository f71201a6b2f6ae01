"""The two ways in which a letter does not get through."""

from __future__ import annotations


class Unreachable(Exception):
    """The outlet did not answer, or not as itself: it rests, and everything that waits for it."""


class Rejected(Exception):
    """The outlet answered and would not have this letter: the letter rests, others go on."""
