"""Opens a pull request: a commit in a clone, a branch on the remote, a request on the forge; and takes one back.

What is about to be pushed is written down first. Whoever comes after a worker that died, or a network that was lost,
finds the branch by its name and knows it by what its commit says and holds: nothing is made or opened twice (law 7).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.db import transaction

from portal.jobs import services as jobs
from portal.kit.actors import system
from portal.kit.moving import move
from remediation.drafting import roles
from remediation.drafting import services as remediations
from remediation.playbooks.repository import content as contents
from remediation.playbooks.repository import forges, requests, telling, trees, writing
from remediation.playbooks.repository.conf import Remote
from remediation.playbooks.repository.forges import Opened, Opening
from remediation.playbooks.repository.git import Clone, Rejected, Taken, Unreachable, cloned
from remediation.playbooks.repository.models import PullRequest
from remediation.playbooks.repository.states import REQUEST_NEXT, RequestStatus

ACTOR = system("general")
NAMES = 20
AGAIN = timedelta(minutes=1)
TRIED_AGAIN = "It is tried again every minute."


def open_request(request_id: int, *, at: datetime) -> str:
    """Carry a request as far as it will go; what cannot be reached is tried again in a minute."""
    request = PullRequest.objects.select_related("remediation__ticket", "category").get(pk=request_id)
    remote: Remote = settings.ROLE_REPOSITORY
    if request.status != RequestStatus.OPENING:
        return _leave(request, at)
    try:
        with cloned(remote) as clone:
            _push(request, clone, remote)
        with forges.of(remote) as forge:
            opened = forge.open(_opening(request))
    except Unreachable as failure:
        return _postpone(request, str(failure), at)
    except Rejected as rejection:
        return _fail(request, str(rejection), at)
    return _end(request, opened, at)


def take_back(request_id: int) -> str:
    """Remove from the repository what was taken back here; a branch that somebody went on with stays."""
    request = PullRequest.objects.get(pk=request_id)
    remote: Remote = settings.ROLE_REPOSITORY
    if not request.head_commit or not remote.url:
        return "It was never pushed."
    with cloned(remote) as clone, forges.of(remote) as forge:
        if request.forge_number:
            forge.comment(request.forge_number, f"Taken back: {writing.quoted(request.detail)}")
            forge.close(request.forge_number)
        if clone.heads().get(request.branch) != request.head_commit:
            return "Its branch is gone, or somebody else's by now."
        try:
            clone.remove(request.branch, request.head_commit)
        except (Rejected, Taken) as refusal:
            return f"Its branch stays: {refusal}"
    return f"Removed {request.branch}."


def _push(request: PullRequest, clone: Clone, remote: Remote) -> None:
    """The branch of this request is on the remote afterwards, made now or by an attempt before."""
    heads = clone.heads()
    base = heads.get(remote.branch)
    if base is None:
        raise Rejected(f"The role repository has no branch {remote.branch}.")
    for name in _names(request):
        if name in heads and not _is_ours(request, clone, name, heads[name]):
            continue
        if name in heads:
            return _intend(request, name, base, heads[name])
        clone.fetch(remote.branch)
        commit = _commit(request, clone, base)
        _intend(request, name, base, commit)
        try:
            return clone.push(commit, name)
        except Taken:
            raise Unreachable(f"Somebody made the branch {name} at the same moment.") from None
    raise Rejected(f"Every name that its branch could have is taken, up to {name}.")


def _names(request: PullRequest) -> list[str]:
    """The names its branch may have: none that an earlier request of the remediation had."""
    first = f"ai/remediation-{request.remediation_id}"
    earlier = PullRequest.objects.filter(remediation=request.remediation_id, number__lt=request.number)
    had = set(earlier.values_list("branch", flat=True))
    names = [first, *(f"{first}-{number}" for number in range(2, NAMES + 1))]
    return [name for name in names if name not in had]


def _is_ours(request: PullRequest, clone: Clone, branch: str, commit: str) -> bool:
    """Whether a branch was pushed by an earlier attempt at this very request, and is still as it was."""
    clone.fetch(branch)
    if not writing.is_of(clone.message(commit), request.pk):
        return False
    return _digest_in(clone, commit, request) == request.role_digest


def _commit(request: PullRequest, clone: Clone, base: str) -> str:
    """The commit of a request on top of the main branch; read back before anybody sees it."""
    content = contents.from_text(request.content)
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    stream = trees.stream(
        base=base,
        folder=request.folder,
        files=writing.files_of(content, digest=request.role_digest, ticket_url=_ticket_url(request)),
        message=writing.message(content, digest=request.role_digest, request=request.pk),
        by=trees.Signature("Countersign", f"countersign@{host}", request.asked_at),
        ref="refs/heads/request",
    )
    commit = clone.commit(stream)
    if _digest_in(clone, commit, request) != request.role_digest:
        raise Rejected("What would be pushed is not the role that was proven.")
    return commit


def _digest_in(clone: Clone, commit: str, request: PullRequest) -> str:
    folder = f"{request.folder}/{request.role_name}"
    files, is_all = trees.read(clone, clone.entries(commit, folder), folder)
    return roles.digest_of(request.role_name, files) if is_all and files else ""


def _intend(request: PullRequest, branch: str, base: str, commit: str) -> None:
    request.branch, request.base_commit, request.head_commit = branch, base, commit
    request.save(update_fields=["branch", "base_commit", "head_commit"])


def _opening(request: PullRequest) -> Opening:
    content = contents.from_text(request.content)
    body = writing.readme(content, digest=request.role_digest, ticket_url=_ticket_url(request))
    return Opening(request.branch, writing.title(content), body, writing.labels(content))


def _ticket_url(request: PullRequest) -> str:
    url: str = urljoin(settings.SITE_URL, f"/tickets/{request.remediation.ticket.key}")
    return url


def _end(request: PullRequest, opened: Opened, at: datetime) -> str:
    """It is open; one that was taken back meanwhile is removed again."""
    with transaction.atomic():
        remediations.locked(request.remediation_id)
        request.refresh_from_db(fields=["status"])
        request.forge_number, request.url = opened.number, opened.url
        if request.status != RequestStatus.OPENING:
            request.save(update_fields=["forge_number", "url"])
            return _leave(request, at)
        move(
            request,
            RequestStatus.OPEN,
            next_states=REQUEST_NEXT,
            status_at=at,
            detail=opened.left_out,
            forge_number=opened.number,
            url=opened.url,
            seen_commit=request.head_commit,
            opened_at=at,
            checked_at=at,
        )
        data = {"branch": request.branch, "commit": request.head_commit, "url": request.url}
        requests.record("request.opened", request, ACTOR, at, data)
        telling.of_opening(request, at=at)
    return f"Opened {request.branch}."


def _leave(request: PullRequest, at: datetime) -> str:
    """It is not to be opened any more; what may have been pushed of it already is removed."""
    if request.status == RequestStatus.WITHDRAWN:
        jobs.enqueue(requests.TAKE_BACK_JOB, subject_id=request.pk, at=at)
    return f"Nothing to do: it is {request.status}."


def _postpone(request: PullRequest, says: str, at: datetime) -> str:
    with transaction.atomic():
        request.detail, request.checked_at = f"{says} {TRIED_AGAIN}", at
        request.save(update_fields=["detail", "checked_at"])
        requests.start(request, due_at=at + AGAIN, at=at)
    return f"Not reached: {says}"


def _fail(request: PullRequest, says: str, at: datetime) -> str:
    with transaction.atomic():
        remediations.locked(request.remediation_id)
        move(request, RequestStatus.FAILED, next_states=REQUEST_NEXT, status_at=at, detail=says, checked_at=at)
        requests.record("request.failed", request, ACTOR, at, {"says": says})
        telling.of_failure(request, at=at)
    return f"Refused: {says}"
