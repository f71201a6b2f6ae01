"""The timeline of an incident: pasted, read, shown for correction, kept; and the role that is drafted from it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from portal.access.pages import person_of
from portal.kit.refusals import Refusal
from remediation.desk.timeline_forms import MomentForms, NotesForm, SummaryForm, forms_of
from remediation.drafting import services as remediations
from remediation.execution import retelling
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket, Timeline
from remediation.tickets.timelines import ENTRIES_AT_MOST
from remediation.tickets.timelines import Timeline as Told

Source = Timeline.Source


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def incident(request: HttpRequest, key: str) -> HttpResponse:
    """Tell what happened. Nothing is kept before a person has seen it as it will be kept."""
    ticket = tickets.find(person_of(request), key)
    tickets.require_part(person_of(request), ticket.category)
    tickets.refuse_closed(ticket)
    if request.method != "POST":
        return _page(request, ticket, *_start(request, ticket))
    return _read(request, ticket) if "read" in request.POST else _keep(request, ticket)


@require_POST
@login_required
def draft_role(request: HttpRequest, key: str) -> HttpResponse:
    """Have a role drafted from the timeline."""
    ticket = tickets.find(person_of(request), key)
    remediations.draft_role(ticket.pk, person=person_of(request), door="page", at=timezone.now())
    messages.success(request, "A role has been asked for. The drafter reads the timeline.")
    return redirect("ticket", key=key)


def _start(request: HttpRequest, ticket: Ticket) -> tuple[Told, Source]:
    """What the form begins with: the run that is over, the timeline that is kept, or nothing."""
    if request.GET.get("from") == "run":
        return retelling.timeline_of(retelling.required(ticket)), Source.RUN
    kept = tickets.timeline_of(ticket)
    return (kept.told, Source(kept.source)) if kept else (Told(symptom=ticket.title), Source.TYPED)


def _read(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    form = NotesForm(request.POST)
    if not form.is_valid():
        return _page(request, ticket, *_start(request, ticket), form=form, status=422)
    told = tickets.read_notes(form.cleaned_data["notes"], day=form.cleaned_data["day"])
    if len(told.entries) > ENTRIES_AT_MOST:
        text = f"These are {len(told.entries)} entries; a timeline has at most {ENTRIES_AT_MOST}. Paste what matters."
        form.add_error("notes", text)
        return _page(request, ticket, *_start(request, ticket), form=form, status=422)
    return _page(request, ticket, told, Source.PASTED, form=form)


def _keep(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    summary, moments = SummaryForm(request.POST), MomentForms(request.POST, prefix="entries")
    if not (summary.is_valid() & moments.is_valid()):
        return _form(request, ticket, summary, moments, status=422)
    said = summary.cleaned_data
    source = Source(said.pop("source"))
    told = Told(moments.entries, **said)  # type: ignore[attr-defined]  # our own formset
    try:
        kept = tickets.keep_timeline(
            ticket.pk, told=told, source=source, person=person_of(request), door="page", at=timezone.now()
        )
    except Refusal as refusal:
        return _form(request, ticket, summary, moments, refusal=refusal, status=refusal.status)
    messages.success(request, f"The timeline is kept: {len(kept.told.entries)} entries, each of them evidence.")
    return redirect(f"{reverse('ticket', args=[ticket.key])}#incident")


def _page(
    request: HttpRequest,
    ticket: Ticket,
    told: Told,
    source: Source,
    *,
    form: NotesForm | None = None,
    status: int = 200,
) -> HttpResponse:
    return _form(request, ticket, *forms_of(told, source), notes_form=form, status=status)


def _form(
    request: HttpRequest,
    ticket: Ticket,
    summary: SummaryForm,
    moments: Any,
    *,
    notes_form: NotesForm | None = None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "ticket": ticket,
        "summary": summary,
        "moments": moments,
        "notes_form": notes_form or NotesForm(initial={"day": ticket.opened_at.date()}),
        "is_reading": bool(notes_form and notes_form.is_valid()),
        "run": retelling.newest_over(ticket),
        "refusal": refusal,
        "crumbs": [
            ("Tickets", reverse("tickets")),
            (ticket.key, reverse("ticket", args=[ticket.key])),
            ("What happened", ""),
        ],
    }
    return render(request, "desk/incident.html", context, status=status)
