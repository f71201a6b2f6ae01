"""Records events. One INSERT, in the caller's transaction, so that a change and its event stand or fall together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from portal.audit.models import Event
from portal.kit import canonical, statements
from portal.kit.actors import Actor, Ref

VERSION = "countersign.event/1"

# Written out, because every verb pays for it: the ORM would take longer than the INSERT itself.
_COLUMNS = [field.attname for field in Event._meta.concrete_fields]
_STAMPS = [field.attname for field in Event._meta.concrete_fields if field.generated]
_GIVEN = [name for name in _COLUMNS if name not in ("id", *_STAMPS)]
_INSERT = (
    f"INSERT INTO audit_event ({', '.join(_GIVEN)}) VALUES ({', '.join(['%s'] * len(_GIVEN))})"  # noqa: S608 - columns
    f" RETURNING id, {', '.join(_STAMPS)}"
)


def record(
    kind: str,
    *,
    actor: Actor,
    at: datetime,
    subject: Ref,
    ticket: Ref | None = None,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Append one event. `kind` is `object.verb` in the past tense (`plan.signed`); `data` must be canonical."""
    given = _given(kind, actor=actor, at=at, subject=subject, ticket=ticket, data=data)
    with statements.cursor() as cursor:
        cursor.execute(_INSERT, given)
        number, *stamps = cursor.fetchone()
    return Event.from_db(connection.alias, _COLUMNS, [number, *given, *stamps])


def to_record(
    kind: str,
    *,
    actor: Actor,
    at: datetime,
    subject: Ref,
    ticket: Ref | None = None,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """The same event, to be appended by the statement that makes the change."""
    given = _given(kind, actor=actor, at=at, subject=subject, ticket=ticket, data=data)
    return Event(**dict(zip(_GIVEN, given, strict=True)))


def body_of(event: Event) -> dict[str, Any]:
    """The data of an event; empty once retention has dropped the body."""
    return canonical.parse(event.body, version=VERSION) if event.body else {}


def _given(
    kind: str, *, actor: Actor, at: datetime, subject: Ref, ticket: Ref | None, data: Mapping[str, Any] | None
) -> list[Any]:
    body = canonical.text_of(data or {}, version=VERSION)
    return [
        at,
        kind,
        actor.door,
        actor.kind,
        actor.id,
        actor.name,
        subject.kind,
        subject.id,
        subject.name,
        ticket.id if ticket else None,
        ticket.name if ticket else "",
        body,
        canonical.digest_of(body),
    ]
