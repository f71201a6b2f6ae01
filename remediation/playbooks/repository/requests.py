"""The verbs of a pull request that people and other rooms use: ask for one, take it back, ask again, look now.

Nobody here talks to the repository: jobs of the general cluster do, outside any transaction (law 7). There is no verb
to merge one. Who merges is a person, in the role repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.jobs import services as jobs
from portal.kit.actors import Actor, Door
from portal.kit.moving import move
from portal.kit.refusals import Reason, Refused, StaleTransition, because
from remediation.drafting import roles
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.drafting.states import Status
from remediation.playbooks.repository import content as contents
from remediation.playbooks.repository.content import RequestContent
from remediation.playbooks.repository.models import PullRequest
from remediation.playbooks.repository.states import REQUEST_NEXT, RequestStatus

OPEN_JOB = "playbooks.open_request"
TAKE_BACK_JOB = "playbooks.take_back_request"
FOLLOW_JOB = "playbooks.follow_requests"
NO_REPOSITORY = "No role repository is configured: set ROLE_REPOSITORY."
SUPERSEDED = "A newer proof took its place."
LOOK_KEY = f"schedule:{FOLLOW_JOB}"
"""The key under which the clock asks for it: two looks at once would get into each other's way."""
FRESH = timedelta(minutes=10)
"""How long what was seen on the main branch may be believed; it is looked at every minute."""
_LOOKED_AT = 100
"""How many of a category's newest merged roles are asked whether they are of a pattern."""
_FOUND = ("role_name", "role_digest", "url", "merged_at", "remediation__ticket__key")
LOOSE = frozenset({RequestStatus.OPENING, RequestStatus.OPEN, RequestStatus.CLOSED, RequestStatus.FAILED})
"""What can still be taken back."""


@dataclass(frozen=True, slots=True)
class MergedRoleFound:
    """A role that was merged for an earlier ticket of the same kind."""

    name: str
    digest: str
    ticket_key: str
    url: str
    merged_at: datetime
    is_same_pattern: bool


def open_for(remediation: Remediation, *, content: RequestContent, actor: Actor, at: datetime) -> PullRequest:
    """Ask for the pull request of a role that has just been proven, in the caller's transaction.

    Asked twice for the same role and proof it is the same request, also one that a person closed meanwhile. One that
    stands open for another role or proof is taken back.
    """
    remediation = remediations.locked(remediation.pk)
    last = of(remediation)
    if last and _is_for(last, content):
        if last.status == RequestStatus.FAILED:
            _open_again(last, actor, at)
        return last
    if last and last.status in LOOSE:
        _take_back(last, SUPERSEDED, actor, at)
    return _ask(remediation, contents.text_of(content), last, actor, at)


def of(remediation: Remediation) -> PullRequest | None:
    """The request that counts: a remediation's newest."""
    return PullRequest.objects.filter(remediation=remediation).order_by("-number").first()


def merged_exactly(remediation: Remediation, role_digest: str, *, at: datetime) -> Reason | None:
    """None if the main branch holds exactly this role, as it was last looked at; else why it may not be run."""
    request = of(remediation)
    if request is None or request.role_digest != role_digest:
        return because("no_request", "No pull request was opened for this role.")
    if request.status != RequestStatus.MERGED:
        return because("not_merged", f"The pull request {request.branch} is {request.status}: a person merges it.")
    if request.merged_digest != role_digest:
        return because("merged_otherwise", f"What was merged from {request.branch} is not the role that was proven.")
    if request.checked_at is None or at - request.checked_at > FRESH:
        text = f"Nobody could look whether {request.branch} is still merged as it was proven. It is tried every minute."
        return because("not_merged", text)
    return None


def take_back(remediation: Remediation, *, reason: str, actor: Actor, at: datetime) -> PullRequest | None:
    """Take back the request of a remediation whose signatures are void; one that was merged is left as it is.

    In the caller's transaction, with the remediation locked.
    """
    request = of(remediation)
    if request is None or request.status not in LOOSE:
        return None
    _take_back(request, reason, actor, at)
    return request


def ask_again(remediation_id: int, *, person: Person, door: Door, at: datetime) -> PullRequest:
    """A person asks again for a request that failed, was closed, or was merged as something else.

    What was proven is still proven.
    """
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        grants.require(person, "review", remediation.category)
        last = of(remediation)
        if reason := why_not_again(remediation, last):
            raise StaleTransition(reason) if reason.code == "not_ended" else Refused(reason)
        assert last is not None  # noqa: S101 - there is a reason without one
        if last.status == RequestStatus.FAILED:
            return _open_again(last, person.at(door), at)
        return _ask(remediation, last.content, last, person.at(door), at)


