"""The part of a ticket's pages about its pull request, and the two buttons on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from portal.access.pages import person_of
from portal.kit.refusals import StaleTransition, because
from portal.signoff.models import Plan
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.playbooks.repository import requests, showing
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket


@require_POST
@login_required
def look(request: HttpRequest, key: str) -> HttpResponse:
    """Have the role repository looked at now."""
    remediation = remediation_of(tickets.find(person_of(request), key))
    requests.look_now(remediation.pk, person=person_of(request), door="page", at=timezone.now())
    messages.success(request, "A worker looks at the role repository. This page shows in a moment what it saw.")
    return redirect("review", key=key)


@require_POST
@login_required
def again(request: HttpRequest, key: str) -> HttpResponse:
    """Ask again for a request that failed or was closed."""
    remediation = remediation_of(tickets.find(person_of(request), key))
    requests.ask_again(remediation.pk, person=person_of(request), door="page", at=timezone.now())
    messages.success(request, "The pull request is asked for again.")
    return redirect("review", key=key)


def panel(request: HttpRequest, ticket: Ticket) -> Mapping[str, Any] | None:
    """What the panel shows about a ticket; nothing where no role was proven."""
    board = showing.board_of(ticket, person_of(request))
    return {"board": board, "ticket": ticket} if board else None


def panel_for_plan(request: HttpRequest, plan: Plan | None) -> Mapping[str, Any] | None:
    """The same beside the plan that a review is about."""
    return panel(request, Ticket.objects.get(pk=plan.ticket_id)) if plan and plan.ticket_id else None


def remediation_of(ticket: Ticket) -> Remediation:
    """The remediation that a request is about: the ticket's newest."""
    remediation = remediations.newest(ticket)
    if remediation is None:
        raise StaleTransition(because("not_begun", f"Nothing has been drafted for {ticket.key} yet."))
    return remediation
