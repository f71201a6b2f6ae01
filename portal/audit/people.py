"""Who is asking, and what they may do here: this room stands below the one that knows people."""

from __future__ import annotations

from typing import Protocol, cast

from django.http import HttpRequest
from rest_framework.request import Request

from portal.kit.actors import Actor, Door
from portal.kit.refusals import NotAllowed, because


class _Acts(Protocol):
    def at(self, door: Door) -> Actor: ...


def acting(request: HttpRequest, door: Door) -> Actor:
    """The person who is signed in, as an actor."""
    return cast("_Acts", request.user).at(door)


def may_read(request: HttpRequest | Request) -> bool:
    """Whether the person may read the trail: auditors and policy admins."""
    return request.user.has_perm("audit.view_event")


def may_hold(request: HttpRequest) -> bool:
    """Whether the person may place and lift holds: auditors and policy admins."""
    return request.user.has_perm("audit.add_legalhold")


def may_set_days(request: HttpRequest) -> bool:
    """Whether the person may say how long bodies are kept: policy admins."""
    return request.user.has_perm("audit.change_retention")


def refuse_strangers(request: HttpRequest | Request) -> None:
    """Raises NotAllowed for whoever may not read the trail."""
    if not may_read(request):
        raise NotAllowed(because("role", "Auditors and policy admins read the audit trail."))
