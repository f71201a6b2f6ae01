"""Bad input gets its own clear 4xx that names the place; errors of every kind are problem documents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpResponseBase, QueryDict, UnreadablePostError
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings
from rest_framework import exceptions, serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from portal.kit import parsers, problems
from portal.kit.refusals import NotAllowed, Refused, StaleTransition, because
from portal.kit.serializers import StrictSerializer, Trimmed

api = APIRequestFactory()


class Evidence(StrictSerializer):
    kind = serializers.ChoiceField(["log", "metric"])
    text = serializers.CharField()


class Ticket(StrictSerializer):
    ticket_id = Trimmed(max_length=20)
    title = serializers.CharField()
    note = serializers.CharField(allow_blank=True, required=False)
    enable_auto_remediation = serializers.BooleanField(default=False)
    rating = serializers.IntegerField(required=False, min_value=1, max_value=5, allow_null=True)
    systems = serializers.ListField(child=serializers.CharField(), required=False)
    evidence = Evidence(many=True, required=False)
    status = serializers.CharField(read_only=True)


class Door(APIView):
    permission_classes: Sequence[type[BasePermission]] = ()
    authentication_classes: Sequence[type[BaseAuthentication]] = ()

    def post(self, request: Request) -> Response:
        serializer = Ticket(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(serializer.validated_data)


class Nobody(BaseAuthentication):
    def authenticate(self, request: Request) -> None:
        return None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="test"'


class ClosedDoor(Door):
    permission_classes = (IsAuthenticated,)
    authentication_classes = (Nobody,)


def _post(body: bytes | dict[str, Any], content_type: str = "application/json") -> HttpResponseBase:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = RequestFactory().post("/api/v1/tickets", raw, content_type=content_type)
    response: HttpResponseBase = Door.as_view()(request)
    return response


def _body(response: HttpResponseBase) -> dict[str, Any]:
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(response.content)  # type: ignore[attr-defined]
    assert body["type"] == "about:blank"
    assert body["status"] == response.status_code
    assert body["instance"].startswith("/")
    assert body["title"]
    assert body["detail"]
    return body


def _errors(response: HttpResponseBase) -> list[tuple[str, str]]:
    return [(error["field"], error["code"]) for error in _body(response)["errors"]]


GOOD = {"ticket_id": "INC-1", "title": "Disk full"}

BAD_JSON: list[tuple[bytes, int, str, str]] = [
    (b"{", 400, "", "not_json"),
    (b"   ", 400, "", "empty_body"),
    (b'{"title": "\xff"}', 400, "", "not_utf8"),
    (b'{"title": "a\\u0000b"}', 400, "title", "nul_character"),
    (b'{"a\\u0000": 1}', 400, "", "nul_character"),
    (b'{"evidence": [{"text": "ok"}, {"text": "\\u0000"}]}', 400, "evidence[1].text", "nul_character"),
    (b'{"title": "\\ud800"}', 400, "title", "lone_surrogate"),
    (b'{"title": 1, "title": 2}', 400, "title", "duplicate_key"),
    (b'{"a": [{"b": 1, "c": {"d": 1, "d": 1}}]}', 400, "d", "duplicate_key"),
    (b"[" * 33 + b"]" * 33, 400, "", "too_deep"),
    (b"[" * 100_000 + b"]" * 100_000, 400, "", "too_deep"),
    (b'{"a":' * 33 + b"1" + b"}" * 33, 400, "", "too_deep"),
    (b'{"rating": NaN}', 400, "", "not_finite"),
    (b'{"rating": -Infinity}', 400, "", "not_finite"),
    (b'{"rating": 1e999}', 400, "rating", "not_finite"),
    (b'{"rating": 9223372036854775808}', 400, "", "integer_too_large"),
    (b'{"rating": -9223372036854775809}', 400, "", "integer_too_large"),
    (b'{"rating": ' + b"9" * 10_000 + b"}", 400, "", "integer_too_large"),
]


@pytest.mark.parametrize(("body", "status", "field", "code"), BAD_JSON, ids=[row[3] for row in BAD_JSON])
def test_bad_json_is_refused_by_its_own_code_and_place(body: bytes, status: int, field: str, code: str) -> None:
    response = _post(body)
    assert response.status_code == status
    assert _errors(response) == [(field, code)]


def test_what_is_just_good_enough_is_read() -> None:
    assert parsers.loads(b'{"a": 9223372036854775807, "b": -9223372036854775808}') == {"a": 2**63 - 1, "b": -(2**63)}
    assert parsers.loads(b"[" * 32 + b"]" * 32)
    assert parsers.loads('{"a": "ä\\ud83d\\ude00"}'.encode()) == {"a": "ä😀"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=20,
)  # fmt: skip


@given(json_values)
def test_every_harmless_value_is_read_as_it_was_written(value: Any) -> None:
    assert parsers.loads(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_no_bytes_at_all_cause_anything_but_bad_json(body: bytes) -> None:
    with suppress(parsers.BadJSON):
        parsers.loads(body)


def test_a_body_beyond_the_limit_is_413(settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    assert _post({**GOOD, "title": "x" * 900}).status_code == 200
    response = _post({**GOOD, "title": "x" * 1_000})
    assert response.status_code == 413
    assert "1,000 bytes" in _body(response)["detail"]


def test_another_media_type_is_415() -> None:
    response = _post(b"<ticket/>", "application/xml")
    assert response.status_code == 415
    assert "application/xml" in _body(response)["detail"]


BAD_FIELDS: list[tuple[dict[str, Any], str, str]] = [
    ({"enable_auto_remedation": True}, "enable_auto_remedation", "unknown_field"),
    ({"status": "resolved"}, "status", "unknown_field"),
    ({"enable_auto_remediation": "yes"}, "enable_auto_remediation", "invalid"),
    ({"enable_auto_remediation": "true"}, "enable_auto_remediation", "invalid"),
    ({"enable_auto_remediation": 1}, "enable_auto_remediation", "invalid"),
    ({"enable_auto_remediation": None}, "enable_auto_remediation", "null"),
    ({"rating": 6}, "rating", "max_value"),
    ({"rating": "5"}, "rating", "invalid"),
    ({"rating": 4.0}, "rating", "invalid"),
    ({"rating": True}, "rating", "invalid"),
    ({"title": 7}, "title", "invalid"),
    ({"title": True}, "title", "invalid"),
    ({"title": ["x"]}, "title", "invalid"),
    ({"title": ""}, "title", "blank"),
    ({"title": " \t "}, "title", "blank"),
    ({"ticket_id": "  "}, "ticket_id", "blank"),
    ({"ticket_id": "x" * 21}, "ticket_id", "max_length"),
    ({"systems": "web"}, "systems", "not_a_list"),
    ({"systems": ["web", 3]}, "systems[1]", "invalid"),
    ({"systems": ["web", " "]}, "systems[1]", "blank"),
    ({"evidence": [{"kind": "log", "text": "x"}, {"kind": "lag", "text": "x"}]}, "evidence[1].kind", "invalid_choice"),
    ({"evidence": [{"kind": "log", "text": "x", "source": "y"}]}, "evidence[0].source", "unknown_field"),
    ({"evidence": [{"kind": 4, "text": "x"}]}, "evidence[0].kind", "invalid"),
    ({"evidence": [{"kind": "log"}]}, "evidence[0].text", "required"),
    ({"evidence": ["log"]}, "evidence[0]", "invalid"),
]


@pytest.mark.parametrize(("change", "field", "code"), BAD_FIELDS, ids=[str(row[0])[:50] for row in BAD_FIELDS])
def test_a_bad_field_is_named(change: dict[str, Any], field: str, code: str) -> None:
    response = _post({**GOOD, **change})
    assert response.status_code == 400
    assert _errors(response) == [(field, code)]


@pytest.mark.parametrize("body", [b"[]", b"3", b'"x"', b"null"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    assert _post(body).status_code == 400


def test_a_typing_error_gets_a_hint_and_several_mistakes_come_at_once() -> None:
    body = _body(_post({"ticket_id": "x", "titel": "y", "rating": "3", "zzz": 1}))
    messages = {error["field"]: error["message"] for error in body["errors"]}
    assert messages["titel"].endswith("Did you mean title?")
    assert messages["zzz"] == "There is no such field."
    assert messages["rating"] == "Must be an integer."


def test_text_keeps_its_spaces_unless_its_field_is_trimmed() -> None:
    response = _post({"ticket_id": " INC-1 ", "title": " a ", "note": "", "systems": [" web "], "rating": None})
    assert response.status_code == 200
    data = response.data  # type: ignore[attr-defined]
    assert (data["ticket_id"], data["title"], data["systems"]) == ("INC-1", " a ", [" web "])


class Filter(StrictSerializer):
    days = serializers.IntegerField(min_value=1, required=False)
    mine = serializers.BooleanField(required=False)
    text = serializers.CharField(required=False)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("days=-1", "days"),
        ("days=", "days"),
        ("days=3.0", "days"),
        ("days=٣", "days"),
        ("days=99999999999999999999", "days"),
        ("mine=yes", "mine"),
        ("mine=1", "mine"),
        ("text=a%00b", "text"),
        ("dayz=3", "dayz"),
        ("days=3&days=4", "days"),
    ],
)
def test_a_query_string_is_read_as_strictly(query: str, field: str) -> None:
    serializer = Filter(data=QueryDict(query))
    assert not serializer.is_valid()
    assert list(serializer.errors) == [field]


def test_a_query_string_may_hold_numbers_and_booleans() -> None:
    serializer = Filter(data=QueryDict("days=30&mine=true&text=disk"))
    assert serializer.is_valid(), serializer.errors
    assert serializer.validated_data == {"days": 30, "mine": True, "text": "disk"}


PROBLEMS: list[tuple[Exception, int, str]] = [
    (NotAllowed(because("maker", "You wrote this.")), 403, "maker"),
    (StaleTransition(because("moved_on", "Someone was first.")), 409, "moved_on"),
    (Refused(because("frozen", "A freeze is on."), link="/freezes/1"), 422, "frozen"),
    (exceptions.ParseError(), 400, "parse_error"),
    (exceptions.PermissionDenied(), 403, "permission_denied"),
    (exceptions.NotFound(), 404, "not_found"),
    (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
    (exceptions.NotAcceptable(), 406, "not_acceptable"),
    (exceptions.Throttled(), 429, "throttled"),
    (Http404(), 404, ""),
    (PermissionDenied(), 403, ""),
    (RequestDataTooBig(), 413, ""),
    (SuspiciousOperation(), 400, ""),
    (UnreadablePostError(), 400, ""),
]


@pytest.mark.parametrize(("exception", "status", "code"), PROBLEMS, ids=[type(row[0]).__name__ for row in PROBLEMS])
def test_every_kind_of_error_is_a_problem_document(exception: Exception, status: int, code: str) -> None:
    response = problems.handler(exception, {"request": api.get("/api/v1/x")})
    assert response.status_code == status
    assert [found for _, found in _errors(response)] == ([code] if code else [])


def test_a_refusal_links_to_what_is_in_the_way() -> None:
    refusal = Refused(because("exists", "It exists.", "ticket_id"), link="/api/v1/tickets/INC-1")
    body = _body(problems.handler(refusal, {"request": api.get("/api/v1/x")}))
    assert body["link"] == "/api/v1/tickets/INC-1"
    assert body["title"] == "Cannot be done as it stands"
    assert body["errors"] == [{"field": "ticket_id", "code": "exists", "message": "It exists."}]


@pytest.mark.parametrize("exception", [exceptions.NotAuthenticated(), exceptions.AuthenticationFailed()])
def test_a_missing_or_bad_token_is_401_with_a_challenge(exception: Exception) -> None:
    response = problems.handler(exception, {"request": api.get("/api/v1/x")})
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_closed_door_asks_for_a_token() -> None:
    response = ClosedDoor.as_view()(api.post("/api/v1/tickets"))
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="test"'


def test_an_unexpected_error_gives_an_id_and_no_details(caplog: pytest.LogCaptureFixture) -> None:
    response = problems.handler(ValueError("password=hunter2"), {"request": api.get("/api/v1/x")})
    body = _body(response)
    assert response.status_code == 500
    assert "hunter2" not in json.dumps(body)
    assert body["id"] in caplog.text


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/nothing"])
def test_an_unknown_address_below_the_api_is_a_problem_document(path: str) -> None:
    response = problems.not_found(RequestFactory().get(path), Http404())
    assert response.status_code == 404
    assert _body(response)["instance"] == path


def test_other_addresses_keep_their_pages() -> None:
    request = RequestFactory().get("/tickets/nothing")
    request.user = AnonymousUser()
    for response in (
        problems.not_found(request, Http404()),
        problems.bad_request(request, BadRequest()),
        problems.server_error(request),
    ):
        assert response["Content-Type"].startswith("text/html")


def test_the_other_two_handlers_speak_json_below_the_api() -> None:
    request = RequestFactory().get("/api/v1/x")
    assert _body(problems.bad_request(request, SuspiciousOperation()))["status"] == 400
    assert _body(problems.server_error(request))["status"] == 500
