"""The operations page: what the product can do, and how well each way back is known; and one operation in full."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from portal.access.pages import person_of
from remediation.connectors.catalogue import OPERATIONS
from remediation.wayback import presenting


@require_safe
@login_required
def operations(request: HttpRequest) -> HttpResponse:
    """Every operation of the catalogue, a row each, and their ways back side by side."""
    rows = presenting.rows()
    return render(request, "wayback/operations.html", {"rows": rows, "chart": presenting.chart(rows)})


@require_safe
@login_required
def operation(request: HttpRequest, name: str) -> HttpResponse:
    """One operation: what is known of its way back, and the last times it was taken."""
    if name not in OPERATIONS:
        raise Http404
    shown = presenting.row(name)
    context = {
        "operation": shown.operation,
        "record": shown.record,
        "newest": presenting.newest(name, person_of(request)),
        "crumbs": [("Operations", reverse("operations")), (name, "")],
    }
    return render(request, "wayback/operation.html", context)
