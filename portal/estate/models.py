"""What the organisation runs: categories, services, targets, and which run holds a target now."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

VERBS = {
    "see": "See tickets",
    "review": "Review and edit drafts",
    "sign_merge": "Sign the merge stage",
    "sign_rollout": "Sign the rollout stage",
    "sign_critical": "Sign critical plans",
    "run": "Run and roll back",
    "configure": "Configure the policy",
}
"""What a person can be allowed to do within a category; grants live in `portal.access`."""


class Category(models.Model):
    """A kind of incident; policies, grants and figures hang on it."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.TextField()
    position = models.PositiveSmallIntegerField(default=100)
    is_active = models.BooleanField(default=True)

    class Meta:
        """In the order the organisation chose."""

        ordering: ClassVar = ["position", "slug"]
        verbose_name_plural = "categories"
        permissions: ClassVar = [(f"{verb}_category", label) for verb, label in VERBS.items()]

    def __str__(self) -> str:
        return self.name


class Sensitivity(models.TextChoices):
    """What makes a service sensitive; its owner group has a say in its plans."""

    PAYMENTS = "payments", "Payments"
    AUTHENTICATION = "authentication", "Authentication"
    PERMISSIONS = "permissions", "Permissions"
    CUSTOMER_DATA = "customer_data", "Customer data"


class Service(models.Model):
    """Something people depend on, owned by a group."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.TextField()
    owner_group = models.ForeignKey(Group, on_delete=models.PROTECT, null=True, blank=True, related_name="services")
    sensitivity = ArrayField(models.CharField(max_length=20, choices=Sensitivity.choices), default=list, blank=True)
    signals = models.JSONField(default=list, blank=True, help_text="Signals to watch while a change rolls out.")

    class Meta:
        """By name."""

        ordering: ClassVar = ["slug"]

    def __str__(self) -> str:
        return self.name


class Environment(models.TextChoices):
    """Where a target or a ticket belongs."""

    PRODUCTION = "production", "Production"
    STAGING = "staging", "Staging"
    DEVELOPMENT = "development", "Development"


class Target(models.Model):
    """One thing an operation can touch, under the identity the operation declares."""

    identity = models.CharField(
        max_length=200,
        unique=True,
        validators=[
            RegexValidator(r"^[a-z]+:[^\s]+$", "An identity looks like kubernetes:cluster/namespace/kind/name.")
        ],
    )
    name = models.TextField()
    family = models.CharField(max_length=20)
    connector = models.SlugField(max_length=40, help_text="The connector that reaches this target.")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, null=True, blank=True, related_name="targets")
    environment = models.CharField(max_length=20, choices=Environment.choices)
    is_lab = models.BooleanField(default=False, help_text="Simulated: belongs to the lab.")

    class Meta:
        """By identity."""

        ordering: ClassVar = ["identity"]

    def __str__(self) -> str:
        return self.identity


class TargetLock(models.Model):
    """A run or a rehearsal that holds a target: at most one at a time, also while paused.

    Both are values: their rooms are above.
    """

    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="locks")
    run_id = models.BigIntegerField(null=True)
    rehearsal_id = models.BigIntegerField(null=True)
    ticket_key = models.TextField()
    taken_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        """One holder per target."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["target"], condition=Q(released_at=None), name="one_run_holds_a_target"),
            models.CheckConstraint(
                condition=Q(run_id=None, rehearsal_id__isnull=False) | Q(run_id__isnull=False, rehearsal_id=None),
                name="a_lock_has_one_holder",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["run_id"], name="estate_lock_run"),
            models.Index(
                fields=["rehearsal_id"], condition=Q(rehearsal_id__isnull=False), name="estate_lock_rehearsal"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.target_id} held by {'run' if self.run_id else 'rehearsal'} {self.run_id or self.rehearsal_id}"

    @property
    def says(self) -> str:
        """Who holds it, in a sentence; `path` leads there."""
        return f"{self.target.identity} is held by the {'run' if self.run_id else 'rehearsal'} of {self.ticket_key}."

    @property
    def path(self) -> str:
        """The page of whoever holds it."""
        return f"/tickets/{self.ticket_key}/{'run' if self.run_id else 'review'}"
