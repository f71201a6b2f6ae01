"""Reads the trail: a page of events, newest first, and what is in one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

from portal.audit import services as audit
from portal.audit.models import Event
from portal.kit.paging import Page, page_of

PAGE = 50
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
    """What the trail is narrowed to; what is empty does not narrow."""

    actor: str = ""
    kind: str = ""
    ticket: str = ""
    door: str = ""


@dataclass(frozen=True, slots=True)
class Detail:
    """One name in an event's body; an event that changed something says what stood there before."""

    name: str
    after: str
    before: str | None = None


def events(filters: Filters, *, after: str | None = None) -> Page[Event]:
    """The events that fit, newest first, without their bodies."""
    columns = {
        "actor_name": filters.actor,
        "kind": filters.kind,
        "ticket_key": filters.ticket,
        "door": filters.door,
    }
    rows = Event.objects.defer("body").filter(**{name: value for name, value in columns.items() if value})
    return page_of(rows, order=["-id"], after=after, size=PAGE)


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
