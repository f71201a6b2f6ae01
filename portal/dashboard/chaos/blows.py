"""Which blow falls when: an endless sequence that follows from its seed. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Kind(StrEnum):
    """What can happen to an installation."""

    WORKER = "worker"
    """kill -9 of any process below a cluster's main process."""
    CLUSTER = "cluster"
    """kill -9 of a cluster's main process."""
    SUPERVISOR = "supervisor"
    """kill -9 of `manage.py workers`."""
    CONNECTIONS = "connections"
    """Half of the workers' database connections are ended by the server."""
    LAB = "lab servers"
    """kill -9 of what the runs write to."""
    POSTGRES = "PostgreSQL"
    """kill -9 of the postmaster."""
    FREEZE = "freeze"
    """A host stands still for longer than a lease, and goes on."""
    CUT_OFF = "cut off"
    """A host reaches its targets, and for a while not the database: nothing is refused, nothing is answered."""


KILLS = frozenset({Kind.WORKER, Kind.CLUSTER, Kind.SUPERVISOR, Kind.LAB, Kind.POSTGRES})
"""What ends a process with kill -9."""


@dataclass(frozen=True, slots=True)
class Blow:
    """One blow, `at` seconds after the start; `choice` (from 0 to 1) picks among those it can hit."""

    at: float
    kind: Kind
    choice: float


FIRST = 3.0
EVERY = 2.5
"""Seconds between two blows, on average."""
WEIGHTS: dict[Kind, int] = {
    Kind.WORKER: 10,
    Kind.CLUSTER: 4,
    Kind.CONNECTIONS: 6,
    Kind.SUPERVISOR: 2,
    Kind.LAB: 2,
    Kind.POSTGRES: 2,
    Kind.FREEZE: 1,
    Kind.CUT_OFF: 1,
}
APART: dict[Kind, float] = {
    Kind.SUPERVISOR: 30.0,
    Kind.LAB: 65.0,
    Kind.POSTGRES: 40.0,
    Kind.FREEZE: 45.0,
    Kind.CUT_OFF: 60.0,
}
"""At least so many seconds between two of a kind. The launcher lets what keeps dying rest longer every time, and two of
these at once would measure that."""


def blows(seed: int, kinds: Collection[Kind] = tuple(Kind)) -> Iterator[Blow]:
    """Each of the kinds once, in any order, then by weight; the same for the same seed."""
    random = Random(seed)  # noqa: S311 - chance, not secrecy
    at, last = FIRST, dict[Kind, float]()
    first = random.sample(sorted(kinds), len(kinds))
    while True:
        rested = [kind for kind in sorted(kinds) if at - last.get(kind, float("-inf")) >= APART.get(kind, 0.0)]
        kind = first.pop() if first else random.choices(rested, [WEIGHTS[each] for each in rested])[0]
        last[kind] = at
        yield Blow(at, kind, random.random())
        at += random.uniform(0.5, 1.5) * EVERY
