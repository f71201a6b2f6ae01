"""What the figures' API accepts and answers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from portal.kit.serializers import StrictSerializer

Shape = serializers.Serializer[Any]


class PeriodIn(StrictSerializer):
    """The period that ends now."""

    days = serializers.IntegerField(min_value=1, max_value=366, default=30)


def _rate(text: str) -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, help_text=text)


class ReliabilityFigures(Shape):
    """How good answers were."""

    average_reliability = _rate("0 to 100, of remediations assessed in the period, each as assessed last.")
    average_confidence = _rate("0 to 1, of the same.")
    tickets_finished = serializers.IntegerField()
    resolution_rate = _rate("Resolved of finished tickets, 0 to 1.")
    feedback_count = serializers.IntegerField()
    positive_rate = _rate("0 to 1; an inaccurate resolution or actions that did not work are not positive.")
    negative_rate = _rate("0 to 1.")
    average_rating = _rate("1 to 5 stars.")
    resolution_accuracy = _rate("Accurate of all that say, 0 to 1.")


class ReliabilityOfCategory(ReliabilityFigures):
    """The figures of one category."""

    category = serializers.CharField()


class ReliabilityStats(ReliabilityFigures):
    """The figures of the categories you may see, together and each."""

    days = serializers.IntegerField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    by_category = ReliabilityOfCategory(many=True)


class AutonomyFigures(Shape):
    """How much ran by itself, and how that went."""

    remediations_decided = serializers.IntegerField()
    execution_rate = _rate("Of these, run by workers, 0 to 1.")
    approval_rate = _rate("Of these, signed for rollout, of all signed or rejected, 0 to 1.")
    runs_ended = serializers.IntegerField()
    success_rate = _rate("Of these, succeeded, 0 to 1.")
    patterns = serializers.IntegerField(help_text="Now.")
    eligible_patterns = serializers.IntegerField(help_text="Now.")
    pattern_success_rate = _rate("Of all executions of these patterns so far, 0 to 1.")


class AutonomyOfCategory(AutonomyFigures):
    """The figures of one category."""

    category = serializers.CharField()


class AutonomyStats(AutonomyFigures):
    """The figures of the categories you may see, together and each."""

    days = serializers.IntegerField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    by_category = AutonomyOfCategory(many=True)
