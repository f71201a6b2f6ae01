"""Slows down guessing of passwords: counts failures per account and address, per account, and per address.

A row is written when a sign-in fails, and at no other time. Accounts are kept as keyed digests, because what people
type into the wrong field is often a password; an account that does not exist is treated like one that does.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from portal.access.models import FailedSignIn

WINDOW = timedelta(minutes=15)
PER_PAIR = 5
"""Failures for one account from one address: somebody who forgot, or somebody who guesses."""
PER_ADDRESS = 30
"""From one address, whatever the account: one password tried on many."""
PER_ACCOUNT = 50
"""For one account, from wherever: many machines that guess. High, for it keeps its owner out as well."""
NETWORK = 64
"""Bits of an IPv6 address that name a customer, who may use all addresses below them."""


def wait(name: str, request: HttpRequest, *, at: datetime) -> timedelta | None:
    """How long this account cannot be tried from here; None if it can."""
    account, address = _account(name), address_of(request)
    limits = (
        (PER_PAIR, Q(account=account, address=address)),
        (PER_ADDRESS, Q(address=address)),
        (PER_ACCOUNT, Q(account=account)),
    )
    ends = [end for most, whose in limits if (end := _blocked_until(whose, most, at))]
    return max(ends) - at if ends else None


def failed(name: str, request: HttpRequest, *, at: datetime) -> bool:
    """Remember a failure; whether from now on somebody has to wait because of it."""
    FailedSignIn.objects.filter(at__lt=at - WINDOW).delete()
    FailedSignIn.objects.create(account=_account(name), address=address_of(request), at=at)
    return wait(name, request, at=at) is not None


def succeeded(name: str, request: HttpRequest) -> None:
    """Whoever knows the password starts anew from this address; other addresses do not."""
    FailedSignIn.objects.filter(account=_account(name), address=address_of(request)).delete()


def address_of(request: HttpRequest) -> str:
    """Where a request comes from: behind a proxy, what the proxy itself has added last."""
    told = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() if settings.BEHIND_PROXY else ""
    try:
        address = ipaddress.ip_address(told or request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return "unknown"
    if address.version == 4:  # noqa: PLR2004 - IPv4
        return str(address)
    return str(ipaddress.ip_network((address, NETWORK), strict=False))


def _blocked_until(whose: Q, most: int, at: datetime) -> datetime | None:
    """The end of the wait that the last so many failures cause, if there were so many."""
    newest = FailedSignIn.objects.filter(whose, at__gt=at - WINDOW).order_by("-at").values_list("at", flat=True)
    first_of_them = newest[most - 1 : most].first()
    return first_of_them + WINDOW if first_of_them else None


def _account(name: str) -> str:
    return salted_hmac("portal.access.throttle", name.strip().lower(), algorithm="sha256").hexdigest()
