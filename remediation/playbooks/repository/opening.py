"""Opens a pull request: a commit in a clone, a branch on the remote, a request on the forge; and takes one back.

What is about to be pushed is written down first. Whoever comes after a worker that died, or a network that was lost,
finds the branch by its name and knows it by its commit: nothing is made or opened twice (law 7).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.db import transaction

from portal.kit.actors import system
from portal.kit.moving import move
from portal.kit.refusals import StaleTransition, because
from remediation.drafting import roles
from remediation.drafting import services as remediations
from remediation.playbooks.repository import content as contents
from remediation.playbooks.repository import forges, requests, telling, trees, writing
from remediation.playbooks.repository.conf import Remote
from remediation.playbooks.repository.forges import Forge, Opened, Opening
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


def take_back(request_id: int, *, at: datetime) -> str:
    """Remove from the repository what was taken back here; a branch that somebody went on with stays."""
    request = PullRequest.objects.get(pk=request_id)
    remote: Remote = settings.ROLE_REPOSITORY
    if not request.head_commit or not remote.url:
        return "It was never pushed."
    try:
        with cloned(remote) as clone, forges.of(remote) as forge:
            return _close(request, clone, forge)
    except Unreachable as failure:
        requests.start_taking_back(request, due_at=at + AGAIN, at=at)
        return f"Not reached: {failure}"
    except (Rejected, Taken) as refusal:
        return _left(request, f"What was pushed of it is still there: {refusal}")


def _close(request: PullRequest, clone: Clone, forge: Forge) -> str:
    """An answer that was lost may have left a request on the forge whose number is not known here."""
    heads = clone.heads()
    if number := request.forge_number or (forge.find(request.branch) or Opened()).number:
        seen = forge.status(request.branch, number, heads)
        if seen.status == RequestStatus.MERGED:
            return _left(request, "Somebody merged it before that: revert it in the role repository.")
        if seen.status == RequestStatus.OPEN:
            forge.close(number)
            forge.comment(number, f"Taken back: {writing.quoted(request.detail)}")
    if heads.get(request.branch) != request.head_commit:
        return "Its branch is gone, or somebody else's by now."
    clone.remove(request.branch, request.head_commit)
    return f"Removed {request.branch}."


def _left(request: PullRequest, says: str) -> str:
    """What people have to see to, beside why it was taken back."""
    request.detail = f"{request.detail} {says}"
    request.save(update_fields=["detail"])
    return says


def _push(request: PullRequest, clone: Clone, remote: Remote) -> None:
    """The branch of this request is on the remote afterwards, made now or by an attempt before."""
    heads = clone.heads()
    base = heads.get(remote.branch)
    if base is None:
        raise Rejected(f"The role repository has no branch {remote.branch}.")
    if request.head_commit and heads.get(request.branch) == request.head_commit:
        return
    for name in _names(request):
        if name in heads:
            continue
        clone.fetch(remote.branch)
        commit = _commit(request, clone, base)
        _intend(request, name, base, commit)
        try:
            clone.push(commit, name)
        except Taken:
            raise Unreachable(f"Somebody made the branch {name} at the same moment.") from None
        return
    raise Rejected("Every name that its branch could have is taken.")


def _names(request: PullRequest) -> list[str]:
    """The names its branch may have: none that an earlier request of the remediation had."""
    first = f"ai/remediation-{request.remediation_id}"
    earlier = PullRequest.objects.filter(remediation=request.remediation_id, number__lt=request.number)
    had = set(earlier.values_list("branch", flat=True))
    names = [first, *(f"{first}-{number}" for number in range(2, NAMES + 1))]
    return [name for name in names if name not in had]


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
    """Write down what is about to be pushed; StaleTransition where it was opened or taken back meanwhile."""
    wanted = {"branch": branch, "base_commit": base, "head_commit": commit}
    if not PullRequest.objects.filter(pk=request.pk, status=RequestStatus.OPENING).update(**wanted):
        raise StaleTransition(because("moved_on", f"{request} is no longer being opened."))
    request.branch, request.base_commit, request.head_commit = branch, base, commit


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
        if not _is_still_opening(request):
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


def _is_still_opening(request: PullRequest) -> bool:
    """Whether nobody opened it or took it back meanwhile, with its remediation locked."""
    remediations.locked(request.remediation_id)
    request.refresh_from_db(fields=["status"])
    return request.status == RequestStatus.OPENING


def _leave(request: PullRequest, at: datetime) -> str:
    """It is not to be opened any more; what may have been pushed of it already is removed."""
    if request.status == RequestStatus.WITHDRAWN:
        requests.start_taking_back(request, due_at=at, at=at)
    return f"Nothing to do: it is {request.status}."


def _postpone(request: PullRequest, says: str, at: datetime) -> str:
    with transaction.atomic():
        if not _is_still_opening(request):
            return _leave(request, at)
        request.detail, request.checked_at = f"{says} {TRIED_AGAIN}", at
        request.save(update_fields=["detail", "checked_at"])
        requests.start(request, due_at=at + AGAIN, at=at)
    return f"Not reached: {says}"


def _fail(request: PullRequest, says: str, at: datetime) -> str:
    with transaction.atomic():
        if not _is_still_opening(request):
            return _leave(request, at)
        move(request, RequestStatus.FAILED, next_states=REQUEST_NEXT, status_at=at, detail=says, checked_at=at)
        requests.record("request.failed", request, ACTOR, at, {"says": says})
        telling.of_failure(request, at=at)
    return f"Refused: {says}"
