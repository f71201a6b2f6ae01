"""One ticket: its page, its timeline, what drafters were shown and said, and the forms around it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access import grants
from portal.access.pages import person_of
from portal.audit.models import Event
from portal.kit.paging import neighbours, page_of
from portal.kit.refusals import Refusal, StaleTransition, because
from remediation.desk import presenting, reads
from remediation.desk.forms import CloseForm, EvidenceForms, LaterEvidenceForm, TicketForm, more_rows
from remediation.drafting import services as remediations
from remediation.review import presenting as reviewing
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket
from remediation.tickets.services import CLOSABLE
from remediation.tickets.states import TicketStatus

TIMELINE = 50
RECENT = 8
"""Events on the ticket's own page; the timeline has them all."""
ATTEMPTS = 20


@require_safe
@login_required
def page(request: HttpRequest, key: str) -> HttpResponse:
    """Everything about one ticket."""
    return _page(request, tickets.find(person_of(request), key))


@require_safe
@login_required
def live(request: HttpRequest, key: str) -> HttpResponse:
    """The part of the page that follows the work; 204 while the reader has the newest."""
    ticket = tickets.find(person_of(request), key)
    if request.GET.get("seen") == _seen(ticket):
        return HttpResponse(status=204)
    return render(request, "desk/_ticket.html", _state(request, ticket))


@require_safe
@login_required
def timeline(request: HttpRequest, key: str) -> HttpResponse:
    """Everything that happened to a ticket, newest first, page by page."""
    ticket = tickets.find(person_of(request), key)
    page = page_of(_events(ticket), order=["-id"], after=request.GET.get("after"), size=TIMELINE)
    context = {
        "ticket": ticket,
        "events": reviewing.timeline_of(page.items),
        "crumbs": _crumbs(ticket, "Timeline"),
        **neighbours(page, request.GET),
    }
    return render(request, "desk/timeline.html", context)


@require_safe
@login_required
def attempts(request: HttpRequest, key: str) -> HttpResponse:
    """What drafters were shown and what they answered, for those who review."""
    ticket = tickets.find(person_of(request), key)
    grants.require(person_of(request), "review", ticket.category)
    remediation = remediations.newest(ticket)
    found = remediation.attempts.order_by("-id")[:ATTEMPTS] if remediation else []
    context = {
        "ticket": ticket,
        "attempts": [(each, presenting.price_of(each)) for each in found],
        "crumbs": _crumbs(ticket, "Drafting"),
    }
    return render(request, "desk/attempts.html", context)


@login_required
def new(request: HttpRequest) -> HttpResponse:
    """The form of a new ticket. Whatever goes wrong, it comes back with everything that was typed."""
    person = person_of(request)
    tickets.require_opener(person)
    categories = grants.categories(person, "see")
    if request.method != "POST":
        return _form(request, TicketForm(categories=categories), EvidenceForms(prefix="evidence"))
    if "more" in request.POST:
        return _form(request, *more_rows(request.POST, categories))
    form = TicketForm(request.POST, categories=categories)
    pieces = EvidenceForms(request.POST, prefix="evidence")
    if not (form.is_valid() & pieces.is_valid()):
        return _form(request, form, pieces, status=422)
    evidence = [piece.piece for piece in pieces if piece.has_changed()]
    try:
        opened = tickets.open_ticket(opener=person, new=form.ticket(evidence), door="page", at=timezone.now())
    except StaleTransition as exists:
        form.add_error("key", str(exists))
        return _form(request, form, pieces, status=exists.status)
    messages.success(request, f"{opened.ticket.key} is open. A draft is on its way.")
    return redirect("ticket", key=opened.ticket.key)


@require_POST
@login_required
def add_evidence(request: HttpRequest, key: str) -> HttpResponse:
    """One more piece of evidence."""
    ticket = tickets.find(person_of(request), key)
    form = LaterEvidenceForm(request.POST, refs=_refs(ticket))
    if not form.is_valid():
        return _page(request, ticket, evidence_form=form, status=422)
    try:
        tickets.add_evidence(ticket.pk, new=[form.piece], person=person_of(request), door="page", at=timezone.now())
    except Refusal as refusal:
        again = tickets.find(person_of(request), key)
        return _page(request, again, evidence_form=form, refusal=refusal, status=refusal.status)
    against = "Added. What was signed is void, and the draft has to take it into account."
    usual = "Added. The draft stays as it is until somebody asks for a new one."
    messages.success(request, against if form.piece.contradicts else usual)
    return redirect(f"{reverse('ticket', args=[key])}#evidence")


