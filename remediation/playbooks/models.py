"""Canary proofs, and every play of a role on a host: the book that says what became of a request (law 7)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from portal.kit.actors import Ref
from portal.signoff.models import Plan
from remediation.drafting.models import Revision
from remediation.playbooks.repository import models as repository_models  # noqa: F401 - Django looks for them here
from remediation.playbooks.states import OPEN, PlayStatus, ProofStatus


class Proof(models.Model):
    """The canary proof of one signed merge plan: what was played on which host, and whether the role held.

    `text` is canonical and complete once the proof has ended, `digest` its SHA-256: what a rollout plan names. `fence`
    grows with every job that takes the proof over.
    """

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="proofs")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="proofs")
    role = models.CharField(max_length=64, help_text="The digest of the role.")
    host = models.TextField()
    status = models.CharField(max_length=16, default=ProofStatus.ASKED)
    status_at = models.DateTimeField()
    says = models.TextField(default="")
    text = models.TextField(default="")
    digest = models.CharField(max_length=64, default="")
    fence = models.BigIntegerField(default=0)
    asked_at = models.DateTimeField()

    class Meta:
        """Newest first; of one plan one at a time."""

        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["plan"], condition=Q(status__in=sorted(OPEN)), name="a_plan_is_proven_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(status=ProofStatus.HELD) | ~Q(digest=""), name="a_proof_that_held_can_be_read"
            ),
        ]

    def __str__(self) -> str:
        return f"proof {self.pk}"

    @property
    def ref(self) -> Ref:
        """The proof as a value."""
        return Ref("playbooks.proof", self.pk, f"proof {self.pk}")

    @property
    def is_open(self) -> bool:
        """Whether it still has something to do."""
        return self.status in OPEN


class Play(models.Model):
    """One play of a role on one host, by a worker under a fence. `key` is the request: the same one never plays twice.

    `beat_at` moves while the worker lives. `before` is what the role's scope was like on the host before an apply. A
    failed play is settled at the first look that finds the host as it was before: what is there later is not its doing.
    """

    class Kind(models.TextChoices):
        """What was played."""

        APPLY = "apply", "Apply"
        BACK_OUT = "back_out", "Back-out"

    key = models.CharField(max_length=80, unique=True)
    host = models.TextField()
    role = models.CharField(max_length=64, help_text="The digest of the role.")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    fence = models.BigIntegerField()
    status = models.CharField(max_length=10, default=PlayStatus.PLAYING)
    says = models.TextField(default="")
    before = models.TextField(default="")
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        """The newest apply of a role on a host says what it was like before."""

        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["host", "role", "-id"], name="playbooks_play_of_host")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.role[:12]} on {self.host}"


class PlayEvent(models.Model):
    """What one task of a play did, as it happens. Append-only, partitioned by id range.

    `source` is the play's key, or `proof-<id>`.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.CharField(max_length=80)
    host = models.TextField()
    part = models.TextField(help_text="The play: check, apply, second run and so on.")
    task = models.TextField()
    place = models.TextField(default="", help_text="File and line.")
    status = models.CharField(max_length=12)
    text = models.TextField(default="", help_text="Diff or message, with a cap.")
    at = models.DateTimeField()

    class Meta:
        """In the order they came."""

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["source", "id"], name="playbooks_event_source")]

    def __str__(self) -> str:
        return f"{self.task}: {self.status}"


class Fence(models.Model):
    """The newest fence under which a host was written to: whoever comes with an older one is refused."""

    host = models.TextField(primary_key=True)
    fence = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.host}: {self.fence}"
