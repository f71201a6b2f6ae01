"""Every kind of bad input gets its own clear 4xx problem document that names the field; nothing is ever a 500."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from rest_framework.test import APIClient

from portal.access import tokens
from portal.access.models import Person, Scope
from portal.access.testing import caller
from portal.kit.actors import system
from remediation.desk.testing import V1, as_, incident
from remediation.tickets.models import Ticket

JSON = "application/json"
Send = Callable[..., Any]


@pytest.fixture
def send(cast: dict[str, Person]) -> Send:
    """Send raw bytes as the engineer, whom every door knows."""
    _, text = tokens.issue(
        person=cast["engineer"], name="t", scopes=Scope.values, actor=system("test"), at=cast["engineer"].created_at
    )
    client = Client(raise_request_exception=False)

    def request(method: str, path: str, body: Any = None, content_type: str = JSON, **headers: str) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {text}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        data = b"" if body is None else data
        return client.generic(method, f"{V1}{path}", data, content_type=content_type, headers=sent)

    return request


def refused(answer: Any, status: int, field: str | None = None, code: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, (answer.status_code, answer.content[:600])
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) >= {"type", "title", "status", "detail", "instance", "errors"}
    assert body["status"] == status
    found = [(error["field"], error["code"]) for error in body["errors"]]
    if field is not None:
        assert field in [name for name, _ in found], found
    if code is not None:
        assert code in [said for _, said in found], found
    return body


def deep(levels: int) -> bytes:
    return b'{"title":' + b"[" * levels + b"]" * levels + b"}"


def feedback(**changes: Any) -> dict[str, Any]:
    return {"ticket_id": "INC-1", "feedback_type": "positive", "rating": 5, **changes}


def piece(**changes: Any) -> dict[str, Any]:
    return {"kind": "log", "text": "x", "observed_at": "2026-05-04T10:00:00Z", **changes}


MOMENT = {"at": "2026-11-20T02:14:00Z", "text": "Paged."}
BODIES: list[Any] = [
    ("/tickets", incident(enable_auto_remedation=True), 400, "enable_auto_remedation", "unknown_field"),
    ("/tickets", incident(enable_auto_remediation="true"), 400, "enable_auto_remediation", "invalid"),
    ("/tickets", incident(enable_auto_remediation=1), 400, "enable_auto_remediation", "invalid"),
    ("/tickets", incident(enable_auto_remediation=None), 400, "enable_auto_remediation", "null"),
    ("/tickets", incident(category="weather"), 422, "category", "unknown"),
    ("/tickets", incident(service="no-such"), 422, "service", "unknown"),
    ("/tickets", incident(category=5), 400, "category", "invalid"),
    ("/tickets", incident(title=["x"]), 400, "title", "invalid"),
    ("/tickets", incident(title="   "), 400, "title", "blank"),
    ("/tickets", incident(title="\u200b\u3164\ufe0f"), 400, "title", "blank"),
    ("/tickets", incident(service=""), 400, "service", "blank"),
    ("/tickets", incident(title="x" * 301), 400, "title", "max_length"),
    ("/tickets", incident(description="a\x00b"), 400, "description", "nul_character"),
    ("/tickets", incident(description="é" * 40_000), 400, "description", "too_large"),
    ("/tickets", incident(key="a/b"), 400, "ticket_id", "invalid"),
    ("/tickets", incident(key="x" * 65), 400, "ticket_id", "invalid"),
    ("/tickets", incident(key="INC-1\n"), 422, "ticket_id", "invalid"),
    ("/tickets", incident(key="new"), 422, "ticket_id", "reserved"),
    ("/tickets", incident(severity="sev9"), 400, "severity", "invalid_choice"),
    ("/tickets", incident(severity=1), 400, "severity", "invalid"),
    ("/tickets", incident(environment="moon"), 400, "environment", "invalid_choice"),
    ("/tickets", incident(affected_systems="host"), 400, "affected_systems", "not_a_list"),
    ("/tickets", incident(affected_systems=["a"] * 51), 400, "affected_systems", "max_length"),
    ("/tickets", incident(evidence=[piece(kind="rumour")]), 400, "evidence[0].kind", "invalid_choice"),
    (
        "/tickets",
        incident(evidence=[piece(), piece(observed_at="yesterday")]),
        400,
        "evidence[1].observed_at",
        "invalid",
    ),
    ("/tickets", incident(evidence=[piece(observed_at=7)]), 400, "evidence[0].observed_at", "invalid"),
    ("/tickets", incident(evidence=[piece(observd_at="x")]), 400, "evidence[0].observd_at", "unknown_field"),
    ("/tickets", incident(evidence=[piece(text=" ")]), 400, "evidence[0].text", "invalid"),
    ("/tickets", incident(evidence=[piece(text="x" * 65_537)]), 400, "evidence[0].text", "too_large"),
    ("/tickets", incident(evidence=["x"]), 400, "evidence[0]", "invalid"),
    ("/tickets", incident(evidence={"0": piece()}), 400, "evidence", "not_a_list"),
    ("/tickets", incident(evidence=[piece()] * 201), 400, "evidence", "max_length"),
    (
        "/tickets",
        incident(timeline=[{"at": "2026-05-04T10:00:00Z", "output": "x"}]),
        400,
        "timeline[0].command",
        "invalid",
    ),
    (
        "/tickets",
        incident(timeline=[MOMENT | {"text": "x" * 40_000, "command": "ls", "output": "y" * 40_000}]),
        400,
        "timeline[0].output",
        "too_large",
    ),
    ("/tickets", incident(root_cause="No cap."), 400, "timeline", "invalid"),
    ("/tickets/INC-1/timeline", {"entries": []}, 400, "entries", "empty"),
    ("/tickets/INC-1/timeline", {"entries": [MOMENT | {"at": None}]}, 400, "entries[0].at", "null"),
    ("/tickets/INC-1/timeline", {"entries": [MOMENT | {"output": "x"}]}, 400, "entries[0].command", "invalid"),
    ("/tickets/INC-1/timeline", {"entries": [MOMENT | {"when": "x"}]}, 400, "entries[0].when", "unknown_field"),
    ("/tickets/INC-1/timeline", {"entries": [MOMENT] * 101}, 400, "entries", "max_length"),
    ("/tickets/INC-1/timeline", {"entries": [MOMENT], "symptom": "x" * 2_001}, 400, "symptom", "max_length"),
    ("/tickets/INC-1/timeline/read", {"text": "x", "day": "today"}, 400, "day", "invalid"),
    ("/tickets", [], 400, "", "invalid"),
    ("/tickets", {}, 400, "ticket_id", "required"),
    ("/tickets", b"", 400, "ticket_id", "required"),
    ("/tickets", b"{", 400, "", "not_json"),
    ("/tickets", b'{"title": "\xff\xfe"}', 400, "", "not_utf8"),
    ("/tickets", b'{"title": "a", "title": "b"}', 400, "title", "duplicate_key"),
    ("/tickets", b'{"title": NaN}', 400, "", "not_finite"),
    ("/tickets", b'{"title": 1e999}', 400, "title", "not_finite"),
    ("/tickets", b'{"title": "\\ud800"}', 400, "title", "lone_surrogate"),
    ("/tickets", b'{"rating": 99999999999999999999999}', 400, "", "integer_too_large"),
    ("/tickets", deep(40), 400, "", "too_deep"),
    ("/tickets", deep(100_000), 400, "", "too_deep"),
    ("/tickets", b'{"title": "' + b"x" * 10_000_000 + b'"}', 413, "", "body_too_large"),
    ("/feedback", feedback(rating=6), 400, "rating", "max_value"),
    ("/feedback", feedback(rating=0), 400, "rating", "min_value"),
    ("/feedback", feedback(rating=4.5), 400, "rating", "invalid"),
    ("/feedback", feedback(rating="5"), 400, "rating", "invalid"),
    ("/feedback", feedback(rating=True), 400, "rating", "invalid"),
    ("/feedback", feedback(feedback_type="great"), 400, "feedback_type", "invalid_choice"),
    ("/feedback", feedback(time_to_resolve=-1), 400, "time_to_resolve", "min_value"),
    ("/feedback", feedback(was_helpfull=True), 400, "was_helpfull", "unknown_field"),
    ("/feedback", feedback(ticket_id="INC-404"), 404, None, None),
    ("/feedback", feedback(ticket_id="a\x00b"), 400, "ticket_id", "nul_character"),
    ("/tickets/INC-1/approve-remediation", {"approve": "yes"}, 400, "approve", "invalid"),
    ("/tickets/INC-1/approve-remediation", {"approve": True, "stage": "both"}, 400, "stage", "invalid_choice"),
    ("/tickets/INC-1/approve-remediation", {"approve": False, "reason": "mood"}, 400, "reason", "invalid_choice"),
    ("/tickets/INC-1/revisions", {"draft": {}}, 400, "base_digest", "required"),
    ("/tickets/INC-1/revisions", {"base_digest": "", "draft": "text"}, 400, "draft", "not_a_dict"),
    ("/tickets/INC-1/evidence", {"evidence": []}, 400, "evidence", "empty"),
]


def test_a_bad_body_is_refused_by_name(send: Send, subtests: pytest.Subtests) -> None:
    for path, body, status, field, code in BODIES:
        with subtests.test(f"{path} {field} {code}"):
            refused(send("POST", path, body), status, field, code)
            assert not Ticket.objects.exists()


QUERIES: list[Any] = [
    ("/stats/reliability?days=-1", 400, "days", "min_value"),
    ("/stats/reliability?days=0", 400, "days", "min_value"),
    ("/stats/reliability?days=abc", 400, "days", "invalid"),
    ("/stats/reliability?days=1e2", 400, "days", "invalid"),
    ("/stats/reliability?days=99999999999999999999", 400, "days", "invalid"),
    ("/stats/auto-remediation?days=367", 400, "days", "max_value"),
    ("/stats/auto-remediation?day=3", 400, "day", "unknown_field"),
    ("/patterns?min_occurrences=-1", 400, "min_occurrences", "min_value"),
    ("/patterns?category=weather", 422, "category", "unknown"),
    ("/tickets?category=weather", 422, "category", "unknown"),
    ("/tickets?status=odd", 400, "status", "invalid_choice"),
    ("/tickets?severity=1", 400, "severity", "invalid_choice"),
    ("/tickets?size=0", 400, "size", "min_value"),
    ("/tickets?size=201", 400, "size", "max_value"),
    ("/tickets?status=closed&status=failed", 400, "status", "given_twice"),
    ("/tickets?status=", 400, "status", "blank"),
    ("/tickets?size=", 400, "size", "invalid"),
    ("/tickets?text=a%00b", 400, "text", "nul_character"),
    ("/tickets?text=%ff", 400, "text", "not_utf8"),
    ("/tickets?text=%ed%a0%80", 400, "text", "not_utf8"),
    ("/tickets?t%ff=1", 400, "t\ufffd", "not_utf8"),
    ("/tickets?after=nonsense", 422, "after", "bad_cursor"),
    ("/tickets?after=WyJhZnRlciIsWyItaWQiXSxbIngiXV0", 422, "after", "bad_cursor"),
    ("/tickets?format=xml", 400, "format", "unknown_field"),
    ("/tickets/INC-404", 404, None, None),
    ("/tickets/a%00b", 404, None, None),
    ("/tickets/%F0%9F%92%A9", 404, None, None),
    ("/no-such-thing", 404, None, None),
    ("/tickets/", 404, None, None),
]


def test_a_bad_query_is_refused_by_name(send: Send, subtests: pytest.Subtests) -> None:
    for path, status, field, code in QUERIES:
        with subtests.test(path):
            refused(send("GET", path), status, field, code)


@pytest.mark.parametrize("query", ["status__exact=%00", "q=%00", "q=%ff", "%00=1"])
def test_no_page_is_asked_for_what_is_no_text(cast: dict[str, Person], query: str) -> None:
    admin = as_(Person.objects.create_superuser("root"))
    assert admin.get(f"/admin/drafting/remediation/?{query}").status_code == 400


def test_a_typo_is_met_with_the_right_word(send: Send) -> None:
    body = refused(send("POST", "/tickets", incident(enable_autoremediation=True)), 400)
    assert body["errors"][0]["message"] == "There is no such field. Did you mean enable_auto_remediation?"


def test_every_mistake_is_listed_at_once(send: Send) -> None:
    body = refused(send("POST", "/tickets", incident(key="!", severity="x", evidence=[piece(kind="y")])), 400)
    assert {error["field"] for error in body["errors"]} == {"ticket_id", "severity", "evidence[0].kind"}


@pytest.mark.parametrize("key", ["", "x" * 201, "two words", "ключ", "a\x7f"])
def test_an_odd_idempotency_key_is_refused(send: Send, key: str) -> None:
    refused(send("POST", "/tickets", incident(), Idempotency_Key=key), 422, "Idempotency-Key", "invalid")


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "nonsense"])
def test_an_unsupported_media_type_is_refused(send: Send, media_type: str) -> None:
    refused(send("POST", "/tickets", b"x=1", content_type=media_type), 415)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/tickets"),
        ("DELETE", "/tickets/INC-1"),
        ("GET", "/feedback"),
        ("OPTIONS", "/tickets"),
        ("TRACE", "/tickets"),
    ],
)
def test_a_wrong_method_is_refused_with_the_right_ones(send: Send, method: str, path: str) -> None:
    answer = send(method, path)
    refused(answer, 405)
    assert answer["Allow"]


def test_an_answer_nobody_speaks_is_refused(send: Send) -> None:
    refused(send("GET", "/tickets", Accept="image/png"), 406)


@pytest.mark.parametrize(
    ("header", "path"),
    [
        ({}, "/tickets"),
        ({"Authorization": "Bearer"}, "/tickets"),
        ({"Authorization": "Bearer cs_unknown"}, "/tickets"),
        ({"Authorization": "Bearer a b"}, "/tickets"),
        ({"Authorization": "Bearer \xff"}, "/tickets"),
        ({"Authorization": "Basic eDp5"}, "/tickets"),
        ({}, "/stats/reliability"),
        ({}, "/patterns"),
        ({}, "/tokens/current"),
    ],
)
def test_without_a_token_there_is_only_a_challenge(cast: dict[str, Person], header: dict[str, str], path: str) -> None:
    answer = Client(raise_request_exception=False).get(f"{V1}{path}", headers=header)
    refused(answer, 401)
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_session_does_not_open_the_api(cast: dict[str, Person]) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(cast["engineer"])
    refused(browser.get(f"{V1}/tickets"), 401)


def test_a_revoked_token_and_one_of_somebody_who_left_open_nothing(cast: dict[str, Person]) -> None:
    client = caller(cast["engineer"])
    assert client.delete(f"{V1}/tokens/current").status_code == 204
    refused(client.get(f"{V1}/tickets"), 401)
    other = caller(cast["reviewer"])
    Person.objects.filter(pk=cast["reviewer"].pk).update(is_active=False)
    refused(other.get(f"{V1}/tickets"), 401)


SCOPED: list[Any] = [
    ("get", "/tickets", Scope.TICKETS_READ),
    ("get", "/tickets/INC-1", Scope.TICKETS_READ),
    ("get", "/tickets/INC-1/remediation-logs", Scope.TICKETS_READ),
    ("post", "/tickets", Scope.TICKETS_WRITE),
    ("post", "/tickets/INC-1/evidence", Scope.TICKETS_WRITE),
    ("post", "/tickets/INC-1/close", Scope.TICKETS_WRITE),
    ("post", "/tickets/INC-1/approve-remediation", Scope.SIGNOFFS_WRITE),
    ("post", "/tickets/INC-1/revisions", Scope.REVIEWS_WRITE),
    ("post", "/tickets/INC-1/ticks", Scope.REVIEWS_WRITE),
    ("post", "/tickets/INC-1/request-changes", Scope.REVIEWS_WRITE),
    ("post", "/tickets/INC-1/redraft", Scope.REVIEWS_WRITE),
    ("post", "/tickets/INC-1/fresh-plan", Scope.REVIEWS_WRITE),
    ("post", "/feedback", Scope.FEEDBACK_WRITE),
    ("get", "/stats/reliability", Scope.STATS_READ),
    ("get", "/stats/auto-remediation", Scope.STATS_READ),
    ("get", "/patterns", Scope.STATS_READ),
]


def test_a_token_without_the_scope_is_refused(cast: dict[str, Person], subtests: pytest.Subtests) -> None:
    for method, path, scope in SCOPED:
        with subtests.test(f"{method} {path}"):
            client = caller(cast["approver"], *(each for each in Scope.values if each != scope))
            body = refused(getattr(client, method)(f"{V1}{path}"), 403)
            assert scope in body["detail"]


def test_asking_for_the_head_alone_needs_the_scope_too(cast: dict[str, Person]) -> None:
    client = caller(cast["approver"], Scope.FEEDBACK_WRITE)
    assert client.head(f"{V1}/tickets").status_code == 403
    assert caller(cast["approver"], Scope.TICKETS_READ).head(f"{V1}/tickets").status_code == 200


def test_an_unexpected_error_tells_nothing_but_where_it_is_logged(send: Send) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tickets_ticket RENAME TO somewhere_else")
    body = refused(send("GET", "/tickets"), 500)
    transaction.set_rollback(True)  # the failed query has broken it
    assert "somewhere" not in json.dumps(body)
    assert len(body["id"]) == 32


def test_a_machine_account_reads_and_opens_but_never_signs(api: dict[str, APIClient]) -> None:
    robot = caller(Person.objects.create_user("robot", kind=Person.Kind.MACHINE, is_superuser=True))
    assert robot.post(f"{V1}/tickets", incident(), format="json").status_code == 201
    shown = robot.get(f"{V1}/tokens/current").json()
    assert (shown["person"], shown["kind"]) == ("robot", "machine")
