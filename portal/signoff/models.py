"""Immutable plans and the votes on them, who stands in for whom, certificates, freezes and the emergency stop.

A plan is canonical text with a digest (law 3). A vote names the digest and carries the plan's list of excluded people,
tied to the plan by a composite foreign key, so that a check on the vote row alone can refuse a maker's vote (law 4).
These constraints are SQL, in the migrations, and so are the triggers: a plan never changes, its votes sign it, and a
machine votes with a live certificate or not at all.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from portal.estate.models import Category
from portal.signoff.states import LIVE, PlanStatus, Stage

STAGES = [(stage.value, stage.value) for stage in Stage]


class Plan(models.Model):
    """What is to be signed. Only `status`, `status_at` and `void_reason` ever change.

    `subject_kind` and `subject_id` name what the plan is about by value. `makers` authored it; `excluded` are those
    whose vote the database refuses: the makers and, on a rollout plan, the merge signers unless SMALL_TEAM is on.
    It is signed by `needed` votes, at least one of them from each of `needed_groups`. `valid_until` is how long people
    may sign it, `votes_last_minutes` how long what they gave counts.
    """

    stage = models.CharField(max_length=10, choices=STAGES)
    subject_kind = models.TextField()
    subject_id = models.BigIntegerField()
    ticket_key = models.TextField(default="")
    ticket_id = models.BigIntegerField(null=True)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+")
    risk = models.CharField(max_length=20)
    severity = models.TextField(default="")
    content = models.TextField()
    digest = models.CharField(max_length=64)
    makers = ArrayField(models.BigIntegerField())
    excluded = ArrayField(models.BigIntegerField())
    merge_plan = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="rollout_plans")
    needed = models.PositiveSmallIntegerField(default=1)
    needed_groups = ArrayField(models.BigIntegerField(), default=list)
    votes_last_minutes = models.PositiveIntegerField(default=240)
    valid_until = models.DateTimeField()
    created_at = models.DateTimeField()
    status = models.CharField(max_length=10, default=PlanStatus.OPEN)
    status_at = models.DateTimeField()
    void_reason = models.TextField(default="")

    class Meta:
        """One live plan per subject and stage."""

        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subject_kind", "subject_id", "stage"],
                condition=Q(status__in=LIVE),
                name="one_live_plan_per_stage",
            ),
            models.CheckConstraint(condition=Q(excluded__contains=models.F("makers")), name="makers_are_excluded"),
            models.CheckConstraint(condition=Q(needed__gte=1), name="at_least_one_vote_needed"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["valid_until"],
                condition=Q(status=PlanStatus.OPEN) | Q(status=PlanStatus.SIGNED, stage=Stage.ROLLOUT),
                name="signoff_plan_may_expire",
            ),
            models.Index(fields=["subject_kind", "subject_id"], name="signoff_plan_of_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.stage} plan {self.digest[:12]}" + (f" of {self.ticket_key}" if self.ticket_key else "")


class Delegation(models.Model):
    """One person lets another one sign in their stead for a while; without a category, in all of theirs.

    Never a way around law 4: a vote counts for neither of the two if one of them is excluded. Append-only but for
    `revoked_at`.
    """

    from_person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delegations_given"
    )
    to_person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delegations_received"
    )
    category = models.ForeignKey(Category, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    reason = models.TextField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        """Newest first."""

        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gt=models.F("starts_at")), name="delegation_ends_after_start"),
            models.CheckConstraint(
                condition=~Q(from_person=models.F("to_person")), name="delegation_is_to_somebody_else"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.to_person} signs for {self.from_person}"


class Certificate(models.Model):
    """Lets a machine sign plans of one pattern, action and environment. It exists from the moment somebody asks for it.

    Who asked is a maker of its `plan`, and somebody else signs that: two people. Live: granted, not expired, not
    revoked. `evidence` is canonical text, what the two people looked at. Only the grant and the revocation ever change.
    """

    pattern_id = models.BigIntegerField()
    pattern_name = models.TextField()
    action = models.TextField()
    environment = models.TextField()
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+")
    evidence = models.TextField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    plan = models.OneToOneField(Plan, on_delete=models.PROTECT, null=True, related_name="certificate")
    granted_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoke_reason = models.TextField(default="")
    revoked_by = models.TextField(default="")

    class Meta:
        """Newest first; one that is granted and not revoked per pattern, action and environment."""

        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["pattern_id", "action", "environment"],
                condition=Q(granted_at__isnull=False, revoked_at=None),
                name="one_certificate_in_force",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} on {self.environment} for {self.pattern_name}"

    def is_live(self, at: datetime) -> bool:
        """Granted, not expired and not revoked."""
        return self.granted_at is not None and self.revoked_at is None and self.granted_at <= at < self.expires_at


class Vote(models.Model):
    """One signature under one digest. Append-only; `excluded` and `digest` repeat the plan's.

    `person` signed, in the stead of `principal` if there is a delegation; `groups` are the principal's at that moment,
    so that a vote means the same after people leave. `runs_from` and `runs_until` approve ahead: the run is claimed
    in between or not at all. `sheet` is the digest of the page the signer was shown.
    """

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="votes", db_index=False)
    digest = models.CharField(max_length=64)
    excluded = ArrayField(models.BigIntegerField())
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="votes", db_index=False)
    principal = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    delegation = models.ForeignKey(Delegation, on_delete=models.PROTECT, null=True, related_name="votes")
    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, null=True, related_name="votes")
    groups = ArrayField(models.BigIntegerField(), default=list)
    comment = models.TextField(default="")
    sheet = models.CharField(max_length=64, default="")
    door = models.CharField(max_length=10)
    at = models.DateTimeField()
    expires_at = models.DateTimeField()
    runs_from = models.DateTimeField(null=True)
    runs_until = models.DateTimeField(null=True)

    class Meta:
        """One vote per person and plan, and one in the stead of anybody. Who may vote at all is checked in SQL."""

        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plan", "person"], name="one_vote_per_person"),
            models.UniqueConstraint(fields=["plan", "principal"], name="one_vote_per_principal"),
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("at")), name="vote_lasts"),
            models.CheckConstraint(
                condition=Q(runs_from=None, runs_until=None)
                | Q(runs_from__isnull=False, runs_until__isnull=False, runs_until__gt=models.F("runs_from")),
                name="vote_window_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(delegation=None, principal=models.F("person"))
                | (Q(delegation__isnull=False, certificate=None) & ~Q(principal=models.F("person"))),
                name="vote_for_another_needs_delegation",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} signed {self.digest[:12]}"


class QuorumRule(models.Model):
    """How many sign, and a group that has to be among them. Of all rules that match, the most is asked for.

    An empty category, risk or severity matches all.
    """

    stage = models.CharField(max_length=10, choices=STAGES)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    risk = models.CharField(max_length=20, default="", blank=True)
    severity = models.CharField(max_length=10, default="", blank=True)
    needed = models.PositiveSmallIntegerField(default=1)
    group = models.ForeignKey("auth.Group", on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        """In the order in which the page shows them."""

        ordering: ClassVar = ["stage", "category", "risk", "severity", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["stage", "category", "risk", "severity", "group"],
                nulls_distinct=False,
                name="one_quorum_rule_per_case",
                violation_error_message="There is such a rule already; change that one.",
            ),
            models.CheckConstraint(condition=Q(needed__gte=1, needed__lte=9), name="quorum_is_one_to_nine"),
        ]

    def __str__(self) -> str:
        return f"{self.needed} for {self.stage}"


class Duty(models.Model):
    """Who is asked first to sign, and who next, by severity; a row with a category wins over one without."""

    severity = models.CharField(max_length=10)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    backup = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    remind_after_minutes = models.PositiveIntegerField(default=15)
    escalate_after_minutes = models.PositiveIntegerField(default=30)

    class Meta:
        """Worst first."""

        ordering: ClassVar = ["severity", "category"]
        verbose_name_plural = "duties"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["severity", "category"],
                nulls_distinct=False,
                name="one_duty_per_severity",
                violation_error_message="There is a duty for this case already; change that one.",
            ),
            models.CheckConstraint(
                condition=~Q(approver=models.F("backup")),
                name="the_backup_is_somebody_else",
                violation_error_message="The backup is somebody else.",
            ),
            models.CheckConstraint(
                condition=Q(escalate_after_minutes__gte=models.F("remind_after_minutes")),
                name="escalation_follows_reminder",
                violation_error_message="The backup is asked when or after the first one is reminded.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.severity}: {self.approver}, then {self.backup}"


class Watch(models.Model):
    """How far people were reminded of one plan: everything that was due by `looked_at` has been said."""

    plan = models.OneToOneField(Plan, on_delete=models.CASCADE, primary_key=True, related_name="watch")
    looked_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True)

    class Meta:
        """By what is due next; null is nothing more."""

        ordering: ClassVar = ["plan"]
        verbose_name_plural = "watches"
        indexes: ClassVar = [
            models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="signoff_watch_next"),
        ]

    def __str__(self) -> str:
        return f"watch over plan {self.plan_id}"


class Freeze(models.Model):
    """A period in which nothing is rolled out; without a category it covers everything. Rollbacks ignore it (law 8).

    Somebody can end it early; it is never deleted.
    """

    category = models.ForeignKey(Category, on_delete=models.PROTECT, null=True, blank=True, related_name="freezes")
    reason = models.TextField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """Soonest first."""

        ordering: ClassVar = ["starts_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")),
                name="freeze_ends_after_it_starts",
                violation_error_message="A freeze ends after it starts.",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["ends_at"], name="signoff_freeze_ends")]

    def __str__(self) -> str:
        return self.reason


class Stop(models.Model):
    """An emergency stop, read before every write (law 9). Scopes: `all`, `category:<slug>`, `connector:<slug>`.

    Who engaged it does not release it: that makes two people.
    """

    scope = models.CharField(max_length=80)
    reason = models.TextField()
    engaged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    engaged_at = models.DateTimeField()
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    released_at = models.DateTimeField(null=True)

    class Meta:
        """One live stop per scope; the partial index is the one read of law 9."""

        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope"], condition=Q(released_at=None), name="one_live_stop_per_scope"),
            models.CheckConstraint(
                condition=Q(released_by=None) | ~Q(released_by=models.F("engaged_by")), name="stop_released_by_another"
            ),
        ]

    def __str__(self) -> str:
        return f"stop {self.scope}"

    @property
    def covers(self) -> str:
        """The scope in words: everything, category cache, connector lab-hosts."""
        return "everything" if self.scope == "all" else self.scope.replace(":", " ", 1)

    @property
    def says(self) -> str:
        """Who stopped what, and why: the one sentence that everybody is shown."""
        return f"{self.engaged_by} stopped {self.covers}: {self.reason}"
