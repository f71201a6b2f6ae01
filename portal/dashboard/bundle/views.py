"""The incident bundle on the ticket page: a button, its progress, the download."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.pages import person_of
from portal.dashboard.bundle import services as bundles
from portal.dashboard.models import Bundle
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket


def aside(request: HttpRequest, ticket: Ticket) -> Mapping[str, Any] | None:
    """The section of the ticket page, for those who may take a bundle."""
    if not bundles.may_take(person_of(request)):
        return None
    bundle = bundles.newest(ticket)
    return {"ticket": ticket, "bundle": bundle, "seen": _seen(bundle)}


@require_POST
@login_required
def ask(request: HttpRequest, key: str) -> HttpResponse:
    """Have a bundle made."""
    person = person_of(request)
    bundles.ask(tickets.find(person, key), person=person, door="page", at=timezone.now())
    return redirect(f"{reverse('ticket', args=[key])}#bundle")


@require_safe
@login_required
def live(request: HttpRequest, key: str) -> HttpResponse:
    """How far it is; 204 while nothing changed."""
    person = person_of(request)
    ticket = tickets.find(person, key)
    bundles.refuse_strangers(person)
    bundle = bundles.newest(ticket)
    if request.GET.get("seen") == _seen(bundle):
        return HttpResponse(status=204)
    return render(
        request, "dashboard/bundle/progress.html", {"ticket": ticket, "bundle": bundle, "seen": _seen(bundle)}
    )


@require_safe
@login_required
def download(request: HttpRequest, key: str) -> StreamingHttpResponse:
    """The newest bundle, part by part."""
    person = person_of(request)
    ticket = tickets.find(person, key)
    return sent(*bundles.take(ticket, person=person, door="page", at=timezone.now()), ticket=ticket)


def sent(bundle: Bundle, parts: Any, *, ticket: Ticket) -> StreamingHttpResponse:
    """A bundle as an answer to a browser or a program."""
    name = f"{ticket.key.replace(':', '-')}-bundle-{bundle.pk}.zip"
    headers = {
        "Content-Length": str(bundle.size),
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return StreamingHttpResponse(parts, content_type="application/zip", headers=headers)


def _seen(bundle: Bundle | None) -> str:
    return f"{bundle.pk}.{bundle.ended_at is not None}" if bundle else "-"
