"""The figures by API, for the categories the caller may see."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.access import grants
from portal.access.authentication import person_of
from portal.access.models import Scope
from portal.dashboard import serializers, stats
from portal.estate.models import Category
from portal.kit.serializers import valid


class Reliability(APIView):
    """How good answers were."""

    scopes = {"GET": Scope.STATS_READ}

    @extend_schema(parameters=[serializers.PeriodIn], responses=serializers.ReliabilityStats)
    def get(self, request: Request) -> Response:
        """Reliability, confidence, resolution and feedback of the last days. Without data a figure is null."""
        return Response(serializers.ReliabilityStats(_figures(request, stats.reliability)).data)


class AutoRemediation(APIView):
    """How much ran by itself."""

    scopes = {"GET": Scope.STATS_READ}

    @extend_schema(parameters=[serializers.PeriodIn], responses=serializers.AutonomyStats)
    def get(self, request: Request) -> Response:
        """Execution, success and approval of the last days; the patterns' standing. Without data a rate is null."""
        return Response(serializers.AutonomyStats(_figures(request, stats.auto_remediation)).data)


def _figures(request: Request, read: Callable[[Collection[Category], stats.Period], stats.Stats]) -> dict[str, object]:
    days: int = valid(serializers.PeriodIn, request.query_params)["days"]
    until = timezone.now()
    period = stats.Period(until - timedelta(days=days), until)
    found = read(grants.categories(person_of(request), "see"), period)
    by_category = [{"category": slug, **figures} for slug, figures in found.by_category.items()]
    return {**found.overall, "days": days, "since": period.since, "until": period.until, "by_category": by_category}
