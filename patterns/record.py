"""What one kind of fix has proven: one pattern, met by one action in one environment. Pure.

Counted is what the machine did from beginning to end: a drafter's unchanged text, run by workers, every step verified
by a probe. A ticket counts once, and only for success if each of its counted runs succeeded and nobody says otherwise.
What another model, another prompt or other runbooks achieved is shown, and proves nothing about this one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from patterns.reliability import wilson_lower_bound


@dataclass(frozen=True, slots=True)
class Deed:
    """One finished run. `fingerprint` is that of what wrote its text, empty where people edited it or ran it."""

    ticket_id: int
    ticket_key: str
    succeeded: bool
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Record:
    """The figures. `tickets` are the counted ones by key, `failed` those among them that count against it."""

    tickets: tuple[str, ...]
    failed: tuple[str, ...]
    not_counted: int

    @property
    def succeeded(self) -> int:
        """Counted tickets without a failure."""
        return len(self.tickets) - len(self.failed)

    @property
    def bound_permille(self) -> int:
        """Wilson's 95% lower bound of the success, rounded down, as signed text holds it."""
        return math.floor(wilson_lower_bound(self.succeeded, len(self.tickets)) * 10)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a certificate asks for."""

    min_tickets: int = 20
    min_bound_permille: int = 850


def record_of(deeds: Iterable[Deed], *, disliked: Collection[int], fingerprint: str) -> Record:
    """The record of what this origin did; `disliked` are tickets of which somebody says that it did not help."""
    keys: dict[int, str] = {}
    bad: set[int] = set()
    others = 0
    for deed in deeds:
        if not fingerprint or deed.fingerprint != fingerprint:
            others += 1
            continue
        keys[deed.ticket_id] = deed.ticket_key
        if not deed.succeeded or deed.ticket_id in disliked:
            bad.add(deed.ticket_id)
    return Record(tuple(sorted(keys.values())), tuple(sorted(keys[each] for each in bad)), others)


def lacking(record: Record, asked: Asked) -> list[str]:
    """What the record lacks, a sentence each; empty if it is enough."""
    count, bound = len(record.tickets), record.bound_permille
    found = []
    if count < asked.min_tickets:
        found.append(f"{count} different tickets, at least {asked.min_tickets} asked for.")
    if bound < asked.min_bound_permille:
        least, shown = asked.min_bound_permille / 10, bound / 10
        words = f"{record.succeeded} of {count} succeeded, which is at least {shown:g} % with 95 % confidence"
        found.append(f"{words}; {least:g} % asked for.")
    return found
