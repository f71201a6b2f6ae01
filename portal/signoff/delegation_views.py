"""Who signs in whose stead: one's own delegations, given and received."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.pages import person_of
from portal.kit.refusals import Refusal
from portal.signoff import delegating
from portal.signoff import services as signoffs
from portal.signoff.forms import DelegationForm

SHOWN = 100


@require_safe
@login_required
def delegations(request: HttpRequest) -> HttpResponse:
    """Who signs for whom, as far as it concerns the one who asks."""
    return _delegations(request, DelegationForm(giver=person_of(request)))


@require_POST
@login_required
def delegate(request: HttpRequest) -> HttpResponse:
    """Let somebody sign in one's stead."""
    person = person_of(request)
    form = DelegationForm(request.POST, giver=person)
    if not form.is_valid():
        return _delegations(request, form, status=422)
    try:
        made = signoffs.delegate(person=person, **form.cleaned_data, door="page", at=timezone.now())
    except Refusal as refusal:
        return _delegations(request, form, refusal=refusal, status=refusal.status)
    messages.success(request, f"{made.to_person} may sign for you in that time.")
    return redirect("delegations")


@require_POST
@login_required
def end_delegation(request: HttpRequest, delegation_id: int) -> HttpResponse:
    """End it before its time; those of others do not exist here."""
    person = person_of(request)
    get_object_or_404(delegating.of(person), pk=delegation_id)
    try:
        signoffs.end_delegation(delegation_id, person=person, door="page", at=timezone.now())
    except Refusal as refusal:
        return _delegations(request, DelegationForm(giver=person), refusal=refusal, status=refusal.status)
    messages.success(request, "The delegation has ended. What was signed under it stays.")
    return redirect("delegations")


def _delegations(
    request: HttpRequest, form: DelegationForm, *, refusal: Refusal | None = None, status: int = 200
) -> HttpResponse:
    person, at = person_of(request), timezone.now()
    rows = [(each, delegating.state_of(each, at=at)) for each in delegating.of(person)[:SHOWN]]
    context = {"form": form, "rows": rows, "may_delegate": delegating.may_delegate(person), "refusal": refusal}
    return render(request, "signoff/delegations.html", context, status=status)
