"""The verbs of a postmortem: draft it from the record, edit it. Every version stays."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from portal.access.models import Person
from portal.audit import services as audit
from portal.kit import canonical
from portal.kit.actors import Actor, Door
from portal.kit.refusals import Refused, StaleTransition, because
from portal.kit.visible import is_blank
from remediation.postmortem import composing, record
from remediation.postmortem.models import Postmortem, Version
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket
from remediation.tickets.states import TicketStatus

MOST_CHARACTERS, MOST_LINES = 400_000, 10_000


def draft(ticket_id: int, *, person: Person, door: Door, at: datetime) -> Version:
    """Write down what the record says now, as the next version; what people wrote stays in the versions before."""
    ticket = _ticket(ticket_id)
    tickets.require_part(person, ticket.category)
    if ticket.status == TicketStatus.PROCESSING:
        text = f"{ticket.key} is still being worked on. There is something to write down once there is an answer."
        raise StaleTransition(because("nothing_happened", text))
    text = composing.text_of(record.of(ticket))
    with transaction.atomic():
        postmortem = _locked(ticket, at)
        _refuse_same(postmortem, text, "The newest version says all that the record says.")
        return _add(postmortem, text, author=None, actor=person.at(door), at=at)


def follow(ticket_id: int, *, actor: Actor, at: datetime, is_first: bool = True) -> str:
    """Keep a postmortem that nobody has edited up with the record; `is_first` also where there is none yet."""
    ticket = _ticket(ticket_id)
    if not is_first and not Postmortem.objects.filter(ticket=ticket).exists():
        return "There is no postmortem."
    text = composing.text_of(record.of(ticket))
    with transaction.atomic():
        postmortem = _locked(ticket, at)
        if postmortem.versions.filter(author__isnull=False).exists():
            return "People have edited it."
        if _says(postmortem, text):
            return "It says all that the record says."
        _add(postmortem, text, author=None, actor=actor, at=at)
    return f"Version {postmortem.newest} of the {postmortem}."


def edit(ticket_id: int, *, text: str, base: int, person: Person, door: Door, at: datetime) -> Version:
    """The next version, in somebody's words, on top of the version with the number `base` that they read."""
    ticket = _ticket(ticket_id)
    tickets.require_part(person, ticket.category)
    text = text.replace("\r\n", "\n")
    refuse_unreadable(text)
    with transaction.atomic():
        postmortem = Postmortem.objects.select_for_update().filter(ticket=ticket).first()
        if postmortem is None or postmortem.newest != base:
            now = f"version {postmortem.newest}" if postmortem else "none"
            said = f"You edited version {base}; the newest is {now}. Read it, then edit that one."
            raise StaleTransition(because("newer_version", said, "base"))
        postmortem.ticket = ticket
        _refuse_same(postmortem, text, "This is the newest version, word for word. Nothing was changed.")
        return _add(postmortem, text, author=person, actor=person.at(door), at=at)


def _ticket(ticket_id: int) -> Ticket:
    return Ticket.objects.select_related("category", "service", "pattern", "opened_by").get(pk=ticket_id)


def _locked(ticket: Ticket, at: datetime) -> Postmortem:
    """The postmortem of a ticket with its row locked; an empty one where there was none."""
    about = {"category": ticket.category, "pattern": ticket.pattern, "created_at": at}
    Postmortem.objects.get_or_create(ticket=ticket, defaults=about)
    postmortem = Postmortem.objects.select_for_update().get(ticket=ticket)
    postmortem.ticket = ticket
    return postmortem


def refuse_unreadable(text: str) -> None:
    """What nobody could read is neither kept nor shown in a preview."""
    if is_blank(text):
        raise Refused(because("blank", "A postmortem says something.", "text"))
    if "\x00" in text:
        raise Refused(because("nul_character", "NUL characters are not allowed.", "text"))
    if len(text) > MOST_CHARACTERS:
        raise Refused(because("too_long", f"A postmortem has at most {MOST_CHARACTERS:,} characters.", "text"))
    if text.count("\n") > MOST_LINES:
        raise Refused(because("too_long", f"A postmortem has at most {MOST_LINES:,} lines.", "text"))


def _refuse_same(postmortem: Postmortem, text: str, said: str) -> None:
    if _says(postmortem, text):
        raise Refused(because("unchanged", said, "text"))


def _says(postmortem: Postmortem, text: str) -> bool:
    newest = postmortem.versions.filter(number=postmortem.newest)
    return newest.filter(digest=canonical.digest_of(text)).exists()


def _add(postmortem: Postmortem, text: str, *, author: Person | None, actor: Actor, at: datetime) -> Version:
    """The next version of a locked postmortem."""
    postmortem.newest += 1
    postmortem.save(update_fields=["newest"])
    version = Version.objects.create(
        postmortem=postmortem,
        number=postmortem.newest,
        text=text,
        digest=canonical.digest_of(text),
        author=author,
        created_at=at,
    )
    kind = "postmortem.edited" if author else "postmortem.drafted"
    data = {"number": version.number, "digest": version.digest}
    ticket = postmortem.ticket.ref
    audit.record(kind, actor=actor, at=at, subject=postmortem.ref, ticket=ticket, data=data)
    return version
