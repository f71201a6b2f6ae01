"""What an engineer says about how a ticket went, one answer per person and ticket, and what was learned from it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from patterns.models import Pattern
from remediation.tickets.models import Ticket


class Feedback(models.Model):
    """One person's answer. The audit trail keeps what an edit replaced."""

    class Type(models.TextChoices):
        """The overall verdict; an inaccurate resolution is not positive whatever its type."""

        POSITIVE = "positive", "Positive"
        NEGATIVE = "negative", "Negative"
        NEUTRAL = "neutral", "Neutral"

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="feedback", db_index=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="feedback")
    feedback_type = models.CharField(max_length=10, choices=Type.choices)
    rating = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(5)])
    was_helpful = models.BooleanField(null=True, blank=True)
    resolution_accurate = models.BooleanField(null=True, blank=True)
    actions_worked = models.BooleanField(null=True, blank=True)
    comment = models.TextField(default="", blank=True)
    what_worked = models.TextField(default="", blank=True)
    what_didnt_work = models.TextField(default="", blank=True)
    suggestions = models.TextField(default="", blank=True)
    actual_resolution = models.TextField(default="", blank=True)
    actual_actions_taken = ArrayField(models.TextField(), default=list, blank=True)
    time_to_resolve = models.PositiveIntegerField(null=True, blank=True, help_text="Minutes.")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        """Newest first."""

        ordering: ClassVar = ["-id"]
        verbose_name_plural = "feedback"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ticket", "person"], name="one_answer_per_person_and_ticket"),
            models.CheckConstraint(condition=Q(rating__gte=1, rating__lte=5), name="one_to_five_stars"),
        ]
        indexes: ClassVar = [models.Index(fields=["updated_at"], name="feedback_by_time")]

    def __str__(self) -> str:
        return f"{self.rating} stars"


class Lesson(models.Model):
    """How a pattern stood right before and right after an answer was learned, as it was then. Append-only."""

    feedback = models.ForeignKey(Feedback, on_delete=models.PROTECT, related_name="lessons", db_index=False)
    answered_at = models.DateTimeField(help_text="Which answer: a changed one is learned anew.")
    pattern = models.ForeignKey(Pattern, on_delete=models.PROTECT, related_name="+", db_index=False)
    before = models.JSONField()
    after = models.JSONField()

    class Meta:
        """In order."""

        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["feedback", "answered_at"], name="an_answer_is_learned_once"),
        ]

    def __str__(self) -> str:
        return f"lesson of {self.feedback_id}"
