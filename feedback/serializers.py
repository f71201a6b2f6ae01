"""What the feedback API accepts and answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from rest_framework import serializers

from feedback.models import Feedback
from feedback.services import Answer
from portal.kit.serializers import StrictSerializer

PROSE = 10_000
LINE = 1_000
MOST_LINES = 50
A_YEAR_IN_MINUTES = 525_600


class FeedbackIn(StrictSerializer):
    """One person's answer about one ticket. null means: not said."""

    ticket_id = serializers.CharField(max_length=64)
    feedback_type = serializers.ChoiceField(Feedback.Type.choices)
    rating = serializers.IntegerField(min_value=1, max_value=5, help_text="Stars.")
    was_helpful = serializers.BooleanField(allow_null=True, default=None)
    resolution_accurate = serializers.BooleanField(allow_null=True, default=None)
    actions_worked = serializers.BooleanField(allow_null=True, default=None)
    comment = serializers.CharField(max_length=PROSE, allow_blank=True, default="")
    what_worked = serializers.CharField(max_length=PROSE, allow_blank=True, default="")
    what_didnt_work = serializers.CharField(max_length=PROSE, allow_blank=True, default="")
    suggestions = serializers.CharField(max_length=PROSE, allow_blank=True, default="")
    actual_resolution = serializers.CharField(max_length=PROSE, allow_blank=True, default="")
    actual_actions_taken = serializers.ListField(
        child=serializers.CharField(max_length=LINE), max_length=MOST_LINES, default=list
    )
    time_to_resolve = serializers.IntegerField(
        min_value=0, max_value=A_YEAR_IN_MINUTES, allow_null=True, default=None, help_text="Minutes."
    )


class FeedbackShape(serializers.Serializer[Any]):
    """The answer as it is kept."""

    ticket_id = serializers.CharField(source="ticket.key")
    person = serializers.CharField(source="person.username")
    feedback_type = serializers.ChoiceField(Feedback.Type.choices)
    rating = serializers.IntegerField()
    was_helpful = serializers.BooleanField(allow_null=True)
    resolution_accurate = serializers.BooleanField(allow_null=True)
    actions_worked = serializers.BooleanField(allow_null=True)
    comment = serializers.CharField()
    what_worked = serializers.CharField()
    what_didnt_work = serializers.CharField()
    suggestions = serializers.CharField()
    actual_resolution = serializers.CharField()
    actual_actions_taken = serializers.ListField(child=serializers.CharField())
    time_to_resolve = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


def answer(body: Mapping[str, Any]) -> Answer:
    """The service's input for a validated FeedbackIn."""
    return Answer(**{field.name: body[field.name] for field in fields(Answer)})
