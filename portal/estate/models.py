"""What the organisation runs: categories, services, targets, and which run holds a target now."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from portal.estate import signals

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

    class Meta:
        """By name."""

        ordering: ClassVar = ["slug"]

    def __str__(self) -> str:
        return self.name


class Signal(models.Model):
    """One number that says whether a service is well: watched between the waves of a change that rolls out.

    It is read as a Prometheus query, or as one field of what a connector answers to a read-only tool.
    """

    class Kind(models.TextChoices):
        """Who is asked."""

        PROMETHEUS = "prometheus", "Prometheus query"
        PROBE = "probe", "Verify probe"

    class About(models.TextChoices):
        """What the number is about."""

        ERROR_RATE = "error_rate", "Error rate"
        LATENCY = "latency", "Latency"
        QUEUE_DEPTH = "queue_depth", "Queue depth"
        BUSINESS = "business", "Business check"

    class Relation(models.TextChoices):
        """On which side of the threshold all is well."""

        AT_MOST = "at_most", "at most"
        AT_LEAST = "at_least", "at least"

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="signals", db_index=False)
    name = models.CharField(max_length=60)
    about = models.CharField(max_length=12, choices=About.choices)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    query = models.TextField(blank=True, help_text="PromQL that answers with one number.")
    connector = models.SlugField(
        max_length=40, blank=True, db_index=False, help_text="Of a verify probe: the connector that is asked."
    )
    tool = models.SlugField(
        max_length=60, blank=True, db_index=False, help_text="Of a verify probe: its read-only tool."
    )
    arguments = models.JSONField(
        default=dict, blank=True, help_text='Of a verify probe: what the tool is given, such as {"cluster": "eu-1"}.'
    )
    field = models.SlugField(
        max_length=60, blank=True, db_index=False, help_text="Of a verify probe: which number of the answer."
    )
    relation = models.CharField("is well at", max_length=10, choices=Relation.choices)
    threshold = models.DecimalField(max_digits=15, decimal_places=6)
    unit = models.CharField(max_length=20, blank=True, help_text="Such as ms, %, or messages.")

    class Meta:
        """A service's signals by name, each with what its kind is asked by."""

        ordering: ClassVar = ["service", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["service", "name"], name="signals_have_names"),
            models.CheckConstraint(
                condition=(Q(kind="prometheus") & ~Q(query="") & Q(connector="", tool="", field=""))
                | (Q(kind="probe", query="") & ~Q(connector="") & ~Q(tool="") & ~Q(field="")),
                name="a_signal_is_asked_one_way",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse what could never be asked, each field with the reason."""
        if problems := signals.problems(self):
            raise ValidationError(problems)


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
    """A run, a rehearsal or a proof that holds a target: at most one at a time, also while paused.

    All of them are values: their rooms are above.
    """

    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="locks")
    run_id = models.BigIntegerField(null=True)
    rehearsal_id = models.BigIntegerField(null=True)
    proof_id = models.BigIntegerField(null=True)
    ticket_key = models.TextField()
    taken_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        """One holder per target."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["target"], condition=Q(released_at=None), name="one_run_holds_a_target"),
            models.CheckConstraint(
                condition=Q(run_id__isnull=False, rehearsal_id=None, proof_id=None)
                | Q(run_id=None, rehearsal_id__isnull=False, proof_id=None)
                | Q(run_id=None, rehearsal_id=None, proof_id__isnull=False),
                name="a_lock_has_one_holder",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["run_id"], name="estate_lock_run"),
            models.Index(
                fields=["rehearsal_id"], condition=Q(rehearsal_id__isnull=False), name="estate_lock_rehearsal"
            ),
            models.Index(fields=["proof_id"], condition=Q(proof_id__isnull=False), name="estate_lock_proof"),
        ]

    def __str__(self) -> str:
        return f"{self.target_id} held by {self.held_by}"

    @property
    def holder(self) -> str:
        """What holds it, as people call it."""
        if self.run_id:
            return "run"
        return "rehearsal" if self.rehearsal_id else "proof"

    @property
    def held_by(self) -> str:
        """The holder's name among jobs that wait for it."""
        return f"{self.holder}:{self.run_id or self.rehearsal_id or self.proof_id}"

    @property
    def says(self) -> str:
        """Who holds it, in a sentence; `path` leads there."""
        return f"{self.target.identity} is held by the {self.holder} of {self.ticket_key}."

    @property
    def path(self) -> str:
        """The page of whoever holds it."""
        return f"/tickets/{self.ticket_key}/{'run' if self.run_id else 'review'}"
