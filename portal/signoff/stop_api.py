"""The emergency stop by API: what is stopped, stop, and let go on (law 9)."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access.authentication import person_of
from portal.access.models import Scope
from portal.kit.refusals import Refused, because
from portal.kit.serializers import StrictSerializer, valid
from portal.signoff import brakes
from portal.signoff.models import Stop


class StopIn(StrictSerializer):
    """What to stop, and why."""

    scope = serializers.CharField(
        max_length=80, default=brakes.ALL, help_text="`all`, `category:<slug>` or `connector:<slug>`."
    )
    reason = serializers.CharField(max_length=500)


class StopShape(serializers.Serializer[Any]):
    """An emergency stop."""

    id = serializers.IntegerField()
    scope = serializers.CharField()
    reason = serializers.CharField()
    engaged_by = serializers.CharField(source="engaged_by.username")
    engaged_at = serializers.DateTimeField()
    released_by = serializers.CharField(source="released_by.username", allow_null=True, default=None)
    released_at = serializers.DateTimeField(allow_null=True)


class Stops(APIView):
    """Emergency stops."""

    scopes = {"GET": Scope.TICKETS_READ, "POST": Scope.RUNS_WRITE}
    refusals = {"POST": (409, 422)}

    @extend_schema(operation_id="stops_list", responses=StopShape(many=True))
    def get(self, request: Request) -> Response:
        """What is stopped now, the newest first."""
        return Response(StopShape(brakes.live(), many=True).data)

    @extend_schema(request=StopIn, responses={201: StopShape})
    def post(self, request: Request) -> Response:
        """Stop: no worker writes to what the scope covers any more, at once. Somebody else releases it."""
        person = person_of(request)
        brakes.refuse_who_may_not_stop(person)
        body = valid(StopIn, request.data)
        if body["scope"] not in dict(brakes.scopes()):
            raise Refused(because("unknown", "There is no such category or connector.", "scope"))
        stop = brakes.engage(**body, person=person, door="api", at=timezone.now())
        return Response(StopShape(stop).data, status=201)


class StopRelease(APIView):
    """Stops that are released."""

    scopes = {"POST": Scope.RUNS_WRITE}
    refusals = {"POST": (409,)}

    @extend_schema(request=None, responses=StopShape)
    def post(self, request: Request, stop_id: int) -> Response:
        """Let work go on; not by who engaged the stop."""
        found = get_object_or_404(Stop, pk=stop_id)
        stop = brakes.release(found.pk, person=person_of(request), door="api", at=timezone.now())
        return Response(StopShape(stop).data)
