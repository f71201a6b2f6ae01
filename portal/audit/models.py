"""The append-only event: what happened, who did it, to what, through which door. Rows outlive what they speak of."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Event(models.Model):
    """One thing that happened. Partitioned by id range; runtime roles can insert and read, nothing else.

    Actor, subject and ticket are values, not foreign keys. `body` is canonical text, and retention may drop it;
    `body_digest` (SHA-256, hexadecimal) stays. Two further columns exist in the table only: `xid`, the transaction that
    wrote the row, and `recorded_at`, the database's own clock; sealing uses both.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    kind = models.TextField()
    door = models.TextField()
    actor_kind = models.TextField()
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.TextField()
    subject_kind = models.TextField()
    subject_id = models.BigIntegerField()
    subject_name = models.TextField()
    ticket_id = models.BigIntegerField(null=True)
    ticket_key = models.TextField(default="")
    body = models.TextField(null=True)  # noqa: DJ001 - null is a body that retention dropped, "" would be a body
    body_digest = models.CharField(max_length=64)

    class Meta:
        """Newest last; the indexes serve the ticket's timeline and the audit page."""

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["ticket_id", "id"], name="audit_event_ticket"),
            models.Index(fields=["actor_name", "id"], name="audit_event_actor_name"),
            models.Index(fields=["ticket_key", "id"], name="audit_event_ticket_key"),
            models.Index(fields=["subject_kind", "subject_id", "id"], name="audit_event_subject"),
            models.Index(fields=["kind", "id"], name="audit_event_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_name} by {self.actor_name}"
