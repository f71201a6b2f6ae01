"""The incident bundle by API: ask for it, look how far it is, take it."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access.authentication import person_of
from portal.access.models import Scope
from portal.dashboard.bundle import services as bundles
from portal.dashboard.bundle.views import sent
from portal.dashboard.models import Bundle
from remediation.tickets import services as tickets

ASK_AGAIN_SECONDS = "2"


class BundleState(serializers.Serializer[Any]):
    """How far a bundle is: it waits until `ended_at`, then it has a `digest` or a `problem`."""

    asked_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    digest = serializers.CharField(allow_blank=True, help_text="SHA-256 of the whole file.")
    size = serializers.IntegerField()
    problem = serializers.CharField(allow_blank=True)


class IncidentBundle(APIView):
    """Incident bundles."""

    scopes = {"GET": Scope.TICKETS_READ, "POST": Scope.TICKETS_READ}
    refusals = {"GET": (409,), "POST": ()}

    @extend_schema(
        responses={
            (200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, "The newest bundle that is ready."),
            202: OpenApiResponse(BundleState, "One is being made; ask again in a moment."),
        }
    )
    def get(self, request: Request, ticket_id: str) -> Response | StreamingHttpResponse:
        """The newest incident bundle of a ticket, for those who read the audit trail."""
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        bundles.refuse_strangers(person)
        bundle = bundles.newest(ticket)
        if bundle and bundle.ended_at is None:
            return _waiting(bundle)
        return sent(*bundles.take(ticket, person=person, door="api", at=timezone.now()), ticket=ticket)

    @extend_schema(request=None, responses={202: BundleState})
    def post(self, request: Request, ticket_id: str) -> Response:
        """Have a bundle made; if one is being made already, that one is the answer."""
        person = person_of(request)
        ticket = tickets.find(person, ticket_id)
        return _waiting(bundles.ask(ticket, person=person, door="api", at=timezone.now()))


def _waiting(bundle: Bundle) -> Response:
    return Response(BundleState(bundle).data, status=202, headers={"Retry-After": ASK_AGAIN_SECONDS})
