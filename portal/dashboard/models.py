"""Incident bundles that somebody asked for, kept for a while to be downloaded."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from remediation.tickets.models import Ticket


class Bundle(models.Model):
    """One bundle of one ticket: asked for at the site, made by the general cluster, which alone holds the seal key.

    It waits until `ended_at`; then it has a digest (SHA-256 of the whole file) and parts, or says what the problem was.
    """

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="bundles", db_index=False)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    digest = models.CharField(max_length=64, default="")
    size = models.PositiveIntegerField(default=0)
    problem = models.TextField(default="")

    class Meta:
        """Newest last; of one ticket one waits at a time, however often the button is pressed."""

        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["ticket"], condition=models.Q(ended_at=None), name="one_bundle_waits"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["ticket", "-id"], name="dashboard_bundle_newest"),
            models.Index(fields=["asked_at"], name="dashboard_bundle_old"),
        ]

    def __str__(self) -> str:
        return f"bundle {self.pk}"

    @property
    def is_ready(self) -> bool:
        """Whether it can be downloaded."""
        return bool(self.digest)


class Part(models.Model):
    """A piece of the file of a bundle, so that nobody ever holds all of it in memory to send it."""

    bundle = models.ForeignKey(Bundle, on_delete=models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        """In order."""

        ordering: ClassVar = ["number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["bundle", "number"], name="parts_are_numbered")]

    def __str__(self) -> str:
        return f"part {self.number} of bundle {self.bundle_id}"
