"""A person's inbox: what they were told, newest first."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.pages import person_of
from portal.kit.paging import neighbours, page_of
from portal.notices import services as notices

PAGE = 50


@require_safe
@login_required
def inbox(request: HttpRequest) -> HttpResponse:
    """One page of the notices; each leads to the thing as it stands now."""
    page = page_of(person_of(request).notices.all(), order=["-id"], after=request.GET.get("after"), size=PAGE)
    return render(request, "notices/inbox.html", {"page": page, **neighbours(page, request.GET)})


@require_POST
@login_required
def mark_read(request: HttpRequest) -> HttpResponse:
    """Everything up to now has been read."""
    notices.mark_read(person_of(request), at=timezone.now())
    return redirect("notices")
