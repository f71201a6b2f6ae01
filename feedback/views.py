"""The feedback page: what a person says about a ticket, and what it changed."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from feedback import presenting, services
from feedback.forms import FeedbackForm, said, suggested
from feedback.models import Feedback
from portal.access.pages import person_of
from portal.kit.refusals import Refusal
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket
from remediation.tickets.states import TicketStatus

NOTHING_NEW = 204


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def page(request: HttpRequest, key: str) -> HttpResponse:
    """Say how a ticket went, or change what was said. What was typed is never lost to an error."""
    ticket = tickets.find(person_of(request), key)
    given = Feedback.objects.filter(ticket=ticket, person=person_of(request)).first()
    if request.method != "POST":
        return _show(request, ticket, given, FeedbackForm(initial=said(given) or suggested(ticket)))
    form = FeedbackForm(request.POST)
    if not form.is_valid():
        return _show(request, ticket, given, form, status=422)
    try:
        _, is_new = services.give(
            person=person_of(request), ticket_id=ticket.pk, answer=form.answer, door="page", at=timezone.now()
        )
    except Refusal as refusal:
        return _show(request, ticket, given, form, refusal=refusal, status=refusal.status)
    messages.success(request, "Thank you: your answer is kept." if is_new else "Your answer is changed.")
    return redirect("feedback", key=key)


def _show(
    request: HttpRequest,
    ticket: Ticket,
    given: Feedback | None,
    form: FeedbackForm,
    *,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, object] = {
        "ticket": ticket,
        "given": given,
        "form": form,
        "refusal": refusal,
        "can_be_judged": ticket.status != TicketStatus.PROCESSING,
        "may_judge": tickets.takes_part(person_of(request), ticket.category),
        "crumbs": [("Queue", "/"), (ticket.key, f"/tickets/{ticket.key}"), ("Feedback", "")],
    }
    if given:
        context |= _effect(ticket, given)
    return render(request, "feedback/page.html", context, status=status)


def _effect(ticket: Ticket, given: Feedback) -> dict[str, object]:
    """What an answer changed, and what a reader of it has seen: the answer, and whether it has been learned."""
    effect = presenting.effect_of(given) if ticket.pattern_id else None
    return {"given": given, "effect": effect, "seen": f"{given.updated_at.isoformat()}.{effect is not None}"}


@require_safe
@login_required
def live(request: HttpRequest, key: str) -> HttpResponse:
    """204 until the answer has been learned, then what it changed."""
    ticket = tickets.find(person_of(request), key)
    given = get_object_or_404(Feedback, ticket=ticket, person=person_of(request))
    context = _effect(ticket, given)
    if request.GET.get("seen") == context["seen"]:
        return HttpResponse(status=NOTHING_NEW)
    return render(request, "feedback/_effect.html", {"ticket": ticket, **context})
