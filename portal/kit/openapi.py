"""What all operations of the API have in common in the OpenAPI document: scopes, problem documents, closed bodies."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction
from rest_framework import serializers

from portal.kit.problems import MEDIA_TYPE
from portal.kit.serializers import StrictSerializer

FOR_EVERYONE = (HTTPStatus.NOT_ACCEPTABLE,)
FOR_TOKENS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
FOR_BODIES = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
WITH_BODY = ("POST", "PUT", "PATCH")


class ProblemError(serializers.Serializer[Any]):
    """One thing that is wrong."""

    field = serializers.CharField(help_text="A path such as `evidence[0].text`; empty for the whole request.")
    code = serializers.CharField(help_text="For programs.")
    message = serializers.CharField(help_text="For people.")


class ProblemChange(serializers.Serializer[Any]):
    """One thing that changed since the sender looked."""

    about = serializers.CharField(help_text="Which part of the text: a step, a gate, the policy.")
    what = serializers.CharField()
    before = serializers.CharField(allow_null=True, help_text="null: it was not there.")
    after = serializers.CharField(allow_null=True, help_text="null: it is not there any more.")


class Problem(serializers.Serializer[Any]):
    """Every error: an RFC 9457 problem document."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField(help_text="The path that was asked for.")
    errors = ProblemError(many=True)  # type: ignore[assignment]  # a field; the base has a property of this name
    link = serializers.CharField(required=False, help_text="Where the thing in the way is found.")
    changes = ProblemChange(many=True, required=False, help_text="With 409: what changed since the sender looked.")
    id = serializers.CharField(required=False, help_text="Under which the server logged an unexpected error.")


class Schema(AutoSchema):
    """Adds what a view says in `scopes` and `refusals`, each by method, and what follows from the request's form."""

    def get_description(self) -> str:  # type: ignore[override]  # as in AutoSchema
        """The docstring of the method, and the scope it needs."""
        scope = getattr(self.view, "scopes", {}).get(self.method)
        needs = f"\n\nNeeds a token with the scope `{scope}`." if scope else ""
        return f"{super().get_description()}{needs}"

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._problem_statuses():
            code = str(status.value)
            described = self._get_response_for_code(Problem, code, [MEDIA_TYPE], direction)  # type: ignore[no-untyped-call]
            bodies.setdefault(code, {**described, "description": status.phrase})
        return dict(sorted(bodies.items()))

    def _problem_statuses(self) -> set[HTTPStatus]:
        statuses = {*FOR_EVERYONE, *map(HTTPStatus, getattr(self.view, "refusals", {}).get(self.method, ()))}
        if self.get_auth():
            statuses.update(FOR_TOKENS)
        if self.method in WITH_BODY and self.get_request_serializer() is not None:
            statuses.update(FOR_BODIES)
        if any(parameter["in"] == "query" for parameter in self._get_parameters()):
            statuses.add(HTTPStatus.BAD_REQUEST)
        if "{" in self.path:
            statuses.add(HTTPStatus.NOT_FOUND)
        return statuses

    def _map_basic_serializer(self, serializer: Any, direction: Direction) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if isinstance(serializer, StrictSerializer):
            schema["additionalProperties"] = False
        return schema

    def _map_serializer_field(self, field: Any, direction: Direction, *args: Any, **options: Any) -> dict[str, Any]:
        schema: dict[str, Any]
        schema = super()._map_serializer_field(field, direction, *args, **options)  # type: ignore[no-untyped-call]
        schema.pop("x-spec-enum-id", None)
        if _must_not_be_blank(field) and "string" in schema.get("type", ()):
            schema.setdefault("pattern", r"\S")
        return schema


def _must_not_be_blank(field: Any) -> bool:
    parent = getattr(field, "parent", None)
    is_ours = isinstance(parent, StrictSerializer) or isinstance(getattr(parent, "parent", None), StrictSerializer)
    is_free_text = isinstance(field, serializers.CharField) and not isinstance(field, serializers.RegexField)
    return is_ours and is_free_text and not field.allow_blank
