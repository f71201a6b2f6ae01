"""People and machines that act, and the tokens they act with. A person is deactivated, never deleted."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, QuerySet

from portal.access.fields import PasswordField
from portal.kit.actors import Actor, Door


class PersonManager(BaseUserManager["Person"]):
    """Creates people; also what Django's own commands expect."""

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> Person:
        """A person with a usable password, or an unusable one when none is given."""
        person = self.model(username=username, **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> Person:
        """For `manage.py createsuperuser`."""
        return self.create_user(username, password, is_staff=True, is_superuser=True, **fields)


class Person(AbstractBaseUser, PermissionsMixin):
    """A human or a machine account."""

    class Kind(models.TextChoices):
        """Machines never sign for people."""

        HUMAN = "human", "Human"
        MACHINE = "machine", "Machine"

    password = PasswordField(max_length=128)
    username = models.CharField(max_length=80, unique=True, validators=[UnicodeUsernameValidator()])
    full_name = models.TextField(blank=True)
    email = models.EmailField(blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.HUMAN)
    is_active = models.BooleanField("may sign in", default=True, help_text="Deactivate people; they are never deleted.")
    is_staff = models.BooleanField("may open the settings", default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = []
    objects: ClassVar[PersonManager] = PersonManager()

    class Meta:
        """By name."""

        ordering: ClassVar = ["username"]
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.username

    def get_full_name(self) -> str:
        """What pages show."""
        return self.full_name or self.username

    def get_short_name(self) -> str:
        """What tight places show."""
        return self.username

    def at(self, door: Door) -> Actor:
        """This person as the actor of a service call that came through `door`."""
        return Actor("machine" if self.kind == self.Kind.MACHINE else "human", self.pk, self.username, door)


class Scope(models.TextChoices):
    """What a token may be used for; the person's own grants apply on top."""

    TICKETS_READ = "tickets:read", "Read tickets"
    TICKETS_WRITE = "tickets:write", "Open tickets"
    REVIEWS_WRITE = "reviews:write", "Edit drafts"
    SIGNOFFS_WRITE = "signoffs:write", "Sign, reject"
    RUNS_WRITE = "runs:write", "Pause, stop and steer runs"
    FEEDBACK_WRITE = "feedback:write", "Give feedback"
    STATS_READ = "stats:read", "Read figures and patterns"
    RIGHTS_READ = "rights:read", "Read who may do what"
    RIGHTS_WRITE = "rights:write", "Give and take back rights"
    AUDIT_READ = "audit:read", "Read the audit trail"
    JOBS_READ = "jobs:read", "Look after the workers' jobs"
    JOBS_WRITE = "jobs:write", "Try dead jobs again, put them away"


class Token(models.Model):
    """A bearer token of one person. Only its SHA-256 is kept; the token itself is shown once."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="tokens")
    name = models.TextField(help_text="What this token is for.")
    prefix = models.CharField(max_length=12, help_text="First characters, to recognise it by.")
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices))
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Newest first."""

        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.person}"


class Invitation(models.Model):
    """A link with which a person sets a password, once. Only its SHA-256 is kept; the link itself is shown once."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="invitations", db_index=False)
    digest = models.CharField(max_length=64, unique=True)
    issued_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_index=False)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        """Whoever let somebody in does not confirm that it was them; looked up with every reading of rights."""

        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(issued_by=F("person")) & ~Q(confirmed_by=F("issued_by")) & ~Q(confirmed_by=F("person")),
                name="access_invitation_takes_two",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["person"], condition=Q(used_at__isnull=False, confirmed_at=None), name="access_unconfirmed"
            ),
        ]

    def __str__(self) -> str:
        return f"for {self.person} by {self.issued_by}"

    @classmethod
    def waiting(cls) -> QuerySet[Invitation]:
        """Those whose person came in and has not been confirmed."""
        unconfirmed = cls._default_manager.filter(used_at__isnull=False, confirmed_at=None)
        return unconfirmed.select_related("person", "issued_by").order_by("used_at")


class FailedSignIn(models.Model):
    """A wrong password, kept for as long as it slows down the next one. `account` is a keyed digest of a name."""

    account = models.CharField(max_length=64)
    address = models.TextField()
    at = models.DateTimeField()

    class Meta:
        """Counted per account, per address, and per both."""

        indexes: ClassVar = [
            models.Index(fields=["account", "at"], name="access_failures_of_account"),
            models.Index(fields=["address", "at"], name="access_failures_from_address"),
        ]

    def __str__(self) -> str:
        return f"from {self.address} at {self.at}"
