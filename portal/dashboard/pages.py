"""The browsable page of the API, made on the server from the OpenAPI document: no script, no foreign stylesheet."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.dashboard.reference import reference


@require_safe
def api_reference(request: HttpRequest) -> HttpResponse:
    """Every operation with what it takes and answers, for everybody: it holds nothing about this installation."""
    return render(request, "dashboard/api_reference.html", {"reference": reference()})
