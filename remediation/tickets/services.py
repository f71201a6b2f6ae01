"""Opens, finds and closes tickets, adds evidence. Drafting follows as a job asked for in the same transaction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.http import Http404

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.estate.models import Category, Environment
from portal.jobs import services as jobs
from portal.kit import canonical, statements
from portal.kit.actors import Door
from portal.kit.redaction import RedactionFailed
from portal.kit.refusals import NotAllowed, Reason, Refused, StaleTransition, because
from portal.kit.statements import Query, given
from remediation.tickets import notes, timelines
from remediation.tickets.models import KEY, Evidence, IdempotencyKey, Severity, Ticket, Timeline
from remediation.tickets.states import FINISHED, TicketStatus

_EVIDENCE = Query(lambda: Evidence.objects.filter(ticket=given("ticket")).order_by("number"))
_TIMELINE = Query(lambda: Timeline.objects.filter(ticket=given("ticket")).select_related("kept_by").order_by("-id")[:1])
RESERVED = "new"
"""The one key that no ticket can have: its page would have the address of the form."""
CLOSABLE = FINISHED - {TicketStatus.CLOSED}

# Every ticket asks this. Written out it costs a third of what building the same query each time costs.
_CATEGORY = [field.attname for field in Category._meta.concrete_fields]
_NAMED = f"""
SELECT {", ".join(f"category.{name}" for name in _CATEGORY)}, service.id
  FROM (VALUES (%s, %s)) AS named (category, service)
  LEFT JOIN estate_category AS category ON category.slug = named.category AND category.is_active
  LEFT JOIN estate_service AS service ON service.slug = named.service
"""  # noqa: S608 - names of our own columns
_FOLLOW = """
UPDATE tickets_ticket SET status = %s, finished_at = %s, resolution = coalesce(nullif(%s, ''), resolution)
 WHERE id = %s AND status <> 'closed'
