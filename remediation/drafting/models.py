"""A remediation of a ticket, its revisions, and every attempt of a drafter with all it was shown and said."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.estate.models import Category
from portal.kit.actors import Ref
from remediation.drafting.states import OVER, WAITING, Status
from remediation.tickets.models import Severity, Ticket


class Drafter(models.TextChoices):
    """Who wrote a draft; every page says so."""

    CLAUDE = "claude", "Claude"
    RUNBOOK = "runbook", "Runbook drafter"
    PERSON = "person", "A person"


class Remediation(models.Model):
    """The work on one ticket. What the queue shows is repeated here, so that its query needs no join."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="remediations", db_index=False)
    number = models.PositiveSmallIntegerField(default=1)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+", db_index=False)
    severity = models.PositiveSmallIntegerField(choices=Severity.choices)
    status = models.CharField(max_length=24, default=Status.DRAFTING)
    status_at = models.DateTimeField()
    status_reason = models.TextField(default="")
    drafter = models.CharField(max_length=10, choices=Drafter.choices, default="", blank=True)
    risk = models.CharField(max_length=20, default="")
    confidence_percent = models.PositiveSmallIntegerField(null=True)
    reliability_permille = models.PositiveSmallIntegerField(null=True)
    has_written = models.BooleanField(default=False)
    is_role_wanted = models.BooleanField(
        default=False, db_default=False, help_text="A person asked for an Ansible role."
    )
    created_at = models.DateTimeField()

    class Meta:
        """The queue is read per permitted category, worst and oldest first, over what waits for people only."""

        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ticket", "number"], name="remediations_are_numbered"),
            models.UniqueConstraint(
                fields=["ticket"],
                condition=~Q(status__in=sorted(OVER)),
                name="one_live_remediation_per_ticket",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["category", "severity", "status_at", "id"],
                condition=Q(status__in=sorted(WAITING)),
                name="drafting_queue",
            ),
            models.Index(fields=["category", "status", "status_at"], name="drafting_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id}/{self.number}"

    @property
    def ref(self) -> Ref:
        """The remediation as a value."""
        return Ref("drafting.remediation", self.pk, f"{self.ticket.key} remediation {self.number}")


class Revision(models.Model):
    """One text of the draft (canonical, `countersign.draft/1`). Append-only; an edit is a revision on top of `base`."""

    remediation = models.ForeignKey(Remediation, on_delete=models.PROTECT, related_name="revisions", db_index=False)
    number = models.PositiveIntegerField()
    drafter = models.CharField(max_length=10, choices=Drafter.choices)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="revisions", db_index=False
    )
    base = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    content = models.TextField()
    digest = models.CharField(max_length=64)
    origin = models.TextField(default="", help_text="What wrote it (canonical); empty for the text of a person.")
    created_at = models.DateTimeField()

    class Meta:
        """In order; two edits of one base cannot both be the next number."""

        ordering: ClassVar = ["remediation", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["remediation", "number"], name="revisions_are_numbered"),
            models.CheckConstraint(
                condition=Q(drafter=Drafter.PERSON, author__isnull=False)
                | (~Q(drafter=Drafter.PERSON) & Q(author__isnull=True)),
                name="a_person_or_a_drafter_wrote_it",
            ),
            models.CheckConstraint(condition=~Q(drafter=Drafter.PERSON) | Q(origin=""), name="people_have_no_origin"),
        ]

    def __str__(self) -> str:
        return f"revision {self.number}"


class Attempt(models.Model):
    """One exchange with a drafter: everything it was shown and everything it said, with cost. Append-only."""

    class Outcome(models.TextChoices):
        """How the exchange ended."""

        DRAFTED = "drafted", "Drafted"
        NEEDS_PERSON = "needs_person", "Asked for a person"
        REFUSED = "refused", "Refused"
        TRUNCATED = "truncated", "Truncated"
        OVERLOADED = "overloaded", "Overloaded"
        INVALID = "invalid", "Answer did not fit"
        OVER_BUDGET = "over_budget", "Budget used up"
        UNREACHABLE = "unreachable", "Not reachable"
        NOT_CONFIGURED = "not_configured", "Not configured"
        REDACTION_FAILED = "redaction_failed", "Redaction failed"

    remediation = models.ForeignKey(Remediation, on_delete=models.PROTECT, related_name="attempts")
    drafter = models.CharField(max_length=10, choices=Drafter.choices)
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    detail = models.TextField(default="")
    prompt = models.TextField()
    prompt_version = models.TextField(default="")
    answer = models.TextField(default="")
    model = models.TextField(default="")
    stop_reason = models.TextField(default="")
    request_id = models.TextField(default="")
    input_tokens = models.PositiveIntegerField(null=True)
    output_tokens = models.PositiveIntegerField(null=True)
    cache_read_tokens = models.PositiveIntegerField(null=True)
    cache_write_tokens = models.PositiveIntegerField(null=True)
    price_microdollars = models.PositiveBigIntegerField(null=True)
    redactions = models.JSONField(default=list)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    class Meta:
        """In order."""

        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.drafter}: {self.outcome}"
