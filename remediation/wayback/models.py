"""Every way back that was taken, and rehearsals: a plan's steps done and undone in the lab before people sign."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.estate.models import Category
from portal.kit.actors import Ref
from portal.signoff.models import Plan
from remediation.wayback.states import OPEN, RehearsalStatus, StepStatus


class Taken(models.Model):
    """One way back that was taken, in earnest or in a rehearsal, and whether it was seen to work. Append-only.

    `operation` is the catalogue's name. The run or rehearsal, ticket and target are values, not foreign keys.
    """

    operation = models.CharField(max_length=80)
    playbook = models.CharField(
        max_length=64, default="", db_default="", help_text="Of a role its digest: each has a way back of its own."
    )
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+", db_index=False)
    source = models.CharField(max_length=80, unique=True, help_text="The step: a job that is run twice adds nothing.")
    is_rehearsal = models.BooleanField()
    has_worked = models.BooleanField()
    target = models.TextField()
    environment = models.CharField(max_length=20, default="", help_text="Empty: the estate does not know the target.")
    is_lab = models.BooleanField()
    stands_in_for = models.TextField(default="", help_text="The target of the plan that a rehearsal stood in for.")
    ticket_id = models.BigIntegerField()
    ticket_key = models.TextField()
    says = models.TextField(default="", help_text="What was seen, where it did not work.")
    by = models.TextField(help_text="The person, or the cluster that ran it.")
    at = models.DateTimeField()

    class Meta:
        """In the order they were taken."""

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["operation", "-id"], name="wayback_of_operation"),
            models.Index(fields=["playbook", "-id"], name="wayback_of_playbook"),
        ]

    def __str__(self) -> str:
        return f"way back of {self.operation} on {self.ticket_key}"


class Rehearsal(models.Model):
    """The steps of one open rollout plan, done and undone in the lab.

    `fence` grows with every job that takes it over; a writer with an older one is refused.
    """

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="rehearsals")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+", db_index=False)
    ticket_id = models.BigIntegerField()
    ticket_key = models.TextField()
    status = models.CharField(max_length=16, default=RehearsalStatus.ASKED)
    status_at = models.DateTimeField()
    says = models.TextField(default="")
    fence = models.BigIntegerField(default=0)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()

    class Meta:
        """Newest first; of one plan one at a time."""

        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["plan"], condition=Q(status__in=sorted(OPEN)), name="a_plan_is_rehearsed_once_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"rehearsal {self.pk}"

    @property
    def ref(self) -> Ref:
        """The rehearsal as a value."""
        return Ref("wayback.rehearsal", self.pk, f"rehearsal {self.pk} of {self.ticket_key}")

    @property
    def is_open(self) -> bool:
        """Whether it still has something to do."""
        return self.status in OPEN


class RehearsalStep(models.Model):
    """One step: `content` is the canonical text of what is done and undone, on a target of the lab."""

    rehearsal = models.ForeignKey(Rehearsal, on_delete=models.PROTECT, related_name="steps", db_index=False)
    number = models.PositiveIntegerField()
    title = models.TextField()
    operation = models.CharField(max_length=80)
    target = models.TextField(default="")
    stands_in_for = models.TextField(default="")
    content = models.TextField(default="")
    status = models.CharField(max_length=16, default=StepStatus.PENDING)
    status_at = models.DateTimeField()
    detail = models.TextField(default="")
    is_proof = models.BooleanField(default=False, help_text="The action was seen to work before it was taken back.")
    key = models.CharField(max_length=80, unique=True)

    class Meta:
        """In the plan's order."""

        ordering: ClassVar = ["rehearsal", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["rehearsal", "number"], name="rehearsed_in_order")]

    def __str__(self) -> str:
        return f"step {self.number} of rehearsal {self.rehearsal_id}"


class RehearsalOutput(models.Model):
    """What a look, an action or a way back said. Append-only."""

    class Phase(models.TextChoices):
        """Which part of the step spoke."""

        PREFLIGHT = "preflight", "Pre-flight"
        ACTION = "action", "Action"
        VERIFY = "verify", "Verify"
        ROLLBACK = "rollback", "Rollback"
        ROLLBACK_VERIFY = "rollback_verify", "Verify of the rollback"

    step = models.ForeignKey(RehearsalStep, on_delete=models.PROTECT, related_name="outputs")
    phase = models.CharField(max_length=16, choices=Phase.choices)
    is_good = models.BooleanField(null=True)
    says = models.TextField()
    text = models.TextField(default="")
    at = models.DateTimeField()

    class Meta:
        """In the order things were said."""

        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.phase} of {self.step_id}"
