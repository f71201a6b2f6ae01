"""What each category allows, every decision with its reasons, every assessment, the actions counted against limits."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from portal.estate.models import Category
from remediation.drafting.models import Remediation, Revision
from remediation.policy.share import STEPS

PERCENT = [MinValueValidator(0), MaxValueValidator(100)]
LONGEST_WATCH = 24 * 60
"""Minutes between two waves."""
MOST_SIDE_BY_SIDE = 16
"""Targets; each takes a connection to the database, and a worker's patience with what it started."""
PREFLIGHT_HOLDS = 15
"""Minutes, where no policy says anything else."""
SHARES = [(step, f"{step} % of tickets" if step else "No ticket: off") for step in STEPS]


class CategoryPolicy(models.Model):
    """The limits of one category. Percentages are whole numbers; an empty field falls back to the site's setting."""

    category = models.OneToOneField(Category, on_delete=models.PROTECT, related_name="policy")
    is_enabled = models.BooleanField(default=True)
    min_confidence = models.PositiveSmallIntegerField(default=80, validators=PERCENT)
    min_reliability = models.PositiveSmallIntegerField(null=True, blank=True, validators=PERCENT)
    min_similar_tickets = models.PositiveSmallIntegerField(default=3)
    min_feedback_rate = models.PositiveSmallIntegerField(null=True, blank=True, validators=PERCENT)
    allowed_action_types = ArrayField(
        models.CharField(max_length=40), null=True, blank=True, help_text="Empty: every type."
    )
    allowed_systems = ArrayField(models.TextField(), null=True, blank=True, help_text="Empty: every system.")
    forbidden_commands = ArrayField(models.TextField(), default=list, blank=True)
    hours_start = models.TimeField(null=True, blank=True)
    hours_end = models.TimeField(null=True, blank=True)
    zone = models.TextField(default="UTC")
    days = ArrayField(
        models.PositiveSmallIntegerField(), default=list, blank=True, help_text="0 is Monday; empty: every day."
    )
    requires_approval = models.BooleanField(null=True, blank=True)
    auto_approve_threshold = models.PositiveSmallIntegerField(null=True, blank=True, validators=PERCENT)
    machine_share = models.PositiveSmallIntegerField(default=0, choices=SHARES)
    approvers = models.ManyToManyField("auth.Group", blank=True, related_name="+")
    max_actions_per_hour = models.PositiveSmallIntegerField(null=True, blank=True)
    max_failures_in_a_row = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Then workers wait for people. Empty: the site's.",
    )
    canary = models.CharField(max_length=4, blank=True, default="")
    wave_growth = models.PositiveSmallIntegerField(default=2, validators=[MinValueValidator(1), MaxValueValidator(10)])
    side_by_side = models.PositiveSmallIntegerField(
        default=1, db_default=1, validators=[MinValueValidator(1), MaxValueValidator(MOST_SIDE_BY_SIDE)]
    )
    watch_minutes = models.PositiveSmallIntegerField(default=5, validators=[MaxValueValidator(LONGEST_WATCH)])
    error_budget = models.CharField(max_length=4, default="0")
    requires_rollback_plan = models.BooleanField(default=True)
    requires_backup = models.BooleanField(default=False)
    evidence_max_age_minutes = models.PositiveIntegerField(default=1_440)
    plan_valid_minutes = models.PositiveIntegerField(default=240)
    preflight_valid_minutes = models.PositiveSmallIntegerField(
        default=PREFLIGHT_HOLDS, validators=[MinValueValidator(1), MaxValueValidator(LONGEST_WATCH)]
    )
    updated_at = models.DateTimeField()

    class Meta:
        """By category."""

        ordering: ClassVar = ["category"]
        verbose_name = "category policy"
        verbose_name_plural = "category policies"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(machine_share__in=STEPS), name="machine_share_is_a_step")
        ]

    def __str__(self) -> str:
        return f"policy of {self.category}"


class Moment(models.TextChoices):
    """When a decision or an assessment was made."""

    DRAFT = "draft", "When the draft was ready"
    SIGN_OFF = "signoff", "At a sign-off"
    CLAIM = "claim", "When a worker claimed the run"
    FEEDBACK = "feedback", "After feedback"
    OUTCOME = "outcome", "After the run"


