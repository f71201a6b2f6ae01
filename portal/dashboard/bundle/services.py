"""The verbs of incident bundles: ask for one, make it, hand it out, forget old ones.

Who asks sees the ticket and reads the audit trail. The site asks and hands out; the general cluster makes, because the
seal key is there and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.dashboard.bundle import making
from portal.dashboard.bundle.verify_bundle import digest_of
from portal.dashboard.models import Bundle, Part
from portal.jobs import services as jobs
from portal.kit.actors import Actor, Door, Ref, system
from portal.kit.refusals import NotAllowed, Refused, StaleTransition, because
from remediation.tickets.models import Ticket

MAKER = system("general")
MAKE = "dashboard.make_bundle"
LARGEST = 32 * 1024 * 1024
PART = 512 * 1024
KEPT = timedelta(days=7)
OVERDUE = timedelta(minutes=15)
"""A bundle that waits so long has lost its job."""


def may_take(person: Person) -> bool:
    """Whether the person may take tickets they see out of the house: those who read the audit trail."""
    return grants.of(person).holds("audit.view_event")


def ask(ticket: Ticket, *, person: Person, door: Door, at: datetime) -> Bundle:
    """Ask for a bundle of a ticket that the person sees; while one waits, that one is the answer."""
    refuse_strangers(person)
    try:
        with transaction.atomic():
            bundle = Bundle.objects.create(ticket=ticket, asked_by=person, asked_at=at)
            _record("bundle.asked", bundle, actor=person.at(door), at=at)
            jobs.enqueue(MAKE, subject_id=bundle.pk, at=at)
    except IntegrityError:
        if waiting := Bundle.objects.filter(ticket=ticket, ended_at=None).first():
            return waiting
        raise
    return bundle


def make(bundle_id: int, *, at: datetime) -> str:
    """Make what was asked for and keep it in parts; what cannot be made says why."""
    bundle = Bundle.objects.select_related("ticket").get(pk=bundle_id)
    if bundle.ended_at:
        return "It was made before."
    try:
        data = making.made(bundle.ticket_id, at=at, largest=LARGEST)
    except Refused as refused:
        return _end(bundle, at=at, problem=str(refused))
    parts = [Part(bundle=bundle, number=n, data=data[n * PART : (n + 1) * PART]) for n in range(-(-len(data) // PART))]
    with transaction.atomic():
        Part.objects.bulk_create(parts, batch_size=8)
        return _end(bundle, at=at, digest=digest_of(data), size=len(data))


def newest(ticket: Ticket) -> Bundle | None:
    """The bundle that was asked for last."""
    return Bundle.objects.filter(ticket=ticket).order_by("-id").first()


def take(ticket: Ticket, *, person: Person, door: Door, at: datetime) -> tuple[Bundle, Iterator[bytes]]:
    """The newest bundle that is ready, and its bytes part by part. The trail keeps who took it."""
    refuse_strangers(person)
    bundle = Bundle.objects.filter(ticket=ticket).exclude(digest="").order_by("-id").first()
    if bundle is None:
        raise StaleTransition(because("no_bundle", f"No bundle of {ticket.key} is ready. Ask for one."))
    bundle.ticket = ticket
    _record("bundle.taken", bundle, actor=person.at(door), at=at)
    return bundle, _parts(bundle)


def forget_old(*, at: datetime) -> int:
    """Remove bundles after a week, and give up those whose job was lost; answers how many were removed."""
    for bundle in Bundle.objects.filter(ended_at=None, asked_at__lt=at - OVERDUE).select_related("ticket"):
        _end(bundle, at=at, problem="It could not be made. The job ledger has the reason; ask again.")
    return Bundle.objects.filter(asked_at__lt=at - KEPT).delete()[1].get("dashboard.Bundle", 0)


def refuse_strangers(person: Person) -> None:
    """Refuse those who do not read the audit trail."""
    if not may_take(person):
        raise NotAllowed(because("role", "Incident bundles are for those who read the audit trail."))


def _parts(bundle: Bundle) -> Iterator[bytes]:
    for number in range(-(-bundle.size // PART)):
        yield bytes(Part.objects.get(bundle=bundle, number=number).data)


def _end(bundle: Bundle, *, at: datetime, digest: str = "", size: int = 0, problem: str = "") -> str:
    with transaction.atomic():
        waiting = Bundle.objects.filter(pk=bundle.pk, ended_at=None)
        if not waiting.update(ended_at=at, digest=digest, size=size, problem=problem):
            raise StaleTransition(because("ended", f"{bundle} was ended by somebody else."))
        bundle.digest = digest
        _record("bundle.failed" if problem else "bundle.made", bundle, actor=MAKER, at=at)
    return problem or f"{size:,} bytes, {digest}"


def _record(kind: str, bundle: Bundle, *, actor: Actor, at: datetime) -> None:
    subject = Ref("dashboard.bundle", bundle.pk, str(bundle))
    audit.record(kind, actor=actor, at=at, subject=subject, ticket=bundle.ticket.ref, data={"digest": bundle.digest})
