"""The runbook pages: the list by category, and one runbook as people read it."""

from __future__ import annotations

from itertools import groupby

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from remediation.knowledge import library
from remediation.knowledge.models import Runbook


@require_safe
@login_required
def runbooks(request: HttpRequest) -> HttpResponse:
    """Every runbook of the library, by category."""
    rows = Runbook.objects.defer("text").order_by("category_slug", "title")
    groups = [(slug, list(found)) for slug, found in groupby(rows, key=lambda row: row.category_slug)]
    return render(request, "knowledge/runbooks.html", {"groups": groups})


@require_safe
@login_required
def runbook(request: HttpRequest, slug: str) -> HttpResponse:
    """One runbook: its prose, what it needs to know, and its guarded steps."""
    row = get_object_or_404(Runbook, slug=slug)
    procedure = library.parsed(row.text)
    crumbs = [("Runbooks", reverse("runbooks")), (row.title, "")]
    context = {"runbook": row, "front": procedure.front, "body": procedure.prose, "crumbs": crumbs}
    return render(request, "knowledge/runbook.html", context)
