"""The garbage collector of processes that load everything first and then serve for days."""

from __future__ import annotations

import gc

BETWEEN_LOOKS = 10_000
"""Objects made before the young ones are looked through. Python's 700 are reached several times in every request."""


def settle() -> None:
    """What is loaded by now stays: nobody looks through it again, and processes forked from here share its memory."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(BETWEEN_LOOKS, 10, 10)
