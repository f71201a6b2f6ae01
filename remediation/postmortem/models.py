"""The postmortem of a ticket, and every version of its text."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from patterns.models import Pattern
from portal.estate.models import Category
from portal.kit.actors import Ref
from remediation.tickets.models import Ticket


class Postmortem(models.Model):
    """One ticket's postmortem. What it says stands in its versions; `newest` is the number of the last one."""

    ticket = models.OneToOneField(Ticket, on_delete=models.PROTECT, related_name="postmortem")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+", db_index=False)
    pattern = models.ForeignKey(Pattern, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    newest = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        """The list is read per permitted category, newest first; a ticket that comes again asks for its pattern's."""

        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["category", "-id"], name="postmortems_by_category"),
            models.Index(fields=["pattern", "-id"], name="postmortems_by_pattern"),
        ]

    def __str__(self) -> str:
        return f"postmortem of {self.ticket.key}"

    @property
    def ref(self) -> Ref:
        """The postmortem as a value."""
        return Ref("postmortem.postmortem", self.pk, str(self))


class Version(models.Model):
    """One text of a postmortem, Markdown. Append-only; without an author it was drafted from the record."""

    postmortem = models.ForeignKey(Postmortem, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    text = models.TextField()
    digest = models.CharField(max_length=64)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField()

    class Meta:
        """In order; two edits of one version cannot both be the next one."""

        ordering: ClassVar = ["postmortem", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["postmortem", "number"], name="postmortem_versions_are_numbered")
        ]

    def __str__(self) -> str:
        return f"version {self.number}"

    @property
    def by(self) -> str:
        """Who wrote it, in words."""
        return str(self.author) if self.author else "the record"
