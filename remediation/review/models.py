"""What gates and looks found, what people ticked and objected to, who is on it, the sheets that signers were shown."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from portal.signoff.models import Plan
from remediation.drafting.models import Remediation, Revision


class GateResult(models.Model):
    """One gate's verdict on one revision. Append-only. `input_digest` says exactly what the gate looked at.

    A gate is asked again when the estate or the policy changed: its newest verdict counts.
    """

    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="gates", db_index=False)
    gate = models.CharField(max_length=30)
    ruleset = models.CharField(max_length=80, help_text="The rules, or the program and its version.")
    has_passed = models.BooleanField()
    input_digest = models.CharField(max_length=64)
    findings = models.JSONField(default=list, help_text="[{place, text, mend}]")
    log = models.TextField(
        default="", db_default="", help_text="What the program behind the gate said; empty: there is none."
    )
    took_ms = models.PositiveIntegerField(null=True)
    at = models.DateTimeField()

    class Meta:
        """In order."""

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["revision", "gate", "-id"], name="review_gate_newest")]

    def __str__(self) -> str:
        return f"{self.gate}: {'passed' if self.has_passed else 'failed'}"


class Tick(models.Model):
    """A person confirmed one REVIEW item. `item` is a digest of the step, so an unrelated edit keeps the tick."""

    remediation = models.ForeignKey(Remediation, on_delete=models.PROTECT, related_name="ticks", db_index=False)
    item = models.CharField(max_length=64)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    is_confirmed = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        """The newest row of an item counts: unticking is a row of its own."""

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["remediation", "item", "-id"], name="review_tick_newest")]

    def __str__(self) -> str:
        return self.item[:12]


class Objection(models.Model):
    """A reviewer asked for changes or rejected the draft. Append-only."""

    class Kind(models.TextChoices):
        """Changes go back to the author; a rejection ends the remediation."""

        CHANGES = "changes", "Requested changes"
        REJECTION = "rejection", "Rejected"

    class Reason(models.TextChoices):
        """Why; the comment says it in words."""

        WRONG_CAUSE = "wrong_cause", "Wrong cause"
        UNSAFE = "unsafe", "Unsafe"
        OUT_OF_SCOPE = "out_of_scope", "Out of scope"
        NOT_NEEDED = "not_needed", "Not needed any more"
        POOR_EVIDENCE = "poor_evidence", "Evidence too thin"
        OTHER = "other", "Something else"

    remediation = models.ForeignKey(Remediation, on_delete=models.PROTECT, related_name="objections")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="objections")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    reason = models.CharField(max_length=20, choices=Reason.choices)
    comment = models.TextField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        """In order."""

        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} by {self.person_id}"


class Remark(models.Model):
    """A comment of an objection on one place of the draft, quoted as it stood. Append-only."""

    objection = models.ForeignKey(Objection, on_delete=models.PROTECT, related_name="remarks")
    place = models.TextField(help_text="“step 2, rollback” or “line 14”.")
    quote = models.TextField(default="")
    comment = models.TextField()

    class Meta:
        """In the order of the draft."""

        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.place}: {self.comment}"


class Comment(models.Model):
    """What somebody said about one place of a draft, quoted as it stood, without objecting. Append-only."""

    remediation = models.ForeignKey(Remediation, on_delete=models.PROTECT, related_name="comments")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="+", db_index=False)
    place = models.TextField(help_text="“tasks/main.yml line 14”, “step 2, rollback” or “line 14”.")
    quote = models.TextField(default="")
    text = models.TextField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        """In order."""

        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class Take(models.Model):
    """Somebody is on it: others see who and until when, and are kept from nothing. It ends by itself at `until`."""

    remediation = models.ForeignKey(Remediation, on_delete=models.PROTECT, related_name="takes", db_index=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    taken_at = models.DateTimeField()
    until = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        """One person at a time."""

        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["remediation"], condition=models.Q(released_at=None), name="one_person_is_on_it"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} is on it until {self.until:%H:%M}"


class Look(models.Model):
    """What the pre-flight of a step showed when somebody looked. Append-only.

    `plan` is the merge plan; the first look of each of its steps is what the draft was checked against.
    """

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="looks", db_index=False)
    step = models.PositiveSmallIntegerField()
    holds = models.BooleanField(null=True, help_text="Empty: it could not be seen.")
    text = models.TextField()
    at = models.DateTimeField()

    class Meta:
        """In order."""

        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["plan", "step", "id"], name="review_looks")]

    def __str__(self) -> str:
        return f"step {self.step}: {self.text}"


class Sheet(models.Model):
    """What somebody who may sign a plan was shown of it, to the letter. Never changed; votes name it by its digest.

    One that no vote names goes some time after its plan was closed; the database keeps all others.
    """

    class Kind(models.TextChoices):
        """Where it was shown: a part of a page, as HTML, or the plan document of the API, as canonical text."""

        PAGE = "page", "Page"
        API = "api", "API"

    digest = models.CharField(max_length=64, primary_key=True)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="sheets")
    kind = models.CharField(max_length=4, choices=Kind.choices)
    text = models.TextField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.digest[:12]
