"""Reads the trail: a page of events, newest first, and what is in one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from portal.audit import chain
from portal.audit import services as audit
from portal.audit.models import Event, Seal
from portal.kit.paging import Page, page_of

PAGE = 50
EXPORTED_AT_ONCE = 1_000
LATE = timedelta(seconds=10)
"""An event that waits longer for its seal means that nobody seals."""
_KINDS = """
WITH RECURSIVE found(kind) AS (
    (SELECT kind FROM audit_event ORDER BY kind LIMIT 1)
    UNION ALL
    SELECT (SELECT kind FROM audit_event WHERE kind > found.kind ORDER BY kind LIMIT 1) FROM found
     WHERE found.kind IS NOT NULL
)
SELECT kind FROM found WHERE kind IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Filters:
    """What the trail is narrowed to; what is empty does not narrow. `subject` is `kind:id`, as events name it."""

    actor: str = ""
    kind: str = ""
    subject: str = ""
    ticket: str = ""
    door: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def order(self) -> list[str]:
        """Newest first: along the index by time when times narrow, else by the order of recording."""
        return ["-at", "-id"] if self.since or self.until else ["-id"]

    def narrowed(self) -> QuerySet[Event]:
        """The events that fit."""
        kind, _, number = self.subject.partition(":")
        columns = {
            "actor_name": self.actor,
            "kind": self.kind,
            "subject_kind": kind,
            "subject_id": number,
            "ticket_key": self.ticket,
            "door": self.door,
            "at__gte": self.since,
            "at__lt": self.until,
        }
        return Event.objects.filter(**{name: value for name, value in columns.items() if value})


@dataclass(frozen=True, slots=True)
class Sealed:
    """Which seal covers an event; `fits` is False when that seal does not list it."""

    number: int
    fits: bool


@dataclass(frozen=True, slots=True)
class State:
    """How far the trail is sealed. `waits_since` is when the oldest event without a seal was recorded."""

    tip: Seal | None
    waits_since: datetime | None
    is_late: bool


@dataclass(frozen=True, slots=True)
class Detail:
    """One name in an event's body; an event that changed something says what stood there before."""

    name: str
    after: str
    before: str | None = None


def events(filters: Filters, *, after: str | None = None, size: int = PAGE) -> Page[Event]:
    """The events that fit, newest first, with their bodies."""
    return page_of(filters.narrowed(), order=filters.order, after=after, size=size, max_size=EXPORTED_AT_ONCE)


def seals(found: Sequence[Event]) -> dict[int, Sealed]:
    """The seals of some events by their ids, in one query; an event that is not in it waits for its seal."""
    marks = chain.seals_of((each.pk, each.xid) for each in found)
    return {pk: Sealed(number, fits) for pk, (number, fits) in marks.items()}


def state(*, at: datetime) -> State:
    """How far the trail is sealed now."""
    tip = chain.tip()
    waiting = chain.first_after(chain.horizon_of(tip))
    is_late = waiting is not None and at - waiting > LATE and (tip is None or at - tip.sealed_at > LATE)
    return State(tip, waiting, is_late)


def kinds() -> list[str]:
    """The kinds that occur, read by jumping along the index from one to the next, however many events there are."""
    with connection.cursor() as cursor:
        cursor.execute(_KINDS)
        return [kind for (kind,) in cursor.fetchall()]


def details_of(event: Event) -> list[Detail]:
    """The body of an event in lines."""
    body = audit.body_of(event)
    before, after = body.get("before"), body.get("after")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [Detail(name, _worded(value)) for name, value in body.items()]
    names = [*after, *(name for name in before if name not in after)]
    return [Detail(name, _worded(after.get(name)), _worded(before.get(name))) for name in names]


def _worded(value: Any) -> str:
    if value is None or value in ("", []):
        return "–"  # noqa: RUF001 - a dash for people
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_worded, value))
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_worded(each)}" for name, each in value.items())
    return str(value)
