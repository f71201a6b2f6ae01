"""The API describes itself truthfully: the document is current, every answer fits it, every method asks for a scope."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient
from rest_framework.views import APIView

from portal.dashboard.reference import reference
from portal.jobs.testing import drain
from remediation.connectors.testing import LabProcess
from remediation.desk.testing import V1, callers, in_review
from remediation.review import testing as review

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    generated: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return generated


def views(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, type[APIView]]]:
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from views(each.url_patterns, prefix + str(each.pattern))
        elif isinstance(each, URLPattern):
            view = getattr(each.callback, "cls", None)
            if view and issubclass(view, APIView):
                yield prefix + str(each.pattern), view


def operation(document: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    for template, operations in document["paths"].items():
        if re.fullmatch(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(template)), path):
            found: dict[str, Any] = operations[method.lower()]
            return found
    raise LookupError(path)


def test_the_document_is_valid_and_the_committed_one_is_current(document: dict[str, Any]) -> None:
    validate_schema(document)  # type: ignore[no-untyped-call]
    committed = yaml.load((Path(settings.BASE_DIR) / "docs" / "openapi.yaml").read_text(), Loader=yaml.CSafeLoader)
    current = yaml.dump(_plain(document), Dumper=yaml.CSafeDumper)
    assert committed == yaml.load(current, Loader=yaml.CSafeLoader), "make openapi"


def test_the_paths_are_the_promised_ones(document: dict[str, Any]) -> None:
    promised = {
        "/api/v1/tickets": {"get", "post"},
        "/api/v1/tickets/{ticket_id}": {"get"},
        "/api/v1/tickets/{ticket_id}/remediation-logs": {"get"},
        "/api/v1/tickets/{ticket_id}/approve-remediation": {"post"},
        "/api/v1/tickets/{ticket_id}/revisions": {"post"},
        "/api/v1/feedback": {"post"},
        "/api/v1/stats/reliability": {"get"},
        "/api/v1/stats/auto-remediation": {"get"},
        "/api/v1/patterns": {"get"},
    }
    for path, methods in promised.items():
        assert set(document["paths"][path]) == methods
    assert not [path for path in document["paths"] if path.endswith("/")]


def test_every_method_says_which_scope_it_needs() -> None:
    found = [(path, view) for path, view in views(get_resolver().url_patterns) if path.startswith("api/v1/")]
    assert len(found) > 10
    for path, view in found:
        if path == "api/v1/schema":
            continue
        offered = {method.upper() for method in METHODS if hasattr(view, method)}
        assert set(getattr(view, "scopes", {})) == offered, path


def test_every_operation_documents_its_problems(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, one in operations.items():
            statuses = set(one["responses"])
            assert {"401", "403"} <= statuses, (path, method)
            assert ("404" in statuses) >= ("{" in path), (path, method)
            if "requestBody" in one:
                assert {"400", "413", "415"} <= statuses, (path, method)
            for status, answer in one["responses"].items():
                if status >= "400":
                    shape = answer["content"]["application/problem+json"]["schema"]
                    assert shape == {"$ref": "#/components/schemas/Problem"}, (path, method, status)


def test_bodies_are_closed_and_typed(document: dict[str, Any]) -> None:
    ticket = document["components"]["schemas"]["TicketIn"]
    assert ticket["additionalProperties"] is False
    assert set(ticket["required"]) == {"ticket_id", "title", "description", "category"}
    assert ticket["properties"]["enable_auto_remediation"] == {"type": "boolean", "default": False}


@pytest.mark.usefixtures("lab_connectors")
def test_what_is_answered_fits_the_document(document: dict[str, Any], db: None, lab: LabProcess, settings: Any) -> None:
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    review.world()
    api = callers(review.people())

    def fits(client: APIClient, method: str, path: str, body: Any = None) -> Any:
        answer = getattr(client, method)(f"{V1}{path}", body, format="json")
        responses = operation(document, method, f"{V1}{path.partition('?')[0]}")["responses"]
        content = responses[str(answer.status_code)]["content"][answer["Content-Type"].partition(";")[0]]
        root = {"components": document["components"], **content["schema"]}
        Draft202012Validator(root, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(answer.json())
        return answer.json()

    in_review(api["engineer"])
    for role in ("reviewer", "approver"):
        plan = fits(api[role], "get", "/tickets/INC-1")["plan"]
        signed = {"approve": True, "stage": plan["stage"], "digest": plan["digest"]}
        fits(api[role], "post", "/tickets/INC-1/approve-remediation", signed)
        fits(api[role], "post", "/tickets/INC-1/approve-remediation", signed)
    drain("execution")
    fits(api["engineer"], "get", "/tickets/INC-1")
    fits(api["engineer"], "get", "/tickets/INC-404")
    fits(api["engineer"], "get", "/tickets?size=1")
    fits(api["engineer"], "get", "/tickets/INC-1/remediation-logs?size=1")
    fits(api["engineer"], "post", "/tickets", {"ticket_id": "x y"})
    fits(api["engineer"], "post", "/feedback", {"ticket_id": "INC-1", "feedback_type": "positive", "rating": 4})
    fits(api["engineer"], "post", "/tickets/INC-1/close", {"resolution": "Scaled."})
    for path in ("/stats/reliability", "/stats/auto-remediation?days=1", "/patterns", "/tokens/current"):
        fits(api["auditor"], "get", path)


def test_the_reference_page_shows_every_operation_without_script_or_inline_style(
    client: Client, document: dict[str, Any], db: None
) -> None:
    answer = client.get("/api/v1/docs")
    page = answer.content.decode()
    for path, operations in document["paths"].items():
        for method in operations:
            assert f"{method.upper()} {path}" in page
    assert " style=" not in page
    assert not re.findall(r"<script(?![^>]*\bsrc=)", page)
    assert "unsafe" not in answer["Content-Security-Policy"]
    linked, defined = set(re.findall(r'href="#([^"]+)"', page)), set(re.findall(r'id="([^"]+)"', page))
    assert linked <= defined


def test_the_reference_reads_types_limits_and_defaults() -> None:
    shapes = {shape.name: {field.name: field for field in shape.fields} for shape in reference().shapes}
    rating = shapes["FeedbackIn"]["rating"]
    assert (rating.kind.before, rating.is_required) == ("integer", True)
    assert rating.notes == ["Stars.", "at least 1, at most 5"]
    assert shapes["TicketIn"]["evidence"].kind.shape == "EvidenceIn"
    assert shapes["TicketIn"]["severity"].kind.before == "one of sev1, sev2, sev3, sev4"
    assert shapes["TicketShape"]["remediation_decision"].kind.after == " or null"
    assert shapes["TicketIn"]["enable_auto_remediation"].notes == ["default false"]


def test_the_document_is_served_without_a_token(client: Client, db: None) -> None:
    answer = client.get("/api/v1/schema", headers={"Accept": "application/json"})
    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.1")


def _plain(value: Any) -> Any:
    """Strings and numbers where the generator keeps enumerations and lazy texts."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)