@require_POST
@login_required
def redraft(request: HttpRequest, key: str) -> HttpResponse:
    """Let the drafter try again, with all the evidence there is now."""
    ticket = tickets.find(person_of(request), key)
    remediation = remediations.newest(ticket)
    if remediation is None:
        raise StaleTransition(because("not_begun", f"Nothing has been drafted for {key} yet."))
    remediations.redraft(remediation.pk, person=person_of(request), door="page", at=timezone.now())
    messages.success(request, "A new draft has been asked for.")
    return redirect("ticket", key=key)


@require_POST
@login_required
def close(request: HttpRequest, key: str) -> HttpResponse:
    """The end of a ticket."""
    ticket = tickets.find(person_of(request), key)
    form = CloseForm(request.POST)
    if not form.is_valid():
        return _page(request, ticket, close_form=form, status=422)
    resolution = form.cleaned_data["resolution"]
    try:
        tickets.close(ticket.pk, person=person_of(request), door="page", at=timezone.now(), resolution=resolution)
    except Refusal as refusal:
        again = tickets.find(person_of(request), key)
        return _page(request, again, close_form=form, refusal=refusal, status=refusal.status)
    messages.success(request, f"{key} is closed.")
    return redirect("ticket", key=key)


def _page(
    request: HttpRequest,
    ticket: Ticket,
    *,
    evidence_form: LaterEvidenceForm | None = None,
    close_form: CloseForm | None = None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    takes_part = tickets.takes_part(person_of(request), ticket.category)
    context = {
        **_state(request, ticket),
        "evidence_form": evidence_form or LaterEvidenceForm(refs=_refs(ticket)),
        "close_form": close_form or CloseForm(),
        "may_close": takes_part and ticket.status in CLOSABLE,
        "told": tickets.timeline_of(ticket),
        "may_draft_role": remediations.may_draft_role(person_of(request), ticket),
        "shows_evidence_form": evidence_form is not None or (takes_part and ticket.status != TicketStatus.CLOSED),
        "refusal": refusal,
        "crumbs": [("Tickets", reverse("tickets")), (ticket.key, "")],
    }
    return render(request, "desk/ticket.html", context, status=status)


def _refs(ticket: Ticket) -> list[str]:
    return [f"E{number}" for number in ticket.evidence.values_list("number", flat=True)]


def _state(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    """What the page says about where the ticket stands."""
    seen = _seen(ticket)
    details = reads.details(ticket, at=timezone.now())
    remediation = details.remediation
    attempts = remediation.attempts.defer("prompt", "answer").order_by("-id")[:ATTEMPTS] if remediation else []
    may_review = grants.of(person_of(request)).may("review", ticket.category_id)
    may_redraft = may_review and remediation and remediation.status in remediations.REDRAFTABLE
    return {
        "ticket": ticket,
        "takes_part": tickets.takes_part(person_of(request), ticket.category),
        "details": details,
        "drafted_by": presenting.drafted_by(details),
        "facts": presenting.facts_of(details),
        "step": presenting.step_of(details),
        "parts": details.parts,
        "is_moving": ticket.status in presenting.MOVING,
        "reliability": reviewing.reliability_of(details.assessment),
        "trace": reviewing.trace_of(details.decision),
        "attempts": [(each, presenting.price_of(each)) for each in attempts],
        "may_review": may_review,
        "may_redraft": may_redraft and ticket.status != TicketStatus.CLOSED,
        "events": reviewing.timeline_of(list(_events(ticket)[:RECENT])),
        "seen": seen,
    }


def _seen(ticket: Ticket) -> str:
    """The newest event: every change of state writes one."""
    newest = Event.objects.filter(ticket_id=ticket.pk).order_by("-id").values_list("pk", flat=True).first()
    return f"{ticket.status}.{newest}"


def _events(ticket: Ticket) -> Any:
    return Event.objects.filter(ticket_id=ticket.pk).order_by("-id")


def _form(request: HttpRequest, form: TicketForm, pieces: Any, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "pieces": pieces, "crumbs": [("Tickets", reverse("tickets")), ("New", "")]}
    return render(request, "desk/new.html", context, status=status)


def _crumbs(ticket: Ticket, here: str) -> list[tuple[str, str]]:
    return [("Tickets", reverse("tickets")), (ticket.key, reverse("ticket", args=[ticket.key])), (here, "")]
