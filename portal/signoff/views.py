"""The emergency stop: what is stopped now, and the forms that engage and release a stop (law 9)."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.pages import person_of
from portal.kit.refusals import Refusal
from portal.signoff import brakes
from portal.signoff.apps import may_stop
from portal.signoff.forms import StopForm
from portal.signoff.models import Stop

PAST = 20


@require_safe
@login_required
def stop(request: HttpRequest) -> HttpResponse:
    """What is stopped, the last stops, and the form for whoever may stop."""
    return _page(request, StopForm(scopes=brakes.scopes()))


@require_POST
@login_required
def engage(request: HttpRequest) -> HttpResponse:
    """Stop. Whatever goes wrong, the form comes back with what was typed."""
    form = StopForm(request.POST, scopes=brakes.scopes())
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        brakes.engage(**form.cleaned_data, person=person_of(request), door="page", at=timezone.now())
    except Refusal as refusal:
        return _page(request, form, refusal=refusal, status=refusal.status)
    messages.success(request, "Stopped. No worker writes to what the stop covers.")
    return redirect("stop")


@require_POST
@login_required
def release(request: HttpRequest, stop_id: int) -> HttpResponse:
    """Let work go on; the second person does this."""
    get_object_or_404(Stop, pk=stop_id)
    try:
        brakes.release(stop_id, person=person_of(request), door="page", at=timezone.now())
    except Refusal as refusal:
        return _page(request, StopForm(scopes=brakes.scopes()), refusal=refusal, status=refusal.status)
    messages.success(request, "Released. Work goes on.")
    return redirect("stop")


def _page(request: HttpRequest, form: StopForm, *, refusal: Refusal | None = None, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "live": brakes.live(),
        "past": brakes.past(PAST),
        "may_stop": may_stop(request),
        "refusal": refusal,
    }
    return render(request, "signoff/stop.html", context, status=status)
