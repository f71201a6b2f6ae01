"""Who did something, and to what, as values: events and occurrences outlive the rows they speak of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ActorKind = Literal["human", "machine", "system", "anonymous"]
Door = Literal["page", "api", "admin", "job", "command"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a machine account, or a part of the system, and the door it came through."""

    kind: ActorKind
    id: int | None
    name: str
    door: Door


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to a row by value: kind is `app.model` in lower case, name what people call it."""

    kind: str
    id: int
    name: str


def system(name: str) -> Actor:
    """A part of the product acting by itself, named after its cluster: `system("drafting")`."""
    return Actor("system", None, name, "job")
