"""A run of a signed plan, its steps, and what came out of them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.kit.actors import Ref
from portal.signoff.models import Plan
from remediation.drafting.models import Remediation
from remediation.execution.states import MOVING, RunStatus, StepStatus


class Run(models.Model):
    """One execution of one plan. What to do stands in the plan's text; a run only says how far it came.

    `fence` grows with every job that takes the run over; a writer with an older fence is refused. In guided manual mode
    `held_by` is the person at the keyboard. `asked` is what a person wants of the workers that drive it: they read it
    before every write and between all moves. Of a plan in waves `wave` is the last one that is open, `watch_until` the
    time until which signals have to hold before the next one. A run that turned back `undoes` a wave, or everything: 0.
    One that succeeded says how many steps were `left_out`.
    """

    class Mode(models.TextChoices):
        """Who owns the keystroke."""

        WORKERS = "workers", "Workers"
        MANUAL = "manual", "Guided manual mode"

    remediation = models.ForeignKey(Remediation, on_delete=models.PROTECT, related_name="runs")
    plan = models.OneToOneField(Plan, on_delete=models.PROTECT, related_name="run")
    mode = models.CharField(max_length=10, choices=Mode.choices)
    status = models.CharField(max_length=16, default=RunStatus.RUNNING)
    status_at = models.DateTimeField()
    status_reason = models.TextField(default="")
    fence = models.BigIntegerField(default=0)
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    asked = models.CharField(max_length=16, default="")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    asked_at = models.DateTimeField(null=True)
    wave = models.PositiveSmallIntegerField(default=1)
    watch_until = models.DateTimeField(null=True)
    undoes = models.PositiveSmallIntegerField(null=True)
    left_out = models.PositiveIntegerField(default=0, db_default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        """Newest first. Every minute those that no worker drives are looked for, however many have ended."""

        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(status__in=sorted(MOVING)), name="execution_run_moving"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"

    @property
    def ref(self) -> Ref:
        """The run as a value."""
        return Ref("execution.run", self.pk, f"run {self.pk} of {self.plan.ticket_key}")

    @property
    def outcome(self) -> str:
        """Where it stands, in words; of one that succeeded also what was left out."""
        words = self.status.replace("_", " ")
        return f"{words}, {self.left_out} step{'s'[: self.left_out != 1]} skipped" if self.left_out else words


class StepRun(models.Model):
    """One step of a run. `idempotency_key` goes with the write, so that the server can recognise a repetition."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="steps", db_index=False)
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=16, default=StepStatus.PENDING)
    status_at = models.DateTimeField()
    detail = models.TextField(default="")
    idempotency_key = models.CharField(max_length=80, unique=True)
    intended_at = models.DateTimeField(null=True)
    acted_at = models.DateTimeField(null=True)

    class Meta:
        """In the plan's order."""

        ordering: ClassVar = ["run", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "number"], name="steps_are_numbered")]

    def __str__(self) -> str:
        return f"step {self.number} of run {self.run_id}"

    @property
    def keys(self) -> tuple[str, str]:
        """The keys of its write and of its way back."""
        return self.idempotency_key, f"{self.idempotency_key}-back"

    @property
    def ref(self) -> Ref:
        """The step as a value."""
        return Ref("execution.steprun", self.pk, str(self))


class StepOutput(models.Model):
    """What a look, an action or a way back said. Append-only, partitioned by id range; never in StepRun itself."""

    class Phase(models.TextChoices):
        """Which part of the step spoke."""

        GUARD = "guard", "Condition"
        PREFLIGHT = "preflight", "Pre-flight"
        ACTION = "action", "Action"
        PROBE = "probe", "Probe after an interruption"
        VERIFY = "verify", "Verify"
        ROLLBACK = "rollback", "Rollback"
        ROLLBACK_VERIFY = "rollback_verify", "Verify of the rollback"

    id = models.BigAutoField(primary_key=True)
    step_id = models.BigIntegerField()
    run_id = models.BigIntegerField()
    phase = models.CharField(max_length=16, choices=Phase.choices)
    is_good = models.BooleanField(null=True)
    says = models.TextField()
    text = models.TextField(default="")
    by = models.TextField(help_text="The person, or the cluster that ran it.")
    at = models.DateTimeField()

    class Meta:
        """In the order things were said."""

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["run_id", "id"], name="execution_output_run")]

    def __str__(self) -> str:
        return f"{self.phase} of step {self.step_id}"


class Reading(models.Model):
    """What one watched signal showed after a wave; without a value nobody could read it. Append-only: evidence."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="readings", db_index=False)
    wave = models.PositiveSmallIntegerField()
    signal = models.TextField()
    value = models.FloatField(null=True)
    holds = models.BooleanField()
    says = models.TextField()
    at = models.DateTimeField()

    class Meta:
        """In the order they were read."""

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["run", "id"], name="execution_reading_run")]

    def __str__(self) -> str:
        return f"{self.signal} after wave {self.wave} of run {self.run_id}"