def why_not_again(remediation: Remediation, last: PullRequest | None) -> Reason | None:
    """Why a request cannot be asked for again: it has come to no bad end, or nothing is proven any more."""
    if last is None or not (last.status in {RequestStatus.FAILED, RequestStatus.CLOSED} or _is_merged_otherwise(last)):
        text = "The pull request did not fail, was not closed, and nothing else was merged in its place."
        return because("not_ended", text)
    if remediation.status not in {Status.PROVEN, Status.APPROVED_FOR_ROLLOUT}:
        return because("not_proven", f"The remediation is {remediation.status}: nothing is proven now.")
    return None


def look_now(remediation_id: int, *, person: Person, door: Door, at: datetime) -> None:
    """Have the role repository looked at now instead of within the next minute."""
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        grants.require(person, "review", remediation.category)
        request = of(remediation)
        if request is None:
            raise StaleTransition(because("no_request", "Nothing has been proven here yet, so there is no request."))
        record("request.looked_for", request, person.at(door), at)
        jobs.enqueue(FOLLOW_JOB, at=at, key=LOOK_KEY)


def merged_role_for(*, category_id: int, pattern_id: int | None = None) -> MergedRoleFound | None:
    """The newest role that was merged, as proven, for a ticket of this pattern, else of this category."""
    merged = PullRequest.objects.filter(category=category_id, status=RequestStatus.MERGED).order_by("-merged_at")
    exact = merged.filter(merged_digest=F("role_digest"))
    rows = exact.select_related("remediation__ticket").only(*_FOUND)
    newest = PullRequest.objects.filter(pk__in=exact.values("pk")[:_LOOKED_AT])
    same = rows.filter(pk__in=newest, remediation__ticket__pattern=pattern_id).first() if pattern_id else None
    found = same or rows.first()
    if found is None or found.merged_at is None:
        return None
    key = found.remediation.ticket.key
    return MergedRoleFound(found.role_name, found.role_digest, key, found.url, found.merged_at, same is not None)


def start(request: PullRequest, *, due_at: datetime, at: datetime) -> None:
    """Have the general cluster open it."""
    jobs.enqueue(OPEN_JOB, subject_id=request.pk, key=f"request:{request.pk}", due_at=due_at, at=at)


def start_taking_back(request: PullRequest, *, due_at: datetime, at: datetime) -> None:
    """Have the general cluster remove what was pushed of it."""
    jobs.enqueue(TAKE_BACK_JOB, subject_id=request.pk, key=f"request:{request.pk}", due_at=due_at, at=at)


def record(
    kind: str, request: PullRequest, actor: Actor, at: datetime, data: Mapping[str, object] | None = None
) -> None:
    """An event about a request, in the caller's transaction."""
    ticket = request.remediation.ticket
    audit.record(kind, actor=actor, at=at, subject=request.ref, ticket=ticket.ref, data=data)


def _is_merged_otherwise(request: PullRequest) -> bool:
    return request.status == RequestStatus.MERGED and request.has_diverged


def _is_for(request: PullRequest, content: RequestContent) -> bool:
    digest = roles.digest_of(content.role_name, content.files)
    if request.role_digest != digest:
        return False
    if request.status == RequestStatus.MERGED:
        return not request.has_diverged
    return request.proof_digest == content.proof_digest


def _ask(remediation: Remediation, text: str, last: PullRequest | None, actor: Actor, at: datetime) -> PullRequest:
    content = contents.from_text(text)
    request = PullRequest.objects.create(
        remediation=remediation,
        number=last.number + 1 if last else 1,
        category=remediation.category,
        role_name=content.role_name,
        role_digest=roles.digest_of(content.role_name, content.files),
        proof_digest=content.proof_digest,
        content=text,
        status_at=at,
        asked_at=at,
    )
    data = {"number": request.number, "role": request.role_digest, "proof": request.proof_digest}
    record("request.asked", request, actor, at, data)
    _start(request, actor, at)
    return request


def _open_again(request: PullRequest, actor: Actor, at: datetime) -> PullRequest:
    move(request, RequestStatus.OPENING, next_states=REQUEST_NEXT, status_at=at, detail="")
    record("request.asked", request, actor, at, {"number": request.number, "again": True})
    _start(request, actor, at)
    return request


def _start(request: PullRequest, actor: Actor, at: datetime) -> None:
    """A job for the general cluster; without a repository the request has failed, and says what to set."""
    if not settings.ROLE_REPOSITORY.url:
        move(request, RequestStatus.FAILED, next_states=REQUEST_NEXT, status_at=at, detail=NO_REPOSITORY)
        record("request.failed", request, actor, at, {"says": NO_REPOSITORY})
        return
    start(request, due_at=at, at=at)


def _take_back(request: PullRequest, reason: str, actor: Actor, at: datetime) -> None:
    move(request, RequestStatus.WITHDRAWN, next_states=REQUEST_NEXT, status_at=at, detail=reason)
    record("request.withdrawn", request, actor, at, {"says": reason})
    start_taking_back(request, due_at=at, at=at)
