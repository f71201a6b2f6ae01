"""The page of retention: how long bodies are kept, and which tickets are held."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.audit import bodies
from portal.audit.forms import HoldForm, LiftForm, RetentionForm
from portal.audit.models import LegalHold, Retention
from portal.audit.people import acting, may_hold, may_set_days, refuse_strangers
from portal.kit.refusals import NotAllowed, Refusal, because

_LIFTED_SHOWN = 50


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """What holds now."""
    refuse_strangers(request)
    return _shown(request)


@require_POST
@login_required
def set_days(request: HttpRequest) -> HttpResponse:
    """Policy admins say for how many days bodies are kept."""
    if not may_set_days(request):
        raise NotAllowed(because("role", "Policy admins say how long bodies are kept."))
    form = RetentionForm(request.POST)
    if not form.is_valid():
        return _shown(request, retention_form=form, status=422)
    bodies.keep_for(form.cleaned_data["days"], actor=acting(request, "page"), at=timezone.now())
    return redirect("audit_retention")


@require_POST
@login_required
def hold(request: HttpRequest) -> HttpResponse:
    """Auditors and policy admins hold a ticket."""
    _refuse_who_may_not_hold(request)
    form = HoldForm(request.POST)
    if not form.is_valid():
        return _shown(request, hold_form=form, status=422)
    try:
        bodies.hold(
            form.cleaned_data["ticket"],
            reason=form.cleaned_data["reason"],
            actor=acting(request, "page"),
            at=timezone.now(),
        )
    except Refusal as refusal:
        return _shown(request, hold_form=form, refusal=refusal, status=refusal.status)
    return redirect("audit_retention")


@require_POST
@login_required
def lift(request: HttpRequest, hold_id: int) -> HttpResponse:
    """Auditors and policy admins lift a hold."""
    _refuse_who_may_not_hold(request)
    form = LiftForm(request.POST)
    if not form.is_valid():
        return _shown(request, lift_form=form, status=422)
    try:
        bodies.lift(hold_id, reason=form.cleaned_data["reason"], actor=acting(request, "page"), at=timezone.now())
    except Refusal as refusal:
        return _shown(request, refusal=refusal, status=refusal.status)
    return redirect("audit_retention")


def _refuse_who_may_not_hold(request: HttpRequest) -> None:
    if not may_hold(request):
        raise NotAllowed(because("role", "Auditors and policy admins hold tickets."))


def _shown(
    request: HttpRequest,
    *,
    retention_form: RetentionForm | None = None,
    hold_form: HoldForm | None = None,
    lift_form: LiftForm | None = None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    retention = Retention.objects.get()
    context = {
        "retention": retention,
        "held": LegalHold.objects.filter(lifted_at=None),
        "lifted": LegalHold.objects.exclude(lifted_at=None)[:_LIFTED_SHOWN],
        "retention_form": (retention_form or RetentionForm({"days": retention.days}))
        if may_set_days(request)
        else None,
        "hold_form": (hold_form or HoldForm()) if may_hold(request) else None,
        "lift_form": lift_form,
        "refusal": refusal,
        "crumbs": [("Audit", reverse("audit")), ("Retention", "")],
    }
    return render(request, "audit/retention.html", context, status=status)
