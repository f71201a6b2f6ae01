"""Small things the lab's systems share: finding something by name, and the whole seconds since a moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from remediation.connectors.lab.estate import Thing
from remediation.connectors.servers.common import CannotBeDone

T = TypeVar("T", bound=Thing)


def find(things: Iterable[T], **names: str) -> T:
    """The one thing with these names; CannotBeDone if there is none."""
    for thing in things:
        if all(getattr(thing, field) == value for field, value in names.items()):
            return thing
    said = ", ".join(f"{field} {value}" for field, value in names.items())
    raise CannotBeDone(f"The lab knows nothing by {said}.")


def seconds_since(then: float, *, at: float) -> int:
    """Whole seconds, never negative."""
    return max(0, int(at - then))
