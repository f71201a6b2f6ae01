"""How long the bodies of events are kept. Digests, and so the proof, stay for ever; a hold keeps a ticket's bodies.

The bodies go by a function of the owner that reads the rule and the holds itself: the cluster that calls it can neither
shorten the time nor pass over a hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction

from portal.audit import services as audit
from portal.audit.models import SHORTEST_DAYS, Event, LegalHold, Retention
from portal.audit.sealing import moment
from portal.kit import canonical
from portal.kit.actors import Actor, Ref, system
from portal.kit.refusals import Refused, StaleTransition, because

DROPPED = "audit.bodies_dropped"
_AT_ONCE = 5_000  # events gone over in one transaction


def keep_for(days: int | None, *, actor: Actor, at: datetime) -> Retention:
    """From now on bodies are kept for so many days; None: for ever."""
    if days is not None and days < SHORTEST_DAYS:
        raise Refused(because("too_short", f"Bodies are kept for at least {SHORTEST_DAYS} days.", "days"))
    with transaction.atomic():
        retention = Retention.objects.select_for_update().get()
        before = {"days": retention.days}
        retention.days = days
        retention.save(update_fields=["days"])
        data = {"before": before, "after": {"days": days}}
        audit.record("audit.retention_changed", actor=actor, at=at, subject=_ref(retention), data=data)
    return retention


def hold(ticket_key: str, *, reason: str, actor: Actor, at: datetime) -> LegalHold:
    """Keep the bodies of a ticket's events until the hold is lifted. Raises StaleTransition if one is in force."""
    first = Event.objects.filter(ticket_key=ticket_key).exclude(ticket_key="").first()
    if first is None or first.ticket_id is None:
        raise Refused(because("unknown_ticket", f"The trail knows no ticket {ticket_key}.", "ticket"))
    try:
        with transaction.atomic():
            Retention.objects.select_for_update().get()  # what drops bodies right now ends before the hold begins
            held = LegalHold.objects.create(
                ticket_id=first.ticket_id, ticket_key=ticket_key, reason=reason, placed_by=actor.name, placed_at=at
            )
            _record("audit.hold_placed", held, reason, actor, at)
    except IntegrityError as error:
        raise StaleTransition(because("held_already", f"{ticket_key} is held already.")) from error
    return held


def lift(hold_id: int, *, reason: str, actor: Actor, at: datetime) -> LegalHold:
    """End a hold; the next pass of retention goes over the ticket."""
    with transaction.atomic():
        lifted = LegalHold.objects.filter(pk=hold_id, lifted_at=None).update(
            lifted_by=actor.name, lifted_at=at, lift_reason=reason
        )
        if not lifted:
            raise StaleTransition(because("not_held", "This hold was lifted already."))
        held = LegalHold.objects.get(pk=hold_id)
        _record("audit.hold_lifted", held, reason, actor, at)
    return held


def drop_old(*, at: datetime) -> tuple[int, bool]:
    """Drop the bodies that are older than the rule; how many, and whether there is more to go over. For `general`."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT dropped, walked, older_than FROM audit_drop_bodies(%s)", [_AT_ONCE])
        dropped, walked, older_than = cursor.fetchone()
        if dropped:
            data = {"dropped": dropped, "older_than": moment(older_than)}
            subject = _ref(Retention.objects.get())
            audit.record(DROPPED, actor=system("general"), at=at, subject=subject, data=data)
    return dropped, walked == _AT_ONCE


def kept_since() -> str:
    """Since when bodies have to be there, as far as the trail itself says; empty: all of them."""
    last = Event.objects.filter(kind=DROPPED).order_by("pk").last()
    return str(audit.body_of(last)["older_than"]) if last else ""


def fault_of(event: Mapping[str, Any], *, kept_since: str) -> str | None:
    """What is wrong with the body of an event, as leaves read it."""
    body = event["body"]
    if body is None:
        return None if event["recorded_at"] < kept_since else "lost its body, and retention did not drop it"
    return None if canonical.digest_of(body) == event["body_digest"] else "has another body than was recorded"


def _record(kind: str, held: LegalHold, reason: str, actor: Actor, at: datetime) -> None:
    subject = Ref("audit.legalhold", held.pk, held.ticket_key)
    ticket = Ref("tickets.ticket", held.ticket_id, held.ticket_key)
    audit.record(kind, actor=actor, at=at, subject=subject, ticket=ticket, data={"reason": reason})


def _ref(retention: Retention) -> Ref:
    return Ref("audit.retention", retention.pk, "retention")
