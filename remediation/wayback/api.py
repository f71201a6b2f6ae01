"""The operations API: the catalogue with what is known of each way back."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access.models import Scope
from remediation.wayback import presenting


class OperationShape(serializers.Serializer[Any]):
    """One operation, and how well its way back is known."""

    name = serializers.CharField(source="operation.name")
    title = serializers.CharField(source="operation.title")
    family = serializers.CharField(source="operation.family")
    risk = serializers.CharField(source="operation.declared_risk")
    is_proven = serializers.BooleanField(
        source="record.is_proven", help_text="The way back was seen to work, and worked the last time."
    )
    taken = serializers.IntegerField(
        source="record.taken", help_text="How often it was taken, of the last 200, rehearsals included."
    )
    worked = serializers.IntegerField(source="record.worked")
    rehearsed = serializers.IntegerField(source="record.rehearsed", help_text="How many of these were rehearsals.")
    percent = serializers.FloatField(source="record.percent", allow_null=True)
    lower_bound = serializers.FloatField(
        source="record.bound", allow_null=True, help_text="Wilson 95% lower bound of the rate, in percent."
    )
    last_at = serializers.DateTimeField(source="record.last.at", allow_null=True, default=None)
    says = serializers.CharField(source="record.says")


class OperationList(APIView):
    """Operations."""

    scopes = {"GET": Scope.STATS_READ}

    @extend_schema(operation_id="operations_list", responses=OperationShape(many=True))
    def get(self, request: Request) -> Response:
        """Every operation of the catalogue; compare how often their ways back were taken, and worked."""
        return Response(OperationShape(presenting.rows(), many=True).data)
