"""Who is on duty: the rows for everybody to read, and their form for those who configure."""

from __future__ import annotations

import re

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.pages import person_of
from portal.kit.refusals import Refusal
from portal.signoff import duties
from portal.signoff.duty_forms import DutyForm
from portal.signoff.models import Duty

LIKE_AN_ID = re.compile("[0-9]{1,18}")


@require_safe
@login_required
def table(request: HttpRequest) -> HttpResponse:
    """Who is asked to sign what, first and next; with `?duty=` the form holds that one."""
    wanted = request.GET.get("duty", "")
    duty = Duty.objects.filter(pk=int(wanted)).first() if LIKE_AN_ID.fullmatch(wanted) else None
    return _page(request, DutyForm(instance=duty))


@require_POST
@login_required
def keep(request: HttpRequest, duty_id: int | None = None) -> HttpResponse:
    """Add a duty, or change one. Who may not is told so, whatever the form says."""
    duties.refuse_others(person_of(request))
    form = DutyForm(request.POST, instance=get_object_or_404(Duty, pk=duty_id) if duty_id else None)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        duties.keep(form.save(commit=False), person=person_of(request), door="page", at=timezone.now())
    except Refusal as refusal:
        return _page(request, form, refusal=refusal, status=refusal.status)
    messages.success(request, "Kept. Plans that wait are looked at again within a minute.")
    return redirect("duties")


@require_POST
@login_required
def remove(request: HttpRequest, duty_id: int) -> HttpResponse:
    """Nobody in particular is asked any more."""
    try:
        duties.remove(duty_id, person=person_of(request), door="page", at=timezone.now())
    except Refusal as refusal:
        return _page(request, DutyForm(), refusal=refusal, status=refusal.status)
    messages.success(request, "Gone. Where nobody is on duty, everybody who may sign is asked.")
    return redirect("duties")


def _page(request: HttpRequest, form: DutyForm, *, refusal: Refusal | None = None, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "rows": Duty.objects.select_related("category", "approver", "backup"),
        "may_configure": duties.may_configure(person_of(request)),
        "refusal": refusal,
    }
    return render(request, "signoff/duties.html", context, status=status)
