"""The append-only event and what seals it; how long bodies are kept, and for which tickets they are held.

Rows outlive what they speak of, so actors, subjects and tickets are values here, never foreign keys.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.lookups import Exact

SHORTEST_DAYS = 30
"""Bodies are kept at least so long."""


class _Stamped:
    """A column that the database fills at the INSERT. No runtime role may give its value, so no INSERT names it."""

    generated = True
    db_returning = True


class StampedNumber(_Stamped, models.BigIntegerField):  # type: ignore[type-arg]  # generic in the stubs only
    """A stamped whole number."""


class StampedTime(_Stamped, models.DateTimeField):  # type: ignore[type-arg]
    """A stamped time."""


class StampedText(_Stamped, models.TextField):  # type: ignore[type-arg]
    """A stamped text."""


def _counted(function: str, column: str) -> Func:
    return Func(F(column), function=function, output_field=models.IntegerField())


class Event(models.Model):
    """One thing that happened. Partitioned by id range; runtime roles can insert and read, nothing else.

    `body` is canonical text, and retention may drop it; `body_digest` (SHA-256, hexadecimal) stays. The database itself
    stamps `xid`, the transaction that wrote the row, `recorded_at`, its own clock, and `written_by`, the login.
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
    xid = StampedNumber()
    recorded_at = StampedTime()
    written_by = StampedText()

    class Meta:
        """Newest last; the indexes serve the ticket's timeline, the audit page and sealing.

        Of the doors, two are so busy that a page of them is found at once; only the others have an index.
        """

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["ticket_id", "id"], name="audit_event_ticket"),
            models.Index(fields=["actor_name", "id"], name="audit_event_actor_name"),
            models.Index(fields=["ticket_key", "id"], name="audit_event_ticket_key"),
            models.Index(fields=["subject_kind", "subject_id", "id"], name="audit_event_subject"),
            models.Index(fields=["kind", "id"], name="audit_event_kind"),
            models.Index(fields=["at", "id"], name="audit_event_at"),
            models.Index(fields=["xid", "id"], name="audit_event_xid"),
            models.Index(
                fields=["door", "id"], condition=Q(door__in=["api", "admin", "command"]), name="audit_event_door"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_name} by {self.actor_name}"


class Seal(models.Model):
    """One link of the chain: a batch of events as one root, the digest of the link before, and a signature.

    Its text and what is signed are spelt out in `sealing.SealText`. `event_ids` and `leaves` (32 bytes each, in the
    order of the tree: by xid, then id) let a check name the event that does not fit; the root vouches for the leaves.
    """

    number = models.BigIntegerField(primary_key=True)
    previous = models.CharField(max_length=64, unique=True)
    digest = models.CharField(max_length=64)
    until_xid = models.BigIntegerField()
    open_xids = ArrayField(models.BigIntegerField())
    size = models.PositiveIntegerField()
    root = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()
    key = models.CharField(max_length=64)
    signature = models.CharField(max_length=128)
    event_ids = ArrayField(models.BigIntegerField())
    leaves = models.BinaryField()

    class Meta:
        """The index finds the seal of a transaction."""

        ordering: ClassVar = ["number"]
        indexes: ClassVar = [models.Index(fields=["until_xid", "number"], name="audit_seal_until")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(number__gte=1, size__gte=1), name="audit_seal_holds_something"),
            models.CheckConstraint(
                condition=Exact(_counted("cardinality", "event_ids"), F("size"))
                & Exact(_counted("octet_length", "leaves"), F("size") * 32),
                name="audit_seal_has_a_leaf_per_event",
            ),
        ]

    def __str__(self) -> str:
        return f"seal {self.number}"


class Retention(models.Model):
    """For how many days the bodies of events are kept; empty: for ever. One row.

    Bodies of events below `dropped_below` have been dropped, but for those that are held.
    """

    days = models.PositiveIntegerField(null=True, blank=True)
    dropped_below = models.BigIntegerField(default=0)

    class Meta:
        """One row, made by the migration."""

        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(pk=1), name="audit_retention_is_one_row"),
            models.CheckConstraint(condition=Q(days__gte=SHORTEST_DAYS), name="audit_retention_is_not_too_short"),
        ]

    def __str__(self) -> str:
        return f"{self.days} days" if self.days else "for ever"


class LegalHold(models.Model):
    """Keeps the bodies of one ticket's events whatever their age, until somebody lifts it."""

    ticket_id = models.BigIntegerField()
    ticket_key = models.TextField()
    reason = models.TextField()
    placed_by = models.TextField()
    placed_at = models.DateTimeField()
    lifted_by = models.TextField(default="")
    lifted_at = models.DateTimeField(null=True)
    lift_reason = models.TextField(default="")
    is_settled = models.BooleanField(default=False, help_text="Retention has been over the ticket since it was lifted.")

    class Meta:
        """A ticket is held once at a time; the other index finds what retention still has to go over."""

        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(
                fields=["id"], condition=Q(lifted_at__isnull=False, is_settled=False), name="audit_legalhold_unsettled"
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["ticket_id"], condition=Q(lifted_at=None), name="audit_legalhold_once_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"hold on {self.ticket_key}"
