"""The verbs of a remediation: begin, add a revision, move, draft again.

Every verb locks the remediation's row first; status, ticket status and event change in one transaction.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.estate.models import TargetLock
from portal.jobs import services as jobs
from portal.kit import canonical, statements
from portal.kit.actors import Actor, Door, Ref
from portal.kit.moving import move as compare_and_swap
from portal.kit.refusals import Refused, StaleTransition, because
from portal.kit.statements import Query, given
from remediation.drafting import schema
from remediation.drafting.models import Attempt, Drafter, Remediation, Revision
from remediation.drafting.origin import Origin, operations_in
from remediation.drafting.states import NEXT, OVER, Status, ticket_status
from remediation.knowledge import services as knowledge
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket
from remediation.tickets.states import TicketStatus

ENDED = frozenset({Status.ROLLED_BACK, Status.REJECTED})
REDRAFTABLE = ENDED | {Status.FAILED, Status.NEEDS_PERSON}
"""From where a person can ask for a new draft; one that ended is followed by a remediation of its own."""


def _lockable() -> QuerySet[Remediation]:
    rows = Remediation.objects.select_for_update(of=("self",)).select_related("ticket__pattern", "category")
    return rows.filter(pk=given("id"))


_LOCKED = Query(_lockable)
_LOCKED_TICKET = Query(
    lambda: (
        Ticket.objects.select_for_update(of=("self",))
        .select_related("category", "service", "pattern")
        .filter(pk=given("id"))
    )
)
_NEWEST = Query(lambda: Remediation.objects.filter(ticket=given("ticket")).order_by("-number")[:1])
_HEAD = Query(lambda: Revision.objects.filter(remediation=given("remediation")).order_by("-number")[:1])


def locked(remediation_id: int) -> Remediation:
    """The remediation with its row locked until the transaction ends, and its ticket, pattern and category at hand."""
    return _LOCKED.one(id=remediation_id)


def begin(ticket_id: int, *, actor: Actor, at: datetime) -> Remediation:
    """The live remediation of a ticket, or a new one in `drafting`; asking twice gives the same one.

    Only the ticket is locked: who holds a remediation may want its ticket next, never the other way round.
    """
    with transaction.atomic(savepoint=False):
        ticket = _LOCKED_TICKET.one(id=ticket_id)
        last = newest(ticket)
        if last and last.status not in OVER:
            return last
        remediation = Remediation(
            ticket=ticket,
            number=last.number + 1 if last else 1,
            category=ticket.category,
            severity=ticket.severity,
            status_at=at,
            created_at=at,
        )
        statements.insert(remediation)
        audit.record("remediation.begun", actor=actor, at=at, subject=remediation.ref, ticket=ticket.ref)
    return remediation


def newest(ticket: Ticket) -> Remediation | None:
    """The remediation that counts: a ticket's newest."""
    remediation = _NEWEST.first(ticket=ticket.pk)
    if remediation:
        remediation.ticket, remediation.category = ticket, ticket.category
    return remediation


def head(remediation: Remediation) -> Revision | None:
    """The newest revision."""
    revision = _HEAD.first(remediation=remediation.pk)
    if revision:
        revision.remediation = remediation
    return revision


def current_origins(actions: Collection[str]) -> dict[str, Origin]:
    """What would write drafts of these actions now: the drafter that spoke last, and the library as it stands.

    Empty while no drafter has written anything.
    """
    spoke = Attempt.objects.filter(outcome=Attempt.Outcome.DRAFTED).order_by("-id")
    last = spoke.values_list("drafter", "model", "prompt_version").first()
    books = knowledge.shelf() if last else []
    return {each: Origin(*last, knowledge.naming(operations_in(each), books)) for each in actions} if last else {}


def ref(revision: Revision, ticket: Ticket) -> Ref:
    """A revision as a value."""
    return Ref("drafting.revision", revision.pk, f"revision {revision.number} of {ticket.key}")


def add_revision(
    remediation: Remediation,
    *,
    draft: schema.Draft,
    drafter: Drafter,
    author: Person | None,
    base: Revision | None,
    actor: Actor,
    at: datetime,
    origin: Origin | None = None,
) -> Revision:
    """The next revision; the caller holds the lock. Gates, decision and plan follow as a job."""
    text = schema.text_of(draft)
    revision = Revision(
        remediation=remediation,
        number=base.number + 1 if base else 1,
        drafter=drafter,
        author=author,
        base=base,
        content=text,
        digest=canonical.digest_of(text),
        origin=origin.text if origin else "",
        created_at=at,
    )
    statements.insert(revision)
    ticket = remediation.ticket
    data = {"number": revision.number, "digest": revision.digest, "base": base.digest if base else None}
    subject = ref(revision, ticket)
    event = audit.to_record("revision.created", actor=actor, at=at, subject=subject, ticket=ticket.ref, data=data)
    statements.update_beside(
        [event, *jobs.to_publish("revision.created", subject_id=revision.pk, at=at)],
        Remediation,
        {"pk": remediation.pk},
        drafter=drafter if base is None else remediation.drafter,
        confidence_percent=draft.confidence_percent,
    )
    return revision


