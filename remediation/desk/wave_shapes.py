"""What the API says of a run in waves: where each wave stands, what is watched, and the newest reading of it."""

from __future__ import annotations

from rest_framework import serializers

from remediation.desk.review_shapes import Shape
from remediation.execution.wave_board import STANDINGS


class WaveShape(Shape):
    """One wave; `watched` means that its steps are done and signals are watched."""

    wave = serializers.IntegerField(source="wave.number")
    status = serializers.ChoiceField(STANDINGS)
    targets = serializers.ListField(child=serializers.CharField(), source="wave.targets")
    steps = serializers.ListField(child=serializers.IntegerField(), source="wave.steps")


class SignalShape(Shape):
    """A watched signal and its newest reading; `holds` is null before the first, `value` where nobody could read it."""

    signal = serializers.CharField(source="signal.title")
    is_well = serializers.CharField(source="signal.wants", help_text="What all is well with, such as `at most 0.5 s`.")
    value = serializers.FloatField(source="newest.value", allow_null=True, default=None)
    holds = serializers.BooleanField(source="newest.holds", allow_null=True, default=None)
    says = serializers.CharField(source="newest.says", allow_null=True, default=None)
    read_at = serializers.DateTimeField(source="newest.at", allow_null=True, default=None)


class StagesShape(Shape):
    """How a run reaches its targets. Between two waves signals hold until `watch_until`."""

    waves = WaveShape(many=True, source="rows")
    watch_until = serializers.DateTimeField(allow_null=True)
    side_by_side = serializers.IntegerField(source="stages.side_by_side", help_text="Targets worked on together.")
    error_budget = serializers.IntegerField(source="stages.error_budget", help_text="Targets that may fail.")
    signals = SignalShape(many=True)
