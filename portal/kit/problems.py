"""Every error of the API as an RFC 9457 problem document, by whichever road it arrives.

    {type, title, status, detail, instance, errors: [{field, code, message}], link?, changes?, id?}

`type` is "about:blank": the status says what kind of problem it is, `errors` say which field and why.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any, TypedDict

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse, UnreadablePostError
from django.views import defaults
from rest_framework import exceptions
from rest_framework.settings import api_settings

from portal.kit.refusals import Refusal

logger = logging.getLogger(__name__)
API_PREFIX = "/api/"
MEDIA_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="countersign"'
KNOWN: tuple[tuple[type[Exception], int, str], ...] = (
    (Http404, 404, "There is nothing here, or nothing that you may see."),
    (PermissionDenied, 403, "You may not do this."),
    (RequestDataTooBig, 413, "The request body is too large."),
    (SuspiciousOperation, 400, "The request cannot be understood."),
    (UnreadablePostError, 400, "The request broke off."),
)


class FieldError(TypedDict):
    """One thing that is wrong; `field` is a path such as `evidence[0].text`, empty for the whole request."""

    field: str
    code: str
    message: str


def problem(
    request: HttpRequest,
    status: int,
    detail: str,
    *,
    title: str | None = None,
    errors: Sequence[FieldError] = (),
    **more: Any,
) -> JsonResponse:
    """A problem document; members of `more` that are None are left out."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "errors": list(errors),
    }
    body.update({name: value for name, value in more.items() if value is not None})
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)


def handler(exc: Exception, context: dict[str, Any]) -> HttpResponseBase:
    """REST framework's EXCEPTION_HANDLER: a problem document for every exception, without details if unexpected."""
    request: HttpRequest = context["request"]
    if isinstance(exc, Refusal):
        return _refusal(request, exc)
    if isinstance(exc, exceptions.APIException):
        return _api_exception(request, exc)
    for kind, status, detail in KNOWN:
        if isinstance(exc, kind):
            return problem(request, status, detail)
    return _unexpected(request, exc)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler400: a problem document below /api/, Django's page elsewhere."""
    if not _is_api(request):
        return defaults.bad_request(request, exception)
    return handler(exception, {"request": request})


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Django's handler404: a problem document below /api/, Django's page elsewhere."""
    if not _is_api(request):
        return defaults.page_not_found(request, exception)
    return problem(request, 404, "There is no such address.")


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Django's handler500: a problem document below /api/, Django's page elsewhere. Django has logged the exception."""
    if not _is_api(request):
        return defaults.server_error(request)
    return problem(request, 500, "Something went wrong here; nothing is known to have changed.")


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith(API_PREFIX)


def _refusal(request: HttpRequest, exc: Refusal) -> JsonResponse:
    errors = [FieldError(field=r.field or "", code=r.code, message=r.text) for r in exc.reasons]
    return problem(request, exc.status, str(exc), title=exc.title, errors=errors, link=exc.link, **exc.more)


def _api_exception(request: HttpRequest, exc: exceptions.APIException) -> JsonResponse:
    errors = list(_flat(exc.detail))
    status = exc.status_code
    if isinstance(exc, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        status = 401
    detail = "The input is not valid." if isinstance(exc, exceptions.ValidationError) else _sentence(errors)
    response = problem(request, status, detail, errors=errors)
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = getattr(exc, "auth_header", CHALLENGE)
    return response


def _unexpected(request: HttpRequest, exc: Exception) -> JsonResponse:
    incident = uuid.uuid4().hex
    logger.error("Unexpected error %s at %s", incident, request.path, exc_info=exc)
    detail = f"Something went wrong here. It is logged as {incident}."
    return problem(request, 500, detail, id=incident)


def _sentence(errors: Sequence[FieldError]) -> str:
    return " ".join(error["message"] for error in errors)


def _flat(detail: Any, path: str = "") -> Iterator[FieldError]:
    """The errors of REST framework's nested lists and dictionaries, each with the path of its field."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _flat(inner, _joined(path, name))
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            yield from _flat(inner, _joined(path, index) if isinstance(inner, dict | list) else path)
    else:
        field = getattr(detail, "field", path)
        yield FieldError(field=field, code=getattr(detail, "code", None) or "invalid", message=str(detail))


def _joined(path: str, name: str | int) -> str:
    if isinstance(name, int):
        return f"{path}[{name}]"
    if name == api_settings.NON_FIELD_ERRORS_KEY:
        return path
    return f"{path}.{name}" if path else name