def move(remediation: Remediation, to: Status, *, actor: Actor, at: datetime, reason: str = "") -> None:
    """Change the status of a locked remediation; the ticket follows, the event says why."""
    ticket = remediation.ticket
    follows = tickets.following(ticket, ticket_status(to, has_written=remediation.has_written))
    data = {"before": remediation.status, "after": to.value, "reason": reason, "ticket_status": str(follows)}
    event = audit.to_record(
        "remediation.moved", actor=actor, at=at, subject=remediation.ref, ticket=ticket.ref, data=data
    )
    compare_and_swap(remediation, to, next_states=NEXT, beside=[event], status_at=at, status_reason=reason)
    tickets.follow(ticket, follows, at=at, resolution=_resolution(to, reason))


def explain(remediation: Remediation, reason: str) -> None:
    """Say anew why a locked remediation stands where it stands; the caller records the event that is the reason."""
    remediation.status_reason = reason
    remediation.save(update_fields=["status_reason"])


def refuse_while_run_waits(remediation: Remediation) -> None:
    """A run that waits for a person still holds its targets, and a new draft would forget it."""
    own = TargetLock.objects.filter(ticket_key=remediation.ticket.key, released_at=None)
    if own.filter(run_id__isnull=False).exists():
        text = "A run of this ticket waits for a person. Roll it back or give it up first."
        raise StaleTransition(because("run_waits", text))


def redraft(remediation_id: int, *, person: Person, door: Door, at: datetime) -> Remediation:
    """A person asks the drafter to try again; answers with the remediation that is drafted now."""
    with transaction.atomic():
        remediation = locked(remediation_id)
        grants.require(person, "review", remediation.category)
        _refuse_closed(remediation)
        refuse_while_run_waits(remediation)
        actor = person.at(door)
        if remediation.status in ENDED:
            _refuse_followed(remediation)
            remediation = begin(remediation.ticket_id, actor=actor, at=at)
            tickets.follow(remediation.ticket, ticket_status(Status.DRAFTING, has_written=False), at=at)
        else:
            move(remediation, Status.DRAFTING, actor=actor, at=at, reason="A person asked for a new draft.")
        jobs.publish("remediation.redraft", subject_id=remediation.pk, at=at)
    return remediation


def draft_role(ticket_id: int, *, person: Person, door: Door, at: datetime) -> Remediation:
    """A person asks for an Ansible role that makes the fix of this ticket last; answers with what is drafted now.

    What ended, well or not, is followed by a remediation of its own; the ticket is open again until its role has run.
    """
    with transaction.atomic():
        last = _last(ticket_id, person)
        actor = person.at(door)
        if last.status in OVER:
            _refuse_followed(last)
            remediation = begin(ticket_id, actor=actor, at=at)
            tickets.follow(remediation.ticket, ticket_status(Status.DRAFTING, has_written=False), at=at)
        elif last.status in REDRAFTABLE:
            refuse_while_run_waits(last)
            remediation = last
            move(remediation, Status.DRAFTING, actor=actor, at=at, reason="A person asked for a role.")
        else:
            text = f"The remediation is {last.status}. A role is drafted once it has ended: run it, or reject it."
            raise StaleTransition(because("under_way", text))
        statements.update(Remediation, {"pk": remediation.pk}, is_role_wanted=True)
        subject, ticket = remediation.ref, remediation.ticket.ref
        audit.record("role.asked_for", actor=actor, at=at, subject=subject, ticket=ticket, data={})
        jobs.publish("remediation.redraft", subject_id=remediation.pk, at=at)
    return remediation


def may_draft_role(person: Person, ticket: Ticket) -> bool:
    """Whether a person could have a role drafted for this ticket now, once its timeline is kept."""
    last = newest(ticket) if ticket.status != TicketStatus.CLOSED else None
    is_free = last is not None and last.status in OVER | REDRAFTABLE
    return is_free and grants.of(person).may("review", ticket.category_id)


def _last(ticket_id: int, person: Person) -> Remediation:
    """The ticket's newest remediation, locked, for somebody who may have a role drafted from its timeline."""
    ticket = Ticket.objects.select_related("category").get(pk=ticket_id)
    grants.require(person, "review", ticket.category)
    last = newest(ticket)
    if last is None:
        raise StaleTransition(because("not_begun", f"Nothing has been drafted for {ticket} yet."))
    last = locked(last.pk)
    _refuse_closed(last)
    if tickets.timeline_of(ticket) is None:
        text = "Tell what happened first: a role is drafted from the timeline of the incident."
        raise Refused(because("no_timeline", text, "timeline"))
    return last


def _refuse_closed(remediation: Remediation) -> None:
    """Not even if somebody closes the ticket at this moment."""
    tickets.refuse_closed(Ticket.objects.select_for_update().get(pk=remediation.ticket_id))


def _refuse_followed(remediation: Remediation) -> None:
    """One that ended is followed once: a second click must not send its follower back to the start."""
    if remediation.ticket.remediations.filter(number__gt=remediation.number).exists():
        raise StaleTransition(because("followed", "A newer draft has been asked for already."))


def _resolution(status: Status, reason: str) -> str:
    return reason if status is Status.SUCCEEDED else ""
