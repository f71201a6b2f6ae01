"""Records events. One INSERT, in the caller's transaction, so that a change and its event stand or fall together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from portal.audit.models import Event
from portal.kit import canonical
from portal.kit.actors import Actor, Ref

VERSION = "countersign.event/1"


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
    body = canonical.text_of(data or {}, version=VERSION)
    return Event.objects.create(
        at=at,
        kind=kind,
        door=actor.door,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        subject_kind=subject.kind,
        subject_id=subject.id,
        subject_name=subject.name,
        ticket_id=ticket.id if ticket else None,
        ticket_key=ticket.name if ticket else "",
        body=body,
        body_digest=canonical.digest_of(body),
    )


def body_of(event: Event) -> dict[str, Any]:
    """The data of an event; empty once retention has dropped the body."""
    return canonical.parse(event.body, version=VERSION) if event.body else {}
