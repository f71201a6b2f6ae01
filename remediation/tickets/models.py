"""An incident ticket and the evidence that came with it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models

from patterns.models import Pattern
from portal.estate.models import Category, Environment, Service
from portal.kit.actors import Ref
from remediation.tickets import timelines
from remediation.tickets.states import TicketStatus

KEY = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"


class Severity(models.IntegerChoices):
    """1 is worst. The API speaks of sev1 to sev4."""

    SEV1 = 1, "sev1"
    SEV2 = 2, "sev2"
    SEV3 = 3, "sev3"
    SEV4 = 4, "sev4"


class Ticket(models.Model):
    """An incident as it was reported; `key` is the `ticket_id` people and other systems use."""

    key = models.CharField(max_length=64, unique=True, validators=[RegexValidator(KEY)])
    title = models.TextField()
    description = models.TextField()
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="tickets", db_index=False)
    service = models.ForeignKey(Service, on_delete=models.PROTECT, null=True, related_name="tickets")
    severity = models.PositiveSmallIntegerField(choices=Severity.choices, default=Severity.SEV3)
    environment = models.CharField(max_length=20, choices=Environment.choices, default=Environment.PRODUCTION)
    affected_systems = ArrayField(models.TextField(), default=list)
    enable_auto_remediation = models.BooleanField(default=False)
    pattern = models.ForeignKey(Pattern, on_delete=models.PROTECT, null=True, related_name="+")
    pattern_similarity = models.PositiveSmallIntegerField(
        null=True, help_text="0 to 100; 100: the same signature. Empty: the first of its kind."
    )
    status = models.CharField(max_length=24, default=TicketStatus.PROCESSING)
    resolution = models.TextField(default="")
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tickets", db_index=False
    )
    opened_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        """The list is read per permitted category, newest first. A generated tsvector column and its index are SQL."""

        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["category", "-id"], name="tickets_by_category"),
            models.Index(fields=["category", "status", "-id"], name="tickets_by_status"),
            models.Index(fields=["category", "severity", "-id"], name="tickets_by_severity"),
            models.Index(fields=["category", "finished_at", "status"], name="tickets_by_finish"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def ref(self) -> Ref:
        """The ticket as a value, for events and occurrences."""
        return Ref("tickets.ticket", self.pk, self.key)


class Timeline(models.Model):
    """What happened in an incident, as people keep it (canonical, `countersign.timeline/1`). Append-only.

    A corrected one is another one; the newest counts. Its entries are evidence, too.
    """

    class Source(models.TextChoices):
        """How it came to be written."""

        TYPED = "typed", "Typed in"
        PASTED = "pasted", "Pasted and corrected"
        RUN = "run", "Told by a run"
        API = "api", "Sent"

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="timelines")
    content = models.TextField()
    digest = models.CharField(max_length=64)
    source = models.CharField(max_length=10, choices=Source.choices)
    kept_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    kept_at = models.DateTimeField()

    class Meta:
        """Newest last."""

        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"timeline {self.pk}"

    @property
    def ref(self) -> Ref:
        """The timeline as a value."""
        return Ref("tickets.timeline", self.pk, f"timeline of {self.ticket.key}")

    @property
    def told(self) -> timelines.Timeline:
        """What it says."""
        return timelines.from_text(self.content)


class Evidence(models.Model):
    """One piece of what was observed. `ref` (E1, E2, …) is what drafts cite. Append-only."""

    class Kind(models.TextChoices):
        """What sort of observation it is."""

        ALERT = "alert", "Alert"
        LOG = "log", "Log"
        METRIC = "metric", "Metric"
        COMMAND = "command", "Command and output"
        DEPLOY = "deploy", "Deploy"
        CONFIG = "config", "Configuration"
        TIMELINE = "timeline", "Timeline entry"
        NOTE = "note", "Note"

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="evidence", db_index=False)
    number = models.PositiveIntegerField()
    timeline = models.ForeignKey(
        Timeline,
        on_delete=models.PROTECT,
        null=True,
        related_name="pieces",
        db_index=False,
        help_text="The timeline it is part of.",
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    text = models.TextField()
    command = models.TextField(default="")
    observed_at = models.DateTimeField()
    environment = models.CharField(max_length=20, default="")
    release = models.TextField(default="")
    contradicts = models.BooleanField(default=False, help_text="It speaks against the hypothesis of the draft.")
    refreshes = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="+", db_index=False, help_text="Observed again."
    )
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    added_at = models.DateTimeField()

    class Meta:
        """In the order it was given."""

        ordering: ClassVar = ["ticket", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ticket", "number"], name="evidence_numbers_are_unique")
        ]

    def __str__(self) -> str:
        return self.ref

    @property
    def ref(self) -> str:
        """What a draft cites."""
        return f"E{self.number}"


class IdempotencyKey(models.Model):
    """A request that was already answered: the same key and the same request give the same ticket."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=200)
    request_digest = models.CharField(max_length=64)
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        """Keys are per person."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["person", "key"], name="one_request_per_key")]

    def __str__(self) -> str:
        return self.key
