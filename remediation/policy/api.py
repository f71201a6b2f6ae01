"""The brakes API: what failed again and again, and its release; it translates and decides nothing."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access.authentication import person_of
from portal.access.models import Scope
from portal.kit.serializers import StrictSerializer, Trimmed, valid
from remediation.policy import braking


class BrakeShape(serializers.Serializer[Any]):
    """A brake that keeps workers from a target or a pattern."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(["target", "pattern"])
    subject = serializers.CharField(help_text="The target's identity, or the pattern's number.")
    name = serializers.CharField()
    category = serializers.CharField(source="category.slug")
    failures = serializers.IntegerField(help_text="Failed runs in a row.")
    last_ticket = serializers.CharField(source="last_ticket_key")
    last_at = serializers.DateTimeField()
    engaged_at = serializers.DateTimeField(allow_null=True, help_text="null: released.")


class BrakeReleaseIn(StrictSerializer):
    """Why workers may try again."""

    reason = Trimmed(max_length=2_000)


class BrakeList(APIView):
    """Brakes on failures in a row."""

    scopes = {"GET": Scope.STATS_READ}

    @extend_schema(operation_id="brakes_list", responses=BrakeShape(many=True))
    def get(self, request: Request) -> Response:
        """Every engaged brake of the categories you may see."""
        return Response(BrakeShape(braking.live(person_of(request)), many=True).data)


class BrakeRelease(APIView):
    """The release of a brake."""

    scopes = {"POST": Scope.RUNS_WRITE}
    refusals = {"POST": (404, 409, 422)}

    @extend_schema(request=BrakeReleaseIn, responses=BrakeShape)
    def post(self, request: Request, brake_id: int) -> Response:
        """Let workers try again, with the reason why it will go better now."""
        body, person = valid(BrakeReleaseIn, request.data), person_of(request)
        if not braking.may_see(person, brake_id):
            raise NotFound
        released = braking.release(brake_id, reason=body["reason"], person=person, door="api", at=timezone.now())
        return Response(BrakeShape(released).data)
