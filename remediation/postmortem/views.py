"""The pages of postmortems: the list, one version, editing with a preview, the versions and what changed, files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.access.pages import person_of
from portal.kit import markdown
from portal.kit.paging import neighbours
from portal.kit.refusals import Refusal
from remediation.postmortem import before as happened
from remediation.postmortem import exporting, listing, services
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket
from remediation.tickets.states import TicketStatus

BELOW_THE_TITLE = 2
DIGITS = 6


@require_safe
@login_required
def index(request: HttpRequest) -> HttpResponse:
    """The postmortems a person may see, newest first."""
    page = listing.postmortems(person_of(request), after=request.GET.get("after"))
    return render(request, "postmortem/list.html", {"rows": page.items, **neighbours(page, request.GET)})


@require_safe
@login_required
def page(request: HttpRequest, key: str) -> HttpResponse:
    """The newest version unless the address names another; where there is none, how to get one."""
    ticket = tickets.find(person_of(request), key)
    postmortem = listing.of(ticket)
    context = _frame(request, ticket, "Postmortem")
    if postmortem:
        version = listing.version_of(ticket, _number(request, "version"))
        html = markdown.html_of(version.text, start=BELOW_THE_TITLE)
        context |= {"postmortem": postmortem, "version": version, "html": html}
    return render(request, "postmortem/page.html", context)


@require_POST
@login_required
def draft(request: HttpRequest, key: str) -> HttpResponse:
    """Draft it from the record as it stands."""
    ticket = tickets.find(person_of(request), key)
    try:
        version = services.draft(ticket.pk, person=person_of(request), door="page", at=timezone.now())
    except Refusal as refusal:
        messages.error(request, " ".join(reason.text for reason in refusal.reasons))
    else:
        messages.success(request, f"Version {version.number} is drafted from the record.")
    return redirect("postmortem", key=key)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """The newest version as text. *Preview* shows what it will look like, *Save* makes the next version."""
    ticket = tickets.find(person_of(request), key)
    tickets.require_part(person_of(request), ticket.category)
    newest = listing.version_of(ticket)
    typed, base, refusal = newest.text, newest.number, None
    is_preview = "preview" in request.POST
    if request.method == "POST":
        typed, base = request.POST.get("text", "").replace("\r\n", "\n"), _number(request, "base")
        refusal = _unreadable(typed) if is_preview else _save(request, ticket, typed, base)
        if refusal is None and not is_preview:
            return redirect("postmortem", key=key)
    context = _frame(request, ticket, "Edit") | {"typed": typed, "base": base, "refusal": refusal}
    if is_preview and refusal is None:
        context["html"] = markdown.html_of(typed, start=BELOW_THE_TITLE)
    return render(request, "postmortem/edit.html", context, status=refusal.status if refusal else 200)


@require_safe
@login_required
def versions(request: HttpRequest, key: str) -> HttpResponse:
    """Every version, and what changed from one to another: the last two, unless the address names others."""
    ticket = tickets.find(person_of(request), key)
    newest = listing.version_of(ticket)
    new = _number(request, "new") or newest.number
    old = _number(request, "old") or max(new - 1, 1)
    page = listing.versions(ticket, after=request.GET.get("after"))
    context = _frame(request, ticket, "Versions") | {
        "rows": page.items,
        "compared": listing.compared(ticket, old, new),
        **neighbours(page, request.GET),
    }
    return render(request, "postmortem/versions.html", context)


@require_safe
@login_required
def as_markdown(request: HttpRequest, key: str) -> HttpResponse:
    """A version as a Markdown file."""
    ticket = tickets.find(person_of(request), key)
    return exporting.markdown_file(key, listing.version_of(ticket, _number(request, "version")))


@require_safe
@login_required
def as_html(request: HttpRequest, key: str) -> HttpResponse:
    """A version as one HTML page."""
    ticket = tickets.find(person_of(request), key)
    return exporting.html_file(key, listing.version_of(ticket, _number(request, "version")))


def aside(request: HttpRequest, ticket: Ticket) -> Mapping[str, Any] | None:
    """The postmortem on the page of its ticket; nothing while the ticket is worked on."""
    postmortem = listing.of(ticket)
    if postmortem is None and ticket.status == TicketStatus.PROCESSING:
        return None
    newest = listing.versions(ticket, size=1).items[0] if postmortem else None
    return {"ticket": ticket, "newest": newest, "may_write": tickets.takes_part(person_of(request), ticket.category)}


def before(request: HttpRequest, ticket: Ticket) -> Mapping[str, Any] | None:
    """What happened before, on the page of a ticket; nothing if nothing like it has."""
    found = happened.of(ticket, person_of(request))
    return {"ticket": ticket, "before": found} if found else None


def _save(request: HttpRequest, ticket: Ticket, typed: str, base: int) -> Refusal | None:
    """Save the next version; answers why that was refused."""
    try:
        version = services.edit(
            ticket.pk, text=typed, base=base, person=person_of(request), door="page", at=timezone.now()
        )
    except Refusal as refusal:
        return refusal
    messages.success(request, f"Version {version.number} is saved.")
    return None


def _unreadable(typed: str) -> Refusal | None:
    """Why a text is not even shown as it would look; None if it is."""
    try:
        services.refuse_unreadable(typed)
    except Refusal as refusal:
        return refusal
    return None


def _frame(request: HttpRequest, ticket: Ticket, here: str) -> dict[str, Any]:
    """What every page of a ticket's postmortem shows."""
    crumbs = [("Tickets", "/tickets"), ("Postmortems", "/postmortems"), (ticket.key, f"/tickets/{ticket.key}")]
    up = [("Postmortem", f"/tickets/{ticket.key}/postmortem")] if here != "Postmortem" else []
    return {
        "ticket": ticket,
        "may_write": tickets.takes_part(person_of(request), ticket.category),
        "is_under_way": ticket.status == TicketStatus.PROCESSING,
        "crumbs": [*crumbs, *up, (here, "")],
    }


def _number(request: HttpRequest, name: str) -> int:
    """A version's number from the address or the form; 0 for none, and for what is no number."""
    text = request.POST.get(name) or request.GET.get(name) or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else 0
