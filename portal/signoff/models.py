"""Immutable plans and the votes on them, freezes and the emergency stop.

A plan is canonical text with a digest (law 3). A vote names the digest and carries the plan's list of excluded people,
tied to the plan by a composite foreign key, so that a check on the vote row alone can refuse a maker's vote (law 4).
Both constraints are SQL, in the migrations, and so are the triggers: a plan never changes, and its votes sign it.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from portal.estate.models import Category
from portal.signoff.states import PlanStatus, Stage


class Plan(models.Model):
    """What is to be signed. Only `status`, `status_at` and `void_reason` ever change.

    `subject_kind` and `subject_id` name what the plan is about by value. `makers` authored it; `excluded` are those
    whose vote the database refuses: the makers and, on a rollout plan, the merge signers unless SMALL_TEAM is on.
    """

    stage = models.CharField(max_length=10, choices=[(s.value, s.value) for s in Stage])
    subject_kind = models.TextField()
    subject_id = models.BigIntegerField()
    ticket_key = models.TextField()
    ticket_id = models.BigIntegerField()
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+")
    risk = models.CharField(max_length=20)
    content = models.TextField()
    digest = models.CharField(max_length=64)
    makers = ArrayField(models.BigIntegerField())
    excluded = ArrayField(models.BigIntegerField())
    merge_plan = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="rollout_plans")
    needed = models.PositiveSmallIntegerField(default=1)
    valid_until = models.DateTimeField()
    created_at = models.DateTimeField()
    status = models.CharField(max_length=10, default=PlanStatus.OPEN)
    status_at = models.DateTimeField()
    void_reason = models.TextField(default="")

    class Meta:
        """One live plan per subject and stage."""

        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subject_kind", "subject_id", "stage"],
                condition=Q(status__in=[PlanStatus.OPEN, PlanStatus.SIGNED]),
                name="one_live_plan_per_stage",
            ),
            models.CheckConstraint(condition=Q(excluded__contains=models.F("makers")), name="makers_are_excluded"),
            models.CheckConstraint(condition=Q(needed__gte=1), name="at_least_one_vote_needed"),
        ]

    def __str__(self) -> str:
        return f"{self.stage} plan {self.digest[:12]} of {self.ticket_key}"


class Vote(models.Model):
    """One person's signature under one digest. Append-only; `excluded` and `digest` repeat the plan's."""

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="votes", db_index=False)
    digest = models.CharField(max_length=64)
    excluded = ArrayField(models.BigIntegerField())
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="votes", db_index=False)
    comment = models.TextField(default="")
    door = models.CharField(max_length=10)
    at = models.DateTimeField()

    class Meta:
        """One vote per person and plan. That the person is not excluded is a check in SQL."""

        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["plan", "person"], name="one_vote_per_person")]

    def __str__(self) -> str:
        return f"{self.person_id} signed {self.digest[:12]}"


class Freeze(models.Model):
    """A period in which nothing is rolled out; without a category it covers everything. Rollbacks ignore it (law 8)."""

    category = models.ForeignKey(Category, on_delete=models.PROTECT, null=True, blank=True, related_name="freezes")
    reason = models.TextField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        """Soonest first."""

        ordering: ClassVar = ["starts_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")),
                name="freeze_ends_after_it_starts",
                violation_error_message="A freeze ends after it starts.",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["ends_at"], name="signoff_freeze_ends")]

    def __str__(self) -> str:
        return self.reason


class Stop(models.Model):
    """An emergency stop, read before every write (law 9). Scopes: `all`, `category:<slug>`, `connector:<slug>`.

    Who engaged it does not release it: that makes two people.
    """

    scope = models.CharField(max_length=80)
    reason = models.TextField()
    engaged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    engaged_at = models.DateTimeField()
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    released_at = models.DateTimeField(null=True)

    class Meta:
        """One live stop per scope; the partial index is the one read of law 9."""

        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope"], condition=Q(released_at=None), name="one_live_stop_per_scope"),
            models.CheckConstraint(
                condition=Q(released_by=None) | ~Q(released_by=models.F("engaged_by")), name="stop_released_by_another"
            ),
        ]

    def __str__(self) -> str:
        return f"stop {self.scope}"

    @property
    def covers(self) -> str:
        """The scope in words: everything, category cache, connector lab-hosts."""
        return "everything" if self.scope == "all" else self.scope.replace(":", " ", 1)
