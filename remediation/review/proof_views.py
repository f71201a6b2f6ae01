"""The button that has the role of a signed merge plan proven again."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from portal.access.pages import person_of
from remediation.review import services as reviews
from remediation.review.views import find


@require_POST
@login_required
def prove(request: HttpRequest, key: str) -> HttpResponse:
    """Have a proof that could not be made tried again."""
    remediation = find(request, key)
    proof = reviews.prove_again(remediation.pk, person=person_of(request), door="page", at=timezone.now())
    messages.success(request, f"Workers prove the role on {proof.host}; this page says when the result is in.")
    return redirect("review", key=key)
