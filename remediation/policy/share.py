"""Which tickets of a category the machine may sign for while autonomy is rolled out step by step. Pure.

The share grows by moving one border: whoever was within 5 percent stays within 20, 50 and 100.
"""

from __future__ import annotations

import hashlib

STEPS = (0, 5, 20, 50, 100)
"""Percent of tickets; a new policy begins with the first: off until somebody turns it on."""


def place_of(category: str, ticket_key: str) -> int:
    """Where a ticket stands, 0 to 99: the same on every host, at every time, and evenly spread."""
    digest = hashlib.sha256(f"countersign.share/1\n{category}\n{ticket_key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 100


def is_within(share: int, place: int) -> bool:
    """Whether a ticket at this place belongs to the share."""
    return place < share
