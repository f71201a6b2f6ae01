"""The emergency stop and the freezes: what holds now, and the forms that begin and end them (laws 8 and 9)."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from portal.access.pages import person_of
from portal.kit.refusals import Refusal
from portal.signoff import brakes
from portal.signoff.apps import may_stop
from portal.signoff.forms import FreezeForm, StopForm
from portal.signoff.models import Freeze, Stop

PAST = 20


@require_safe
@login_required
def stop(request: HttpRequest) -> HttpResponse:
    """What is stopped, the last stops, and the form for whoever may stop."""
    return _page(request, StopForm(scopes=brakes.scopes()))


@require_safe
@login_required
def scopes(request: HttpRequest) -> HttpResponse:
    """What can be stopped, for the button in the header."""
    brakes.refuse_who_may_not_stop(person_of(request))
    return render(request, "signoff/_scopes.html", {"scopes": brakes.scopes()})


@require_POST
@login_required
def engage(request: HttpRequest) -> HttpResponse:
    """Stop, and stay on the page from which it was done.

    Whatever goes wrong, the form comes back with what was typed; who may not stop is told so first.
    """
    brakes.refuse_who_may_not_stop(person_of(request))
    form = StopForm(request.POST, scopes=brakes.scopes())
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        brakes.engage(**form.cleaned_data, person=person_of(request), door="page", at=timezone.now())
    except Refusal as refusal:
        return _page(request, form, refusal=refusal, status=refusal.status)
    messages.success(request, "Stopped. No worker writes to what the stop covers.")
    came_from = request.POST.get("next", "")
    return redirect(came_from if url_has_allowed_host_and_scheme(came_from, allowed_hosts=None) else "stop")


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


@require_safe
@login_required
def freezes(request: HttpRequest) -> HttpResponse:
    """When nothing is rolled out: now, soon, and before; and the form for whoever plans freezes."""
    return _freezes(request, FreezeForm())


@require_POST
@login_required
def add_freeze(request: HttpRequest) -> HttpResponse:
    """Plan a freeze. Whatever goes wrong, the form comes back with what was typed; who may not is told so first."""
    brakes.refuse_who_may_not_freeze(person_of(request))
    form = FreezeForm(request.POST)
    if not form.is_valid():
        return _freezes(request, form, status=422)
    try:
        brakes.freeze(**form.cleaned_data, person=person_of(request), door="page", at=timezone.now())
    except Refusal as refusal:
        return _freezes(request, form, refusal=refusal, status=refusal.status)
    messages.success(request, "Frozen for that time. Rollbacks go on.")
    return redirect("freezes")


@require_POST
@login_required
def end_freeze(request: HttpRequest, freeze_id: int) -> HttpResponse:
    """Let rollouts go on before the freeze ends by itself."""
    get_object_or_404(Freeze, pk=freeze_id)
    try:
        brakes.end_freeze(freeze_id, person=person_of(request), door="page", at=timezone.now())
    except Refusal as refusal:
        return _freezes(request, FreezeForm(), refusal=refusal, status=refusal.status)
    messages.success(request, "The freeze is over.")
    return redirect("freezes")


def _page(request: HttpRequest, form: StopForm, *, refusal: Refusal | None = None, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "live": brakes.live(),
        "past": brakes.past(PAST),
        "may_stop": may_stop(request),
        "refusal": refusal,
    }
    return render(request, "signoff/stop.html", context, status=status)


def _freezes(
    request: HttpRequest, form: FreezeForm, *, refusal: Refusal | None = None, status: int = 200
) -> HttpResponse:
    at = timezone.now()
    context = {
        "form": form,
        "freezes": brakes.freezes(at=at),
        "past": brakes.past_freezes(PAST, at=at),
        "may_freeze": request.user.has_perm("signoff.add_freeze"),
        "refusal": refusal,
        "at": at,
    }
    return render(request, "signoff/freezes.html", context, status=status)
