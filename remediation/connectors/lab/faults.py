"""Faults that can be injected into the lab's writes, each a thing that really happens."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Kind(StrEnum):
    """What goes wrong."""

    LIES = "lies"
    """The write reports success and changes nothing: only the verify can tell."""

    FAILS = "fails"
    """The write is refused."""

    HANGS = "hangs"
    """The write is not begun for a long time."""

    LOSES_CONNECTION = "loses_connection"
    """The write is carried out and the connection breaks before the answer."""


class Fault(BaseModel):
    """One fault of one write tool, for the next `times` requests or, without a number, for all."""

    model_config = ConfigDict(extra="forbid")

    tool: str
    kind: Kind
    times: int | None = Field(default=None, ge=1)
    seconds: float = Field(default=30.0, ge=0, le=600)


class Faults:
    """The faults that are active now. They live as long as the process does."""

    def __init__(self) -> None:
        self._active: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """From now on."""
        self._active.append(fault.model_copy())

    def clear(self) -> None:
        """No fault is left."""
        self._active = []

    def active(self) -> list[Fault]:
        """All of them."""
        return list(self._active)

    def strike(self, tool: str, kind: Kind) -> Fault | None:
        """The fault that hits this request, used up by it where it has a number."""
        for fault in self._active:
            if fault.tool == tool and fault.kind is kind:
                if fault.times is not None:
                    fault.times -= 1
                    self._active = [each for each in self._active if each.times != 0]
                return fault
        return None
