"""The queue and the list of tickets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.access import grants
from portal.access.pages import person_of
from portal.kit.paging import neighbours
from remediation.desk import presenting, reads, waiting
from remediation.desk.forms import FilterForm, QueueFilterForm
from remediation.drafting.states import Status

TABS = {"": "All", "mine": "Mine to sign", "person": "Needs a person"}


@require_safe
@login_required
def queue(request: HttpRequest) -> HttpResponse:
    """What waits for somebody, worst first, of these what waits longest."""
    return render(request, "desk/queue.html", _board(request))


@require_safe
@login_required
def queue_live(request: HttpRequest) -> HttpResponse:
    """The part of the queue that keeps itself fresh; 204 while the reader has the newest."""
    board = _board(request)
    if request.GET.get("seen") == board["seen"]:
        return HttpResponse(status=204)
    return render(request, "desk/_queue.html", board)


@require_safe
@login_required
def tickets(request: HttpRequest) -> HttpResponse:
    """The tickets a person may see, newest first."""
    person = person_of(request)
    form = FilterForm(request.GET, categories=grants.categories(person, "see"))
    page = reads.tickets(person, form.filters, after=request.GET.get("after"))
    context = {
        "form": form,
        "rows": [presenting.ticket_row(ticket) for ticket in page.items],
        "may_open": person.has_perm("tickets.add_ticket"),
        **neighbours(page, request.GET),
    }
    return render(request, "desk/tickets.html", context)


def _board(request: HttpRequest) -> dict[str, Any]:
    """Everything the queue shows, for the person and the filters of the request."""
    person, at = person_of(request), timezone.now()
    query = request.GET.copy()
    query.pop("seen", None)
    tab = query.get("tab", "") if query.get("tab") in TABS else ""
    form = QueueFilterForm(query, categories=grants.categories(person, "see"))
    filters = replace(form.filters, status=Status.NEEDS_PERSON) if tab == "person" else form.filters
    page = waiting.queue(person, filters, only_mine=tab == "mine", after=query.get("after"))
    rows, figures = waiting.rows_of(page.items, person, at=at), waiting.figures(person)
    query["seen"] = seen = presenting.seen_of(rows, figures)
    live = f"{reverse('queue_live')}?{query.urlencode()}"
    del query["seen"]
    return {
        "form": form,
        "tab": tab,
        "tabs": [_tab(name, label, current=name == tab) for name, label in TABS.items()],
        "rows": [presenting.row_of(row, at=at) for row in rows],
        "next": next((row for row in rows if row.is_mine), rows[0] if rows else None),
        "figures": presenting.figures_of(figures, at=at),
        "seen": seen,
        "live": live,
        "is_narrowed": bool(query),
        "may_open": person.has_perm("tickets.add_ticket"),
        **neighbours(page, query),
    }


def _tab(name: str, label: str, *, current: bool) -> dict[str, Any]:
    return {"label": label, "url": f"?tab={name}" if name else reverse("queue"), "current": current}
