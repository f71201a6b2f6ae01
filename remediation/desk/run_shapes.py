"""What the API takes and answers about a run: where it stands, what can be done with it now, its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from rest_framework import serializers

from portal.access import grants
from portal.access.models import Person
from portal.kit.serializers import StrictSerializer
from portal.signoff.models import Plan
from remediation.desk.review_shapes import Shape
from remediation.desk.wave_shapes import StagesShape
from remediation.execution import controls, progress, records, skipping, standings, wave_board
from remediation.execution.controls import Answer, Control
from remediation.execution.models import Run, StepRun
from remediation.execution.progress import Progress
from remediation.execution.states import RunStatus, StepStatus
from remediation.execution.wave_board import WaveBoard
from remediation.review.plans import PlanStep

STATUSES = [status.value for status in RunStatus]
LONGEST_REASON = 2_000


class StepIn(StrictSerializer):
    """A step of the run, and why."""

    step = serializers.IntegerField(min_value=1, max_value=999_999_999)
    reason = serializers.CharField(max_length=LONGEST_REASON, allow_blank=True, default="")


class ReasonIn(StrictSerializer):
    """Why."""

    reason = serializers.CharField(max_length=LONGEST_REASON, allow_blank=True, default="")


class SkipSignatureIn(StrictSerializer):
    """The question that is signed, by its digest."""

    digest = serializers.CharField(max_length=64, help_text="`questions[].digest` of the run: what you read.")
    comment = serializers.CharField(max_length=LONGEST_REASON, allow_blank=True, default="")
    confirm_ticket_id = serializers.CharField(
        max_length=64,
        allow_blank=True,
        default="",
        help_text="The ticket's id once more, for a critical plan; the token is then at most five minutes old.",
    )


@dataclass(frozen=True)
class Standing:
    """A run as one person sees it."""

    run: Run
    viewer: Person
    at: datetime

    @cached_property
    def statuses(self) -> dict[int, str]:
        """The status of every step by number."""
        return dict(self.run.steps.order_by("number").values_list("number", "status"))

    @cached_property
    def progress(self) -> Progress:
        """How far it is."""
        run, status = self.run, RunStatus(self.run.status)
        ends = run.finished_at
        return progress.progress(self.statuses, status, started_at=run.started_at, finished_at=ends, at=self.at)

    @property
    def stages(self) -> WaveBoard | None:
        """Its waves, if it has any."""
        return wave_board.of(self.run, records.content_of(self.run), self.statuses)

    @property
    def controls(self) -> Sequence[Answer]:
        """What can be done with it now; empty for who may not run things there."""
        may_run = grants.of(self.viewer).may("run", self.run.remediation.category_id)
        return controls.answers(standings.of(self.run)) if may_run else ()

    @property
    def questions(self) -> Sequence[Plan]:
        """Steps that somebody asks to leave out."""
        return skipping.waiting(self.run)


class ControlShape(Shape):
    """One thing that can be done with a run, or cannot be done now."""

    control = serializers.ChoiceField([each.value for each in Control])
    does = serializers.CharField(help_text="What it will do, in this very state.")
    is_allowed = serializers.SerializerMethodField()
    refusal = serializers.CharField(source="refusal.text", allow_null=True, default=None)

    def get_is_allowed(self, answer: Answer) -> bool:
        """Whether the state of the run allows it."""
        return answer.refusal is None


class QuestionShape(Shape):
    """A step that somebody asks to leave out; somebody else signs that under this digest."""

    digest = serializers.CharField()
    step = serializers.IntegerField()
    title = serializers.CharField()
    target = serializers.CharField()
    asked_by = serializers.CharField()
    reason = serializers.CharField()
    content = serializers.CharField(help_text="The canonical text that is signed.")
    valid_until = serializers.DateTimeField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """The plan of the question, with what its text says."""
        vars(instance).update(skipping.asked(instance)._asdict())
        return super().to_representation(instance)


class RunShape(Shape):
    """The newest run of a ticket."""

    id = serializers.IntegerField(source="run.pk")
    ticket_id = serializers.CharField(source="run.remediation.ticket.key")
    mode = serializers.ChoiceField(Run.Mode.choices, source="run.mode")
    status = serializers.ChoiceField(STATUSES, source="run.status")
    outcome = serializers.CharField(source="run.outcome", help_text="The status in words, with how many were skipped.")
    status_reason = serializers.CharField(source="run.status_reason", allow_blank=True)
    plan = serializers.CharField(source="run.plan.digest", help_text="The digest of the plan that is run.")
    held_by = serializers.CharField(source="run.held_by.username", allow_null=True, default=None)
    asked = serializers.SerializerMethodField()
    asked_by = serializers.CharField(source="run.asked_by.username", allow_null=True, default=None)
    started_at = serializers.DateTimeField(source="run.started_at")
    finished_at = serializers.DateTimeField(source="run.finished_at", allow_null=True)
    steps = serializers.IntegerField(source="progress.total")
    steps_done = serializers.IntegerField(source="progress.done")
    steps_skipped = serializers.IntegerField(source="progress.skipped")
    steps_undone = serializers.IntegerField(source="progress.undone")
    current_step = serializers.SerializerMethodField()
    stages = StagesShape(allow_null=True)
    controls = ControlShape(many=True)
    questions = QuestionShape(many=True)

    def get_asked(self, standing: Standing) -> str | None:
        """What somebody asked of the workers that they have not come to yet: `pause`, `stop_after_step`, `stop_now`."""
        return standing.run.asked or None

    def get_current_step(self, standing: Standing) -> int | None:
        """The step where something happens or is to be decided."""
        return standing.progress.at or None


class StepShape(Shape):
    """One step of a run."""

    step = serializers.IntegerField(source="number")
    title = serializers.CharField()
    target = serializers.CharField()
    risk = serializers.CharField()
    status = serializers.ChoiceField([status.value for status in StepStatus])
    status_at = serializers.DateTimeField()
    detail = serializers.CharField(allow_blank=True)
    intended_at = serializers.DateTimeField(allow_null=True)
    acted_at = serializers.DateTimeField(allow_null=True)


class StepPage(Shape):
    """A page of the steps, in order; `next` and `previous` are cursors for `after`."""

    items = StepShape(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


def described(run: Run, steps: Sequence[StepRun]) -> list[dict[str, Any]]:
    """Steps of a run with what its plan says of them."""
    planned = records.content_of(run).steps
    return [vars(step) | _said(planned[step.number - 1]) for step in steps]


def _said(planned: PlanStep) -> dict[str, Any]:
    return {"title": planned.title, "target": planned.target, "risk": planned.risk}
