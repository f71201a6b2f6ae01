"""How a policy wants a change rolled out to several targets: canary, growing waves, watching, error budget. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

AMOUNT = r"(0|[1-9][0-9]{0,2})%?"
"""A number of targets, or a share of them: 3, or 10%."""
_WHOLE = re.compile(AMOUNT)
ALL = 100


@dataclass(frozen=True, slots=True)
class Staging:
    """What a policy says. `canary` and `error_budget` are amounts; an empty canary means one wave of all targets.

    Each wave has `growth` times as many targets as the one before, and `side_by_side` of them are worked on at the same
    time; between two waves signals hold for `watch_minutes`.
    """

    canary: str = ""
    growth: int = 2
    watch_minutes: int = 5
    error_budget: str = "0"
    side_by_side: int = 1


def problem(amount: str) -> str:
    """What is wrong with an amount in a sentence; empty if nothing is."""
    if not _WHOLE.fullmatch(amount):
        return "Write a number of targets, such as 3, or a share of them, such as 10%."
    return "A share is at most 100%." if amount.endswith("%") and int(amount[:-1]) > ALL else ""


def at_least(amount: str, targets: int) -> int:
    """That many of the targets, a share rounded up: one at least, and not more than there are."""
    return max(1, min(targets, -(-_times_hundred(amount, targets) // ALL)))


def at_most(amount: str, targets: int) -> int:
    """That many of the targets, a share rounded down."""
    return min(targets, _times_hundred(amount, targets) // ALL)


def _times_hundred(amount: str, targets: int) -> int:
    return int(amount[:-1]) * targets if amount.endswith("%") else int(amount) * ALL
