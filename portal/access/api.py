"""A token's look at itself: who it is and what it may do, and a way to end it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access import tokens
from portal.access.models import Scope, Token


class TokenShape(serializers.Serializer[Any]):
    """The token that was sent; its text is kept nowhere."""

    person = serializers.CharField(source="person.username")
    kind = serializers.CharField(source="person.kind", help_text="human or machine; machines never sign for people.")
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="First characters, to recognise it by.")
    scopes = serializers.ListField(child=serializers.ChoiceField(Scope.choices))
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class CurrentToken(APIView):
    """The token of the request; every token may ask for itself, so no scope is needed."""

    scopes = {"GET": None, "DELETE": None}
    refusals = {"DELETE": (409,)}

    @extend_schema(responses=TokenShape)
    def get(self, request: Request) -> Response:
        """Who this token speaks for, and what it may do."""
        return Response(TokenShape(_token(request)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        """Revoke this token: it stops working with the next request."""
        token = _token(request)
        tokens.revoke(token_id=token.pk, actor=token.person.at("api"), at=timezone.now())
        return Response(status=204)


def _token(request: Request) -> Token:
    if not isinstance(request.auth, Token):
        raise NotAuthenticated
    return request.auth