"""


@dataclass(frozen=True, slots=True)
class NewEvidence:
    """One observation as it was sent. A later one may speak against the draft, or refresh a piece, named by its ref."""

    kind: str
    text: str
    observed_at: datetime
    command: str = ""
    environment: str = ""
    release: str = ""
    contradicts: bool = False
    refreshes: str = ""


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket as it was sent; the door has checked types and sizes."""

    key: str
    title: str
    description: str
    category_slug: str
    enable_auto_remediation: bool = False
    severity: int = Severity.SEV3
    environment: str = Environment.PRODUCTION
    service_slug: str | None = None
    affected_systems: Sequence[str] = ()
    evidence: Sequence[NewEvidence] = field(default_factory=tuple)
    timeline: timelines.Timeline | None = None


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The caller's key for this request and a digest of what it asked."""

    key: str
    request_digest: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The ticket, and whether it was there before under the same idempotency key."""

    ticket: Ticket
    is_repeat: bool


def open_ticket(
    *, opener: Person, new: NewTicket, door: Door, at: datetime, idempotency: Idempotency | None = None
) -> Opened:
    """Accept a ticket: rows, event and the drafting job in one transaction."""
    category, service_id = _resolve(opener, new)
    if idempotency and (earlier := _earlier(opener, idempotency)):
        return Opened(earlier, is_repeat=True)
    try:
        with transaction.atomic():
            ticket = _create(opener, new, category, service_id, at)
            if idempotency:
                IdempotencyKey.objects.create(
                    person=opener,
                    key=idempotency.key,
                    request_digest=idempotency.request_digest,
                    ticket=ticket,
                    at=at,
                )
            data = {"category": category.slug, "severity": ticket.severity, "opted_in": ticket.enable_auto_remediation}
            event = audit.to_record(
                "ticket.opened", actor=opener.at(door), at=at, subject=ticket.ref, ticket=ticket.ref, data=data
            )
            statements.insert_together([event, *jobs.to_publish("ticket.opened", subject_id=ticket.pk, at=at)])
    except IntegrityError as error:
        return _lost_race(error, opener, new, idempotency)
    return Opened(ticket, is_repeat=False)


def evidence_of(ticket: Ticket) -> list[Evidence]:
    """What was given for a ticket, in the order it was given."""
    rows = _EVIDENCE.all(ticket=ticket.pk)
    for row in rows:
        row.ticket = ticket
    return rows


def _by_key() -> QuerySet[Ticket]:
    rows = Ticket.objects.select_related("category", "service", "opened_by", "pattern")
    return rows.filter(key=given("key"))


_BY_KEY = Query(_by_key)


def find(person: Person, key: str) -> Ticket:
    """The ticket of that key. One that the person may not see does not exist for them: Http404."""
    ticket = _BY_KEY.first(key=key) if re.fullmatch(KEY, key) else None
    if ticket is None or not grants.of(person).may("see", ticket.category_id):
        raise Http404
    return ticket


def add_evidence(
    ticket_id: int, *, new: Sequence[NewEvidence], person: Person, door: Door, at: datetime
) -> list[Evidence]:
    """More evidence for a ticket; numbers go on where they stopped."""
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update().select_related("category").get(pk=ticket_id)
        require_part(person, ticket.category)
        refuse_closed(ticket)
        start = ticket.evidence.count() + 1
        added = _add_evidence(ticket, person, new, start=start, at=at)
        against = [evidence.ref for evidence in added if evidence.contradicts]
        data = {"refs": [evidence.ref for evidence in added], "contradicting": against}
        audit.record("evidence.added", actor=person.at(door), at=at, subject=ticket.ref, ticket=ticket.ref, data=data)
        if against:
            jobs.publish("evidence.contradicts", subject_id=ticket.pk, at=at)
    return added


def keep_timeline(
    ticket_id: int, *, told: timelines.Timeline, source: Timeline.Source, person: Person, door: Door, at: datetime
) -> Timeline:
    """Keep what happened as a person corrected it; every entry becomes evidence. A later one takes its place."""
    told = _without_secrets(told)
    if reasons := list(timelines.problems_of(told)):
        raise Refused(*reasons)
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update().select_related("category").get(pk=ticket_id)
        require_part(person, ticket.category)
        refuse_closed(ticket)
        before = ticket.timelines.last()
        kept = _insert_timeline(ticket, person, told, source=source, at=at)
        if before and before.digest == kept.digest:
            raise StaleTransition(because("kept", "Exactly this timeline is kept already."))
        start = ticket.evidence.count() + 1
        pieces = _add_evidence(ticket, person, _told(told), start=start, at=at, timeline=kept)
        data = {"digest": kept.digest, "source": source.value, "refs": [piece.ref for piece in pieces]}
        audit.record("timeline.kept", actor=person.at(door), at=at, subject=kept.ref, ticket=ticket.ref, data=data)
    return kept


def read_notes(text: str, *, day: date) -> timelines.Timeline:
    """The timeline in pasted notes as it would be kept; nothing is."""
    return _without_secrets(notes.read(text, day=day))


def timeline_of(ticket: Ticket) -> Timeline | None:
    """The timeline that counts: the one kept last."""
    kept = _TIMELINE.first(ticket=ticket.pk)
    if kept:
        kept.ticket = ticket
    return kept


def close(ticket_id: int, *, person: Person, door: Door, at: datetime, resolution: str) -> Ticket:
    """A person ends a finished ticket and says how it was resolved."""
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update().select_related("category").get(pk=ticket_id)
        require_part(person, ticket.category)
        if ticket.status not in CLOSABLE:
            raise StaleTransition(because("not_finished", f"The ticket is {ticket.status}; it cannot be closed yet."))
        before = ticket.status
        ticket.status, ticket.finished_at = TicketStatus.CLOSED, at
        ticket.resolution = resolution or ticket.resolution
        ticket.save(update_fields=["status", "finished_at", "resolution"])
        data = {"before": before, "resolution": ticket.resolution}
        audit.record("ticket.closed", actor=person.at(door), at=at, subject=ticket.ref, ticket=ticket.ref, data=data)
    return ticket


def following(ticket: Ticket, status: TicketStatus) -> TicketStatus:
    """The status that the ticket has when its remediation leads to this one: a closed ticket stays closed."""
    return TicketStatus.CLOSED if ticket.status == TicketStatus.CLOSED else status


def follow(ticket: Ticket, status: TicketStatus, *, at: datetime, resolution: str = "") -> None:
    """Set the status that follows from the remediation; called by the room that moved it, in its transaction.

    A closed ticket stays closed.
    """
    if ticket.status == TicketStatus.CLOSED:
        return
    finished_at = at if status in FINISHED else None
    ticket.status, ticket.finished_at, ticket.resolution = status, finished_at, resolution or ticket.resolution
    with statements.cursor() as cursor:
        cursor.execute(_FOLLOW, [status, finished_at, resolution, ticket.pk])


def refuse_closed(ticket: Ticket) -> None:
    """Nothing is added to a ticket that a person ended, and nothing begins anew on it."""
    if ticket.status == TicketStatus.CLOSED:
        raise StaleTransition(because("closed", f"{ticket.key} is closed. Open a new ticket."))


def require_opener(person: Person) -> None:
    """Refuse those who open no tickets in any category."""
    if not grants.of(person).holds("tickets.add_ticket"):
        raise NotAllowed(because("role", "You need the role engineer or operator to open tickets."))


def takes_part(person: Person, category: Category) -> bool:
    """Whether a person may add to tickets here, judge and close them: who opens or reviews tickets may."""
    granted = grants.of(person)
    opens = granted.holds("tickets.add_ticket") and granted.may("see", category.pk)
    return opens or granted.may("review", category.pk)


def require_part(person: Person, category: Category) -> None:
    """Refuse those who only read."""
    if not takes_part(person, category):
        text = f"You only read tickets of the category {category.name}: engineers, operators and reviewers do this."
        raise NotAllowed(because("role", text))


def _resolve(opener: Person, new: NewTicket) -> tuple[Category, int | None]:
    """The category and the id of the service the ticket names, or every reason why it cannot be opened."""
    category, service_id = _named(new)
    reasons: list[Reason] = []
    if new.key == RESERVED:
        reasons.append(because("reserved", f"“{RESERVED}” is the address of the form for tickets.", "ticket_id"))
    elif not re.fullmatch(KEY, new.key):
        text = "Use 1 to 64 letters, digits, dots, colons, hyphens or underscores; begin with a letter or digit."
        reasons.append(because("invalid", text, "ticket_id"))
    if category is None:
        known = ", ".join(Category.objects.filter(is_active=True).values_list("slug", flat=True))
        reasons.append(because("unknown", f"There is no category {new.category_slug!r}. Known: {known}.", "category"))
    if new.service_slug and service_id is None:
        reasons.append(because("unknown", f"There is no service {new.service_slug!r}.", "service"))
    if reasons or category is None:
        raise Refused(*reasons)
    require_opener(opener)
    grants.require(opener, "see", category)
    return category, service_id


def _named(new: NewTicket) -> tuple[Category | None, int | None]:
    """The category and the id of the service, as far as there are such."""
    with statements.cursor() as cursor:
        cursor.execute(_NAMED, [new.category_slug, new.service_slug])
        *category, service_id = cursor.fetchone()
    return Category.from_db(connection.alias, _CATEGORY, category) if category[0] else None, service_id


def _create(opener: Person, new: NewTicket, category: Category, service_id: int | None, at: datetime) -> Ticket:
    ticket = Ticket(
        key=new.key,
        title=new.title,
        description=new.description,
        category=category,
        service_id=service_id,
        severity=new.severity,
        environment=new.environment,
        affected_systems=list(new.affected_systems),
        enable_auto_remediation=new.enable_auto_remediation,
        opened_by=opener,
        opened_at=at,
    )
    statements.insert(ticket)
    start = 1
    if new.timeline:
        told = _without_secrets(new.timeline)
        kept = _insert_timeline(ticket, opener, told, source=Timeline.Source.API, at=at)
        start += len(_add_evidence(ticket, opener, _told(told), start=start, at=at, timeline=kept))
    _add_evidence(ticket, opener, new.evidence, start=start, at=at)
    return ticket


def _insert_timeline(
    ticket: Ticket, person: Person, told: timelines.Timeline, *, source: Timeline.Source, at: datetime
) -> Timeline:
    text = timelines.text_of(told)
    digest = canonical.digest_of(text)
    return statements.insert(
        Timeline(ticket=ticket, content=text, digest=digest, source=source, kept_by=person, kept_at=at)
    )


def _without_secrets(told: timelines.Timeline) -> timelines.Timeline:
    try:
        return timelines.without_secrets(told)
    except RedactionFailed:
        text = "Secrets could not be looked for in this text, so it is not kept."
        raise Refused(because("redaction_failed", text)) from None


def _told(told: timelines.Timeline) -> list[NewEvidence]:
    return [NewEvidence(each.kind, each.text, each.at, each.command) for each in timelines.pieces_of(told)]


def _add_evidence(
    ticket: Ticket,
    person: Person,
    new: Sequence[NewEvidence],
    *,
    start: int,
    at: datetime,
    timeline: Timeline | None = None,
) -> list[Evidence]:
    refreshed = _refreshed(ticket, new)
    rows = [
        Evidence(
            ticket=ticket,
            number=number,
            timeline=timeline,
            kind=each.kind,
            text=each.text,
            command=each.command,
            observed_at=each.observed_at,
            environment=each.environment,
            release=each.release,
            contradicts=each.contradicts,
            refreshes=refreshed.get(each.refreshes),
            added_by=person,
            added_at=at,
        )
        for number, each in enumerate(new, start=start)
    ]
    return list(statements.insert_all(rows))


def _refreshed(ticket: Ticket, new: Sequence[NewEvidence]) -> dict[str, Evidence]:
    """The pieces that new ones refresh, by ref."""
    wanted = {each.refreshes for each in new} - {""}
    if not wanted:
        return {}
    found = {each.ref: each for each in ticket.evidence.all()}
    if unknown := sorted(wanted - set(found)):
        raise Refused(because("unknown", f"The ticket has no evidence {', '.join(unknown)}.", "refreshes"))
    return found


def _earlier(opener: Person, idempotency: Idempotency) -> Ticket | None:
    """The ticket an earlier request with this key opened; the same key with another request is an error."""
    row = IdempotencyKey.objects.select_related("ticket").filter(person=opener, key=idempotency.key).first()
    if row is None:
        return None
    if row.request_digest != idempotency.request_digest:
        text = "This Idempotency-Key was used for a different request. Use a new key."
        raise Refused(because("idempotency_key_reused", text, "Idempotency-Key"))
    return row.ticket


def _lost_race(error: IntegrityError, opener: Person, new: NewTicket, idempotency: Idempotency | None) -> Opened:
    """Someone opened it first: ourselves with the same idempotency key, or anybody with the same ticket_id."""
    if idempotency and (earlier := _earlier(opener, idempotency)):
        return Opened(earlier, is_repeat=True)
    if Ticket.objects.filter(key=new.key).exists():
        text = f"The ticket {new.key} exists already. Nothing was changed."
        raise StaleTransition(because("exists", text, "ticket_id"), link=f"/api/v1/tickets/{new.key}") from error
    raise error
