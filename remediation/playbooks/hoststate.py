"""Compares what a scope names on a host before and after. Pure.

Two things are no difference: a log below a folder of the scope that has only grown, because its service goes on
writes to it; and a new folder with nothing in it: no way back could take it away and spare what others put there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict

from portal.kit import canonical
from remediation.playbooks.shapes import State, Thing

VERSION = "countersign.state/1"
LOGS = "/var/log/"
DIGEST = " sha256:"
FOLDER = "folder "
ABSENT = "absent"
MOST = 50
"""Differences that people read; of more there is only the number."""


def differences(before: State, after: State) -> list[str]:
    """What is not as it was, a sentence for each thing, in the order of their names."""
    earlier = {(thing.kind, thing.name): thing for thing in before.things}
    later = {(thing.kind, thing.name): thing for thing in after.things}
    pairs = [(earlier.get(key), later.get(key)) for key in sorted(earlier.keys() | later.keys())]
    filled = {thing.name.rpartition("/")[0] for thing in after.things if thing.state != ABSENT}
    found = [
        _sentence(one, other)
        for one, other in pairs
        if not (_is_same(one, other) or _is_left_empty(one, other, filled))
    ]
    return [*found[:MOST], f"{len(found) - MOST} more are not as they were."] if len(found) > MOST else found


def _is_same(before: Thing | None, after: Thing | None) -> bool:
    if before is None or after is None:
        return False
    return before.state == after.state or _has_only_grown(before, after)


def _is_left_empty(before: Thing | None, after: Thing | None, filled: Collection[str]) -> bool:
    """A folder that was not there before, and is none of those that have something in them."""
    if after is None or not after.state.startswith(FOLDER) or (before and before.state != ABSENT):
        return False
    return after.name not in filled


def _has_only_grown(before: Thing, after: Thing) -> bool:
    """A log below a folder: type, mode and owner are the same, and it begins with what it held before."""
    if before.kind != "entry" or not before.name.startswith(LOGS) or after.length < before.length:
        return False
    rights, _, digest = before.state.partition(DIGEST)
    begins_alike = after.prefix == digest if before.length else True
    return bool(digest) and rights == after.state.partition(DIGEST)[0] and begins_alike


def _sentence(before: Thing | None, after: Thing | None) -> str:
    if before is None or after is None:
        there = before or after
        name = there.name if there else ""
        return f"{name} is there now, and was not." if before is None else f"{name} is gone."
    return f"{before.name} was {_short(before.state)}, and is {_short(after.state)}."


def _short(state: str) -> str:
    """A state as people read it: of a digest only the beginning."""
    rights, found, digest = state.partition(DIGEST)
    return f"{rights} {digest[:12]}" if found else state


def text_of(state: State) -> str:
    """A state as canonical text."""
    return canonical.text_of(asdict(state), version=VERSION)


def read(text: str) -> State:
    """The state behind its canonical text; raises NotCanonical for another version."""
    return State(tuple(Thing(**thing) for thing in canonical.parse(text, version=VERSION)["things"]))
