"""The patterns a person may see, by API: what they are, how often they came, and how far they have earned trust."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from patterns import listing
from patterns.models import Pattern
from portal.access.authentication import person_of
from portal.access.models import Scope
from portal.kit.serializers import StrictSerializer, valid


class PatternListIn(StrictSerializer):
    """What the list of patterns is narrowed to."""

    category = serializers.CharField(max_length=40, default="")
    min_occurrences = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    after = serializers.CharField(max_length=1_000, default=None, help_text="A cursor: `next` or `previous` of a page.")
    size = serializers.IntegerField(min_value=1, max_value=200, default=50)


class PatternShape(serializers.Serializer[Any]):
    """A kind of incident. A rate without observations is null."""

    id = serializers.IntegerField()
    title = serializers.CharField()
    category = serializers.CharField(source="category.slug")
    key_terms = serializers.ListField(child=serializers.CharField())
    occurrences = serializers.IntegerField(help_text="Tickets of this kind.")
    feedback_count = serializers.IntegerField()
    positive_rate = serializers.SerializerMethodField()
    average_rating = serializers.SerializerMethodField()
    reliability = serializers.SerializerMethodField()
    executed_count = serializers.IntegerField()
    success_rate = serializers.SerializerMethodField()
    is_eligible = serializers.BooleanField()
    reasons = serializers.ListField(child=serializers.CharField(), help_text="What an ineligible pattern still lacks.")
    standing_at = serializers.DateTimeField(allow_null=True)

    def get_positive_rate(self, pattern: Pattern) -> float | None:
        """0 to 1."""
        return _scaled(pattern.positive_permille, 1_000)

    def get_average_rating(self, pattern: Pattern) -> float | None:
        """1 to 5 stars."""
        return _scaled(pattern.average_rating_hundredths, 100)

    def get_reliability(self, pattern: Pattern) -> float | None:
        """0 to 100: the mean after feedback."""
        return _scaled(pattern.reliability_permille, 10)

    def get_success_rate(self, pattern: Pattern) -> float | None:
        """0 to 1, of executed remediations."""
        return pattern.succeeded_count / pattern.executed_count if pattern.executed_count else None


class PatternPage(serializers.Serializer[Any]):
    """A page of patterns, most frequent first; `next` and `previous` are cursors for `after`."""

    items = PatternShape(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class PatternList(APIView):
    """Patterns."""

    scopes = {"GET": Scope.STATS_READ}
    refusals = {"GET": (422,)}

    @extend_schema(operation_id="patterns_list", parameters=[PatternListIn], responses=PatternPage)
    def get(self, request: Request) -> Response:
        """The patterns of the categories you may see."""
        query = valid(PatternListIn, request.query_params)
        page = listing.patterns(
            person_of(request),
            category=query["category"],
            min_occurrences=query["min_occurrences"],
            after=query["after"] or None,
            size=query["size"],
        )
        return Response(PatternPage(page).data)


def _scaled(value: int | None, by: int) -> float | None:
    return None if value is None else value / by
