"""The page of the brakes on failures in a row: what failed again and again, and the form that releases it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access import grants
from portal.access.pages import person_of
from portal.kit.refusals import Refusal
from remediation.policy import braking


@require_safe
@login_required
def brakes(request: HttpRequest) -> HttpResponse:
    """Every brake that is engaged in the categories a person may see."""
    return _page(request)


@require_POST
@login_required
def release(request: HttpRequest, brake_id: int) -> HttpResponse:
    """Let workers try again on one target, or for one pattern."""
    person = person_of(request)
    if not braking.may_see(person, brake_id):
        raise Http404
    reason = request.POST.get("reason", "").replace("\x00", "")
    try:
        brake = braking.release(brake_id, reason=reason, person=person, door="page", at=timezone.now())
    except Refusal as refusal:
        return _page(request, refusal=refusal, typed={"brake": brake_id, "reason": reason})
    messages.success(request, f"Workers may try again: {brake}.")
    return redirect("brakes")


def _page(
    request: HttpRequest, *, refusal: Refusal | None = None, typed: Mapping[str, Any] | None = None
) -> HttpResponse:
    person = person_of(request)
    granted = grants.of(person)
    rows = [(brake, granted.may("run", brake.category_id)) for brake in braking.live(person)]
    crumbs = [("Policies", reverse("policies")), ("Brakes", "")]
    context = {"rows": rows, "refusal": refusal, "typed": typed or {}, "crumbs": crumbs}
    return render(request, "policy/brakes.html", context, status=refusal.status if refusal else 200)
