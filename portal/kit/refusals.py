"""The three ways a service says no. They are never mixed; the doors translate them.

NotAllowed      403  not you
StaleTransition 409  someone was first, or the text changed since you looked
Refused         422  the request cannot be done as it stands; every reason is listed
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, for people (`text`), for programs (`code`) and, where it applies, the input field it is about."""

    code: str
    text: str
    field: str | None = None


class Refusal(Exception):
    """Common base, so that a door can catch all three. `more` are extension members of the problem document."""

    status = 400
    title = "Refused"

    def __init__(self, *reasons: Reason, link: str | None = None, more: Mapping[str, Any] | None = None) -> None:
        super().__init__("; ".join(r.text for r in reasons))
        self.reasons = reasons
        self.link = link
        self.more = more or {}


class NotAllowed(Refusal):
    """The actor may not do this, whatever the state."""

    status = 403
    title = "Not allowed"


class StaleTransition(Refusal):
    """The object is no longer in the state the actor saw."""

    status = 409
    title = "Changed since you looked"


class Refused(Refusal):
    """The request is understood and allowed, and cannot be done as it stands."""

    status = 422
    title = "Cannot be done as it stands"


def because(code: str, text: str, field: str | None = None) -> Reason:
    """Short form used where a refusal is raised."""
    return Reason(code, text, field)
