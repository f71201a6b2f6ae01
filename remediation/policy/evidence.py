"""What a certificate rests on: the figures, what is known of the way back, and what wrote the drafts. Pure.

It is part of the text that two people put their names to, so it holds no floats (law 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from patterns.record import Asked, Record
from portal.kit import canonical
from remediation.drafting.origin import Origin

WayBack = Literal["exercised", "unproven"]


@dataclass(frozen=True, slots=True)
class Rollback:
    """What is known of the way back, in a sentence; `unproven` closes the machine's way."""

    state: WayBack
    says: str

    @property
    def is_proven(self) -> bool:
        """Whether the way back of every operation was seen to work, and worked the last time."""
        return self.state != "unproven"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the asker and the granter look at."""

    record: Record
    asked: Asked
    rollback: Rollback
    origin: Origin

    @property
    def data(self) -> dict[str, Any]:
        """Plain data for the canonical text, with the figures that follow from the record written out."""
        return {
            **asdict(self),
            "figures": {
                "counted": len(self.record.tickets),
                "succeeded": self.record.succeeded,
                "lower_bound_permille": self.record.bound_permille,
            },
            "fingerprint": self.origin.digest,
        }


def read(text: str, *, version: str) -> Evidence:
    """The evidence behind a certificate's text."""
    data = canonical.parse(text, version=version)
    record: Mapping[str, Any] = data["record"]
    return Evidence(
        record=Record(tuple(record["tickets"]), tuple(record["failed"]), record["not_counted"]),
        asked=Asked(**data["asked"]),
        rollback=Rollback(**data["rollback"]),
        origin=Origin(**data["origin"]),
    )
