"""How the API knows who is asking: a bearer token and its scopes. A session does not open the API."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from portal.access import tokens
from portal.access.models import Person, Token

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema
    from rest_framework.views import APIView


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer cs_…`. One query; nothing is written."""

    def authenticate(self, request: Request) -> tuple[Person, Token] | None:
        """The token's person and the token; None when no bearer token was sent."""
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        token = tokens.find(_text(parts), at=timezone.now())
        if token is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked.")
        return token.person, token

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return 'Bearer realm="countersign"'


def _text(parts: list[bytes]) -> str:
    if len(parts) != 2:  # noqa: PLR2004 - scheme and credentials
        raise AuthenticationFailed("Send exactly one token: Authorization: Bearer cs_…")
    try:
        return parts[1].decode("ascii")
    except UnicodeDecodeError as error:
        raise AuthenticationFailed("A token consists of ASCII characters.") from error


class HasScope(BasePermission):
    """The token must carry the scope that the view names for the method: `scopes = {"GET": …, "POST": …}`."""

    message = "This token lacks the scope this request needs."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Scope of the token; what the person may do is the services' business."""
        method = "GET" if request.method == "HEAD" else request.method or ""
        wanted = getattr(view, "scopes", {}).get(method)
        if wanted is None:
            return True
        self.message = f"This token lacks the scope {wanted}."
        return isinstance(request.auth, Token) and wanted in request.auth.scopes


def person_of(request: Request) -> Person:
    """Who is asking; views behind IsAuthenticated always have somebody."""
    if not isinstance(request.user, Person):
        raise NotAuthenticated
    return request.user


def authenticated_at(request: Request) -> datetime | None:
    """When the sender proved who they are: a token proves it once, at the moment it is issued."""
    return request.auth.created_at if isinstance(request.auth, Token) else None


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """How the OpenAPI document describes the token."""

    target_class = "portal.access.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        """An HTTP bearer scheme."""
        return {"type": "http", "scheme": "bearer", "description": "A token of a person or a machine: cs_…"}
