"""Lets people in without a password that somebody else knows: a link for one use, made by one who manages people.

Whoever has the link becomes that person. So one person alone could let themselves in as somebody who signs. Until
another one who manages people has confirmed who came in, `access_rights` leaves them nothing but looking and opening
tickets (law 4: "two people" is whoever asks plus one other).
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction

from portal.access import announcing, grants, tokens
from portal.access.models import Invitation, Person
from portal.audit import services as audit
from portal.kit.actors import Actor, Door, Ref
from portal.kit.refusals import NotAllowed, Reason, Refused, StaleTransition, because

LASTS = timedelta(hours=24)
MANAGES = "access.change_person"


def issue(person_id: int, *, by: Person, door: Door, at: datetime) -> tuple[Invitation, str]:
    """A link's text, shown once, with which this person sets a new password. Links made before end."""
    with transaction.atomic():
        person = Person.objects.select_for_update().get(pk=person_id)
        _refuse(by, person)
        person.invitations.filter(used_at=None, expires_at__gt=at).update(expires_at=at)
        text = secrets.token_urlsafe(32)
        invitation = Invitation.objects.create(
            person=person, digest=tokens.digest_of(text), issued_by=by, issued_at=at, expires_at=at + LASTS
        )
        audit.record("person.invited", actor=by.at(door), at=at, subject=_ref(invitation))
        announcing.tell(
            [person],
            text=f"{by} made a link with which somebody can set a new password for you. If you did not ask, say so.",
            path="/account/password",
            key=f"invitation:{invitation.pk}:issued",
            at=at,
        )
    return invitation, text


def find(text: str, *, at: datetime) -> Invitation | None:
    """The invitation behind a link, if it can still be used."""
    usable = Invitation.objects.filter(used_at=None, expires_at__gt=at, person__is_active=True)
    return usable.select_related("person").filter(digest=tokens.digest_of(text)).first()


def use(text: str, *, password: str, at: datetime) -> Invitation:
    """Set the password; every session of the person ends. StaleTransition if the link was used or ended meanwhile."""
    with transaction.atomic():
        rows = Invitation.objects.select_for_update(of=("self",)).select_related("person", "issued_by")
        invitation = rows.filter(digest=tokens.digest_of(text)).first()
        if invitation is None or invitation.used_at or invitation.expires_at <= at or not invitation.person.is_active:
            raise StaleTransition(because("ended", "This link was used before, or it ended. Ask for another one."))
        invitation.used_at = at
        invitation.save(update_fields=["used_at"])
        invitation.person.set_password(password)
        invitation.person.save(update_fields=["password"])
        somebody = Actor("anonymous", None, "somebody", "page")
        audit.record("person.came_in", actor=somebody, at=at, subject=_ref(invitation))
        announcing.tell(
            [each for each in grants.with_permission(MANAGES) if not may_not_confirm(invitation, each)],
            text=f"{invitation.person} came in by a link that {invitation.issued_by} made. Is it {invitation.person}?",
            path="/rights",
            key=f"invitation:{invitation.pk}:used",
            at=at,
        )
    return invitation


def confirm(invitation_id: int, *, by: Person, door: Door, at: datetime) -> Invitation:
    """Somebody else knows that it is them: their rights hold from now on."""
    with transaction.atomic():
        rows = Invitation.objects.select_for_update(of=("self",)).select_related("person", "issued_by")
        invitation = rows.get(pk=invitation_id)
        if reason := may_not_confirm(invitation, by):
            raise NotAllowed(reason)
        _confirm(invitation, at=at, actor=by.at(door), by=by)
    return invitation


def confirm_on_the_host(person: Person, *, actor: Actor, at: datetime) -> int:
    """The same by whoever operates the host, where there is nobody else yet; returns how many were confirmed."""
    with transaction.atomic():
        found = list(Invitation.waiting().filter(person=person).select_for_update(of=("self",)))
        for invitation in found:
            _confirm(invitation, at=at, actor=actor, by=None)
    return len(found)


def may_not_confirm(invitation: Invitation, by: Person) -> Reason | None:
    """Why this person cannot confirm; None if they can."""
    if not grants.of(by).holds(MANAGES):
        return because("role", "Policy admins confirm who came in.")
    if by.pk in (invitation.issued_by_id, invitation.person_id):
        return because("two_people", f"Somebody other than {invitation.issued_by} and {invitation.person} confirms.")
    return None


def _confirm(invitation: Invitation, *, at: datetime, actor: Actor, by: Person | None) -> None:
    if invitation.used_at is None or invitation.confirmed_at is not None:
        raise StaleTransition(because("confirmed", "Nobody waits to be confirmed here."))
    invitation.confirmed_by, invitation.confirmed_at = by, at
    invitation.save(update_fields=["confirmed_by", "confirmed_at"])
    audit.record("person.confirmed", actor=actor, at=at, subject=_ref(invitation))


def _refuse(by: Person, person: Person) -> None:
    if not grants.of(by).holds(MANAGES) or (person.is_superuser and not by.is_superuser):
        raise NotAllowed(because("role", "Policy admins let people in, and only superusers a superuser."))
    if by == person:
        raise NotAllowed(because("own_link", "Change your own password with the password you have."))
    if person.kind == Person.Kind.MACHINE:
        raise Refused(because("machine", "A machine has no password: issue a token for it."))
    if not person.is_active:
        raise Refused(because("inactive", f"{person} is deactivated."))


def _ref(invitation: Invitation) -> Ref:
    return Ref("access.person", invitation.person_id, invitation.person.username)
