"""Turns a service's refusal into a page with its reasons, so that no view has to."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.kit.refusals import Refusal


class RefusalPages:
    """403, 409 or 422 with every reason. The API has problem documents of its own and never gets here."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Only refusals; everything else is an error and stays one."""
        if not isinstance(exception, Refusal):
            return None
        return render(request, "refused.html", {"refusal": exception}, status=exception.status)
