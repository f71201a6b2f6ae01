"""The runbook pages: the list by category, and one runbook as people read it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from portal.estate.models import Category
from remediation.knowledge import library
from remediation.knowledge.models import Runbook


@require_safe
@login_required
def runbooks(request: HttpRequest) -> HttpResponse:
    """Every runbook of the library, by category."""
    names = dict(Category.objects.values_list("slug", "name"))
    rows = [(names.get(row.category_slug, row.category_slug), row) for row in Runbook.objects.defer("text", "role")]
    return render(request, "knowledge/runbooks.html", {"rows": rows})


@require_safe
@login_required
def runbook(request: HttpRequest, slug: str) -> HttpResponse:
    """One runbook: its prose, what it needs to know, and its guarded steps."""
    row = get_object_or_404(Runbook, slug=slug)
    procedure = library.parsed(row.text, row.role)
    crumbs = [("Runbooks", reverse("runbooks")), (row.title, "")]
    context = {"runbook": row, "front": procedure.front, "body": procedure.prose, "crumbs": crumbs}
    context["files"] = procedure.role_files
    return render(request, "knowledge/runbook.html", context)