class Assessment(models.Model):
    """Reliability at one moment, with its breakdown. Append-only. A part without data is 0 and named in `no_data`."""

    remediation = models.ForeignKey(Remediation, on_delete=models.PROTECT, related_name="assessments")
    moment = models.CharField(max_length=10, choices=Moment.choices)
    overall_permille = models.PositiveSmallIntegerField()
    level = models.CharField(max_length=10)
    ai_confidence_permille = models.PositiveSmallIntegerField()
    human_validation_permille = models.PositiveSmallIntegerField()
    success_history_permille = models.PositiveSmallIntegerField()
    pattern_recognition_permille = models.PositiveSmallIntegerField()
    no_data = ArrayField(models.TextField(), default=list)
    at = models.DateTimeField()

    class Meta:
        """In order."""

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["at"], name="policy_assessment_at")]

    def __str__(self) -> str:
        return f"{self.overall_permille / 10} ({self.level})"


class Decision(models.Model):
    """What decide() said, with every reason, and what autonomy would have done (shadow). Append-only."""

    remediation = models.ForeignKey(Remediation, on_delete=models.PROTECT, related_name="decisions")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="decisions")
    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="+", db_index=False)
    moment = models.CharField(max_length=10, choices=Moment.choices)
    allowed = models.BooleanField()
    requires_approval = models.BooleanField()
    action_type = models.CharField(max_length=40)
    risk = models.CharField(max_length=20)
    reasoning = models.JSONField()
    safety_checks = models.JSONField()
    hard_stops = models.JSONField()
    limits = models.JSONField()
    shadow = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        """In order."""

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["at"], name="policy_decision_at")]

    def __str__(self) -> str:
        return "allowed" if self.allowed else "not allowed"


class OutcomeDay(models.Model):
    """How the tickets of a category that finished on one day (UTC) ended. Kept by a trigger, see `outcomes`."""

    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    finished = models.PositiveIntegerField()
    resolved = models.PositiveIntegerField()

    class Meta:
        """By day."""

        ordering: ClassVar = ["category", "day"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["category", "day"], name="outcomes_are_counted_by_day"),
        ]

    def __str__(self) -> str:
        return f"{self.resolved} of {self.finished} on {self.day}"


class Reservation(models.Model):
    """One mutating step, counted at the claim against the hourly limits."""

    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+", db_index=False)
    run_id = models.BigIntegerField()
    step_number = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        """Counted over the last hour, per category and in all."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run_id", "step_number"], name="a_step_is_reserved_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["category", "at"], name="policy_reserved_category"),
            models.Index(fields=["at"], name="policy_reserved_all"),
        ]

    def __str__(self) -> str:
        return f"run {self.run_id} step {self.step_number}"


class FailureBrake(models.Model):
    """How many runs in a row failed on a target or for a pattern. Once engaged, workers start no other.

    It is released by people with a reason, or by a run that succeeds: while it is engaged that is one by hand. Target
    and pattern are values; `category` is the one of the last run, whose operators release it.
    """

    class Kind(models.TextChoices):
        """What failed again and again."""

        TARGET = "target", "Target"
        PATTERN = "pattern", "Pattern"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    subject = models.CharField(max_length=200, help_text="The target's identity, or the pattern's number.")
    name = models.TextField()
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+", db_index=False)
    failures = models.PositiveIntegerField(default=0)
    last_run_id = models.BigIntegerField()
    last_ticket_key = models.TextField()
    last_at = models.DateTimeField()
    engaged_at = models.DateTimeField(null=True)

    class Meta:
        """One per target and pattern; few are engaged."""

        ordering: ClassVar = ["-engaged_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "subject"], name="one_brake_per_subject"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["-engaged_at"], condition=models.Q(engaged_at__isnull=False), name="policy_brake_engaged"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def says(self) -> str:
        """Why workers wait, in a sentence."""
        return f"{self.failures} runs in a row failed for the {self}, the last one of {self.last_ticket_key}."
