"""Kinds of incidents, the wordings they come in, and the append-only record of what happened each time."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from portal.estate.models import Category


class Pattern(models.Model):
    """A kind of incident within a category. The figures are a fold over its occurrences and can be rebuilt."""

    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="patterns", db_index=False)
    signature = models.CharField(max_length=64)
    title = models.TextField()
    key_terms = ArrayField(models.TextField())
    created_at = models.DateTimeField()

    occurrences = models.PositiveIntegerField(default=0)
    feedback_count = models.PositiveIntegerField(default=0)
    positive_permille = models.PositiveSmallIntegerField(null=True)
    average_rating_hundredths = models.PositiveSmallIntegerField(null=True)
    reliability_permille = models.PositiveSmallIntegerField(null=True)
    executed_count = models.PositiveIntegerField(default=0)
    succeeded_count = models.PositiveIntegerField(default=0)
    is_eligible = models.BooleanField(default=False)
    reasons = models.JSONField(default=list)
    standing_at = models.DateTimeField(null=True)

    class Meta:
        """A signature is unique within its category (the category is part of it)."""

        ordering: ClassVar = ["-occurrences", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["signature"], name="one_pattern_per_signature")]
        indexes: ClassVar = [models.Index(fields=["category", "-occurrences", "id"], name="patterns_by_category")]

    def __str__(self) -> str:
        return self.title


class Exemplar(models.Model):
    """One wording of a pattern, masked; similarity is searched here and never over all tickets."""

    pattern = models.ForeignKey(Pattern, on_delete=models.PROTECT, related_name="exemplars", db_index=False)
    text = models.TextField()
    added_at = models.DateTimeField()

    class Meta:
        """A wording is kept once. The trigram and full-text indexes are SQL, in the migrations."""

        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["pattern", "text"], name="one_exemplar_per_wording")]

    def __str__(self) -> str:
        return self.text[:80]


class Occurrence(models.Model):
    """Something that happened to a ticket of a pattern. Append-only; ticket and person are values."""

    class Kind(models.TextChoices):
        """Seen once per ticket; executed once per finished run; feedback once per answer or change of it."""

        SEEN = "seen", "Seen"
        EXECUTED = "executed", "Executed"
        FEEDBACK = "feedback", "Feedback"

    pattern = models.ForeignKey(Pattern, on_delete=models.PROTECT, related_name="events", db_index=False)
    source = models.CharField(max_length=80, unique=True, help_text="What was observed; a job run twice adds nothing.")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField()
    ticket_id = models.BigIntegerField()
    ticket_key = models.TextField()
    environment = models.CharField(max_length=20, default="")
    action = models.TextField(default="")
    succeeded = models.BooleanField(null=True)
    fingerprint = models.CharField(
        max_length=64,
        default="",
        help_text="Of what wrote the text that workers ran; empty: people edited it or ran it.",
    )
    person_id = models.BigIntegerField(null=True)
    feedback_type = models.CharField(max_length=10, default="")
    rating = models.PositiveSmallIntegerField(null=True)
    resolution_accurate = models.BooleanField(null=True)
    actions_worked = models.BooleanField(null=True)
    reliability_permille = models.PositiveSmallIntegerField(null=True)

    class Meta:
        """In the order things happened."""

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["pattern", "id"], name="patterns_occurrence_order"),
            models.Index(
                fields=["pattern", "action", "environment", "-id"],
                condition=models.Q(kind="executed"),
                name="patterns_executed",
            ),
            models.Index(
                fields=["pattern", "-id"], condition=models.Q(succeeded__isnull=False), name="patterns_newest_executed"
            ),
            models.Index(fields=["pattern", "-at"], condition=models.Q(kind="feedback"), name="patterns_feedback"),
            models.Index(fields=["-at", "-id"], condition=models.Q(kind="feedback"), name="patterns_newest_feedback"),
            models.Index(
                fields=["ticket_id", "-id"], condition=models.Q(kind="feedback"), name="patterns_feedback_of_ticket"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.ticket_key}"

    @property
    def run_id(self) -> int:
        """The run that an executed occurrence counts."""
        return int(self.source.partition(":")[2])

    @property
    def reliability(self) -> float | None:
        """The ticket's score after this feedback, 0 to 100."""
        return None if self.reliability_permille is None else self.reliability_permille / 10
