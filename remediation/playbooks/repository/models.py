"""Pull requests for proven roles, what people say about them, and the roles that the repository holds."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from portal.estate.models import Category
from portal.kit.actors import Ref
from remediation.drafting.models import Remediation
from remediation.playbooks.repository.states import UNMERGED, RequestStatus


class PullRequest(models.Model):
    """A proven role on its way into the role repository.

    `content` is canonical and says everything that the request is made of. `branch`, `base_commit` and `head_commit`
    are written down before anything is pushed: a second attempt makes the same commit and finds it there (law 7).
    `merged_digest` is what the main branch had where the role belongs when it was last looked at.
    """

    remediation = models.ForeignKey(Remediation, on_delete=models.PROTECT, related_name="requests", db_index=False)
    number = models.PositiveSmallIntegerField()
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+", db_index=False)
    role_name = models.CharField(max_length=40)
    role_digest = models.CharField(max_length=64)
    proof_digest = models.CharField(max_length=64)
    content = models.TextField()
    status = models.CharField(max_length=10, default=RequestStatus.OPENING)
    status_at = models.DateTimeField()
    detail = models.TextField(default="", help_text="What the repository said, where something is in the way.")
    branch = models.TextField(default="")
    base_commit = models.CharField(max_length=64, default="")
    head_commit = models.CharField(max_length=64, default="")
    seen_commit = models.CharField(max_length=64, default="", help_text="The branch's newest commit, as last seen.")
    forge_number = models.TextField(default="", help_text="How the forge calls it; empty on a plain git remote.")
    url = models.TextField(default="")
    merged_commit = models.CharField(max_length=64, default="")
    merged_digest = models.CharField(max_length=64, default="")
    merged_by = models.TextField(default="")
    merged_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)

    class Meta:
        """Newest first; merged ones are found by category, for a ticket that comes again."""

        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["remediation", "number"], name="pull_requests_are_numbered"),
            models.UniqueConstraint(
                fields=["remediation"], condition=Q(status__in=sorted(UNMERGED)), name="one_open_pull_request"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[RequestStatus.OPEN, RequestStatus.MERGED]) | ~Q(head_commit=""),
                name="an_open_pull_request_has_a_commit",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["category", "-merged_at"], condition=Q(status=RequestStatus.MERGED), name="playbooks_merged"
            ),
            models.Index(fields=["id"], condition=Q(status=RequestStatus.OPEN), name="playbooks_request_open"),
        ]

    def __str__(self) -> str:
        return f"pull request {self.number} of remediation {self.remediation_id}"

    @property
    def ref(self) -> Ref:
        """The request as a value."""
        return Ref("playbooks.pullrequest", self.pk, self.branch or str(self))

    @property
    def folder(self) -> str:
        """Where in the repository everything of this remediation stands."""
        return f"roles/generated/{self.remediation_id}"

    @property
    def has_diverged(self) -> bool:
        """Whether the branch, or what was merged, is not what was proven."""
        if self.status == RequestStatus.MERGED:
            return self.merged_digest != self.role_digest
        return bool(self.seen_commit) and self.seen_commit != self.head_commit


class RequestComment(models.Model):
    """What somebody said about a pull request, in the forge's words. Append-only."""

    request = models.ForeignKey(PullRequest, on_delete=models.PROTECT, related_name="comments", db_index=False)
    forge_id = models.TextField()
    author = models.TextField()
    text = models.TextField()
    place = models.TextField(default="", help_text="File and line, where it is about one.")
    at = models.DateTimeField()

    class Meta:
        """In the order they were made; each is kept once."""

        ordering: ClassVar = ["request", "at", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["request", "forge_id"], name="a_comment_is_kept_once")]

    def __str__(self) -> str:
        return f"{self.author}: {self.text[:60]}"


class RepositoryState(models.Model):
    """The role repository as it was last looked at; `says` is empty while it answers."""

    url = models.TextField(primary_key=True)
    commit = models.CharField(max_length=64, default="", help_text="The main branch, as the roles below were read.")
    looked_at = models.DateTimeField()
    says = models.TextField(default="")

    def __str__(self) -> str:
        return f"{self.url} at {self.commit[:12]}"


class MergedRole(models.Model):
    """A role on the main branch: canonical text of its name and files, so that pages read it without git."""

    path = models.TextField(unique=True, help_text="Its folder.")
    name = models.TextField()
    tree = models.CharField(max_length=64, help_text="Git's name for the folder as it was read.")
    content = models.TextField()
    digest = models.CharField(max_length=64)
    seen_at = models.DateTimeField()

    class Meta:
        """Found by name."""

        ordering: ClassVar = ["path"]
        indexes: ClassVar = [models.Index(fields=["name"], name="playbooks_role_name")]

    def __str__(self) -> str:
        return self.path


class Managed(models.Model):
    """Something that a task of a merged role manages: a path, a service or a package, with file and line."""

    class Kind(models.TextChoices):
        """What is managed."""

        PATH = "path", "Path"
        SERVICE = "service", "Service"
        PACKAGE = "package", "Package"

    role = models.ForeignKey(MergedRole, on_delete=models.CASCADE, related_name="managed")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value = models.TextField()
    file = models.TextField()
    line = models.PositiveIntegerField()

    class Meta:
        """Found by what is managed; below a folder by the beginning of the path."""

        ordering: ClassVar = ["role", "file", "line"]
        indexes: ClassVar = [
            models.Index(fields=["value"], name="playbooks_managed_value", opclasses=["text_pattern_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"
