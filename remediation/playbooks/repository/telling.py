"""Tells the makers and the reviewers of a role what becomes of its pull request."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from portal.access.models import Person
from portal.notices import services as notices
from remediation.playbooks.repository.models import PullRequest, RequestComment
from remediation.playbooks.repository.states import RequestStatus


def of_opening(request: PullRequest, *, at: datetime) -> None:
    """It waits for somebody to merge it."""
    _tell(request, f"the pull request {request.branch} is open and waits for a person to merge it.", "opened", at)


def of_failure(request: PullRequest, *, at: datetime) -> None:
    """The repository refused it."""
    _tell(request, f"no pull request could be opened. {request.detail}", f"failed:{at.isoformat()}", at)


def of_end(request: PullRequest, *, at: datetime) -> None:
    """It was merged, closed or opened again."""
    by = f" by {request.merged_by}" if request.status == RequestStatus.MERGED and request.merged_by else ""
    what = "opened again" if request.status == RequestStatus.OPEN else request.status
    _tell(request, f"the pull request {request.branch} was {what}{by}.", f"{request.status}:{at.isoformat()}", at)


def of_divergence(request: PullRequest, *, at: datetime) -> None:
    """What is there is not what was proven: it is never run."""
    where = "merged from" if request.status == RequestStatus.MERGED else "on the branch"
    text = f"what is {where} {request.branch} is not the role that was proven, and will not be run."
    _tell(request, text, f"diverged:{request.seen_commit}:{request.merged_digest}", at)


def of_comment(comment: RequestComment, *, at: datetime) -> None:
    """Somebody said something about it."""
    request = comment.request
    _tell(request, f"{comment.author} commented on {request.branch}: {comment.text[:300]}", comment.forge_id, at)


def _tell(request: PullRequest, text: str, what: str, at: datetime) -> None:
    key = request.remediation.ticket.key
    notices.tell(
        _people(request),
        kind="request",
        ticket_key=key,
        text=f"{key}: {text}",
        path=f"/tickets/{key}/review",
        at=at,
        key=f"request:{request.pk}:{what}",
    )


def _people(request: PullRequest) -> QuerySet[Person]:
    """Who wrote a revision of the draft, and who signed a plan of it."""
    wrote = Q(revisions__remediation=request.remediation_id)
    signed = Q(votes__plan__ticket_id=request.remediation.ticket_id)
    people = Person.objects.filter(wrote | signed, kind=Person.Kind.HUMAN, is_active=True)
    return Person.objects.filter(pk__in=people.values("pk"))
