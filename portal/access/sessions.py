"""What a session knows about its sign-in, and the events of signing in and out, whichever page people used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from portal.access import throttle
from portal.access.models import Person
from portal.audit import services as audit
from portal.kit.actors import Actor, Door, Ref

AUTHENTICATED_AT = "authenticated_at"
LONGEST_NAME = 80
FRESH = timedelta(minutes=5)
"""How long the password counts as entered just now."""


def authenticated_at(request: HttpRequest) -> datetime | None:
    """When the person of this session last entered their password; None if nobody is signed in."""
    kept = request.session.get(AUTHENTICATED_AT)
    return datetime.fromisoformat(kept) if kept else None


def is_fresh(request: HttpRequest, *, at: datetime) -> bool:
    """Whether the password was entered just now; what changes rights asks for that."""
    signed_in_at = authenticated_at(request)
    return signed_in_at is not None and at - signed_in_at < FRESH


def confirm(request: HttpRequest, person: Person, *, at: datetime) -> None:
    """The person entered the password again: the session gets a new key and remembers when."""
    with transaction.atomic():
        request.session.cycle_key()
        request.session[AUTHENTICATED_AT] = at.isoformat()
        throttle.succeeded(person.username, request)
        audit.record("person.signed_in_again", actor=person.at("page"), at=at, subject=ref(person))


def listen() -> None:
    """Hear Django's signals; listening twice changes nothing."""
    user_logged_in.connect(_signed_in, dispatch_uid="access.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="access.signed_out")
    user_login_failed.connect(_failed, dispatch_uid="access.sign_in_failed")


def ref(person: Person) -> Ref:
    """The person as a value."""
    return Ref("access.person", person.pk, person.username)


def _signed_in(request: HttpRequest, user: Person, **_: Any) -> None:
    at = timezone.now()
    request.session[AUTHENTICATED_AT] = at.isoformat()
    throttle.succeeded(user.username, request)
    audit.record("person.signed_in", actor=user.at(_door(request)), at=at, subject=ref(user))


def _signed_out(request: HttpRequest, user: Person | None, **_: Any) -> None:
    if user is not None:
        audit.record("person.signed_out", actor=user.at(_door(request)), at=timezone.now(), subject=ref(user))


def _failed(credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """A wrong password of somebody who exists; names nobody has are not kept, for they are often passwords."""
    name, at = str(credentials.get("username", "")), timezone.now()
    actor = Actor("anonymous", None, "somebody", _door(request))
    person = Person.objects.filter(username=name[:LONGEST_NAME]).first()
    with transaction.atomic():
        must_wait = request is not None and throttle.failed(name, request, at=at)
        if person is not None:
            audit.record("person.sign_in_failed", actor=actor, at=at, subject=ref(person))
            if must_wait:
                data = {"minutes": throttle.WINDOW // timedelta(minutes=1)}
                audit.record("person.sign_in_slowed", actor=actor, at=at, subject=ref(person), data=data)


def _door(request: HttpRequest | None) -> Door:
    if request is None:
        return "command"
    return "admin" if request.path.startswith("/admin/") else "page"
