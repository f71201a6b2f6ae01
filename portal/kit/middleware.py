"""What no view has to do: a service's refusal becomes a page with its reasons, an unreadable address is refused."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from rest_framework.exceptions import ErrorDetail, ValidationError

from portal.kit import problems
from portal.kit.refusals import Refusal

NUL = ErrorDetail("NUL characters are not allowed.", "nul_character")
NO_TEXT = ErrorDetail("This is not valid UTF-8.", "not_utf8")


class ReadableQueries:
    """400 for an address whose query is not text: what is behind would guess at it, or hand it to the database."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        query = request.META.get("QUERY_STRING", "")
        if mistakes := unreadable(query.encode("latin-1", "replace")):  # WSGI hands bytes over as Latin-1
            return problems.bad_request(request, ValidationError(mistakes))
        return self.get_response(request)


def unreadable(query: bytes) -> dict[str, list[ErrorDetail]]:
    """What is wrong with a query string, by the name of the parameter."""
    if b"%" not in query and query.isascii():
        return {}
    parts = (part.replace(b"+", b" ").partition(b"=") for part in query.split(b"&"))
    found = (
        (_shown(unquote_to_bytes(name)), _mistake(unquote_to_bytes(name + b"=" + value))) for name, _, value in parts
    )
    return {name: [mistake] for name, mistake in found if mistake}


def _mistake(text: bytes) -> ErrorDetail | None:
    if b"\x00" in text:
        return NUL
    try:
        text.decode()
    except UnicodeDecodeError:
        return NO_TEXT
    return None


def _shown(name: bytes) -> str:
    return name.decode(errors="replace").replace("\x00", "\ufffd")[:100]


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
