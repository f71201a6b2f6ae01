"""Records who signed in and out, and who tried to, whichever page they used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest
from django.utils import timezone

from portal.access.models import Person
from portal.audit import services as audit
from portal.kit.actors import Actor, Door, Ref


def listen() -> None:
    """Hear Django's signals; listening twice changes nothing."""
    user_logged_in.connect(_signed_in, dispatch_uid="access.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="access.signed_out")
    user_login_failed.connect(_failed, dispatch_uid="access.sign_in_failed")


def ref(person: Person) -> Ref:
    """The person as a value."""
    return Ref("access.person", person.pk, person.username)


def _signed_in(request: HttpRequest, user: Person, **_: Any) -> None:
    audit.record("person.signed_in", actor=user.at(_door(request)), at=timezone.now(), subject=ref(user))


def _signed_out(request: HttpRequest, user: Person | None, **_: Any) -> None:
    if user is not None:
        audit.record("person.signed_out", actor=user.at(_door(request)), at=timezone.now(), subject=ref(user))


def _failed(credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """A wrong password of somebody who exists; names nobody has are not kept, for they are often passwords."""
    person = Person.objects.filter(username=str(credentials.get("username", ""))[:80]).first()
    if person is not None:
        actor = Actor("anonymous", None, "somebody", _door(request))
        audit.record("person.sign_in_failed", actor=actor, at=timezone.now(), subject=ref(person))


def _door(request: HttpRequest | None) -> Door:
    if request is None:
        return "command"
    return "admin" if request.path.startswith("/admin/") else "page"
