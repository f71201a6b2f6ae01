"""Looks at the role repository: what became of the requests, what people say about them, which roles there are.

Whether a role was merged, and exactly, is read from the main branch itself; a forge adds who did it and when.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from portal.jobs import services as jobs
from portal.kit.actors import system
from portal.kit.moving import move
from portal.kit.refusals import StaleTransition
from remediation.drafting import services as remediations
from remediation.drafting.states import Status
from remediation.playbooks.repository import forges, requests, snapshot, telling
from remediation.playbooks.repository.conf import Remote
from remediation.playbooks.repository.forges import Forge, Remark, Seen
from remediation.playbooks.repository.git import Clone, Rejected, Unreachable, cloned
from remediation.playbooks.repository.models import MergedRole, PullRequest, RequestComment
from remediation.playbooks.repository.states import REQUEST_NEXT, RequestStatus

logger = logging.getLogger(__name__)

ACTOR = system("general")
MERGED = "request.merged"
"""The event that a role is on the main branch, exactly as it was proven; about its remediation."""
WAITING_FOR_RUN = (Status.PROVEN, Status.APPROVED_FOR_ROLLOUT)
MOST_TROUBLES = 3
SETTLES = timedelta(minutes=10)
"""How long a forge may say that something is merged before its main branch shows it; its clock may be as far off."""
CHANGED = "What is here is no longer the role that was proven. It will not be run: restore it, or have it proven again."


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the repository: a clone of it, the newest commit of its main branch, and when."""

    clone: Clone
    main: str
    at: datetime


def follow(*, at: datetime) -> str:
    """One look at everything. What cannot be reached is looked at again by the clock, and pages say so meanwhile."""
    remote: Remote = settings.ROLE_REPOSITORY
    if not remote.url:
        return "There is no role repository."
    try:
        with cloned(remote) as clone, forges.of(remote) as forge:
            count, troubles = _follow_all(clone, forge, remote, at)
    except (Unreachable, Rejected) as failure:
        snapshot.could_not_look(remote.url, says=str(failure), at=at)
        return f"Could not look: {failure}"
    if troubles:
        snapshot.could_not_look(remote.url, says=" ".join(troubles[:MOST_TROUBLES]), at=at)
    return " ".join([f"Looked at {count} requests.", *troubles[:MOST_TROUBLES]])


def _follow_all(clone: Clone, forge: Forge, remote: Remote, at: datetime) -> tuple[int, list[str]]:
    """How many there are, and what is wrong with single ones.

    The forge is asked before the main branch is read: what it says is merged by then can be seen there.
    """
    followed, heads = _followed(), clone.heads()
    troubles: dict[PullRequest, str] = {}
    seen: dict[PullRequest, Seen] = {}
    for request in followed:
        with _apart(request, troubles):
            seen[request] = forge.status(request.branch, request.forge_number, heads)
    main = (clone.heads() if remote.forge else heads).get(remote.branch)
    if main is None:
        raise Rejected(f"The role repository has no branch {remote.branch}.")
    snapshot.bring_up_to_date(clone, url=remote.url, branch=remote.branch, commit=main, at=at)
    for request, each in seen.items():
        with _apart(request, troubles):
            _follow(request, each, forge, Look(clone, main, at))
    return len(followed), list(troubles.values())


@contextmanager
def _apart(request: PullRequest, troubles: dict[PullRequest, str]) -> Iterator[None]:
    """What is wrong with one request holds up no other; only where nobody answers, there is nothing more to ask."""
    try:
        yield
    except Unreachable:
        raise
    except StaleTransition:  # somebody took it back meanwhile
        return
    except Rejected as rejection:
        troubles[request] = f"{request.branch} could not be followed: {rejection}"
    except Exception as error:
        logger.exception("%s cannot be followed", request)
        troubles[request] = f"{request.branch} could not be followed: {type(error).__name__}."


def _followed() -> list[PullRequest]:
    """What is open, and of the remediations that wait for their run what was merged, or may be opened again."""
    newer = PullRequest.objects.filter(remediation=OuterRef("remediation"), number__gt=OuterRef("number"))
    ended = {RequestStatus.CLOSED, RequestStatus.MERGED}
    of_waiting = PullRequest.objects.filter(~Exists(newer), status__in=ended, remediation__status__in=WAITING_FOR_RUN)
    found = [PullRequest.objects.filter(status=RequestStatus.OPEN), of_waiting]
    return [row for rows in found for row in rows.select_related("remediation__ticket", "category").defer("content")]


def _follow(request: PullRequest, seen: Seen, forge: Forge, look: Look) -> None:
    held, looked_at = _held(request), request.checked_at
    if not request.forge_number:
        seen = _as_merged(request, seen, held, look)
    elif held is None and _is_fresh(request, seen, look):
        return
    has_changed = _write(request, seen, held, look.at)
    if has_changed and request.forge_number:
        forge.comment(request.forge_number, CHANGED)
    if new := _new_remarks(request, seen, forge, looked_at):
        _keep(request, new, look.at)


def _is_fresh(request: PullRequest, seen: Seen, look: Look) -> bool:
    """Whether the forge says of something that it was merged only now."""
    is_known = request.status == RequestStatus.MERGED
    return seen.merged_at is not None and not is_known and seen.merged_at > look.at - SETTLES


def _held(request: PullRequest) -> str | None:
    """The digest of what the main branch holds where the role belongs; None if that is what was there before."""
    role = MergedRole.objects.filter(path=f"{request.folder}/{request.role_name}").values_list("digest", flat=True)
    held = role.first()
    earlier = PullRequest.objects.filter(remediation=request.remediation_id, number__lt=request.number)
    merged = earlier.filter(status=RequestStatus.MERGED).order_by("-number")
    before = merged.values_list("merged_digest", flat=True).first()
    return None if held == before and held != request.role_digest else held


def _as_merged(request: PullRequest, seen: Seen, held: str | None, look: Look) -> Seen:
    """On a plain remote the main branch says that something was merged, and its history who did it."""
    if request.status == RequestStatus.MERGED:
        return replace(seen, status=RequestStatus.MERGED)
    if held is None:
        return seen
    remote: Remote = settings.ROLE_REPOSITORY
    try:
        look.clone.fetch(remote.branch, with_history=True)
        commit, by, merged_at = look.clone.last_change(look.main, request.folder)
    except (Unreachable, Rejected):  # a history that is too long, or damaged: who did it is worth no more than a word
        commit, by, merged_at = look.main, "", None
    return Seen(RequestStatus.MERGED, seen.head, commit, by, merged_at)


def _new_remarks(request: PullRequest, seen: Seen, forge: Forge, looked_at: datetime | None) -> list[Remark]:
    """What was said since the last look; asked for only where the forge counts others than are kept, or has changed.

    One that was deleted and one that was added leave the count as it was.
    """
    if not seen.remarks:
        return []
    kept = set(request.comments.values_list("forge_id", flat=True))
    has_changed = seen.changed_at is not None and (looked_at is None or seen.changed_at > looked_at - SETTLES)
    if seen.remarks == len(kept) and not has_changed:
        return []
    return [remark for remark in forge.remarks(request.forge_number) if remark.id not in kept]


def _write(request: PullRequest, seen: Seen, held: str | None, at: datetime) -> bool:
    """Keep what was seen; whether the request has diverged with it, and had not before."""
    with transaction.atomic():
        remediations.locked(request.remediation_id)
        request.refresh_from_db(fields=["status", "seen_commit", "merged_digest"])
        before = (request.has_diverged, request.seen_commit, request.merged_digest)
        request.checked_at = at
        request.seen_commit = seen.head or request.seen_commit
        if seen.status == RequestStatus.MERGED:
            request.merged_digest = held or ""
        request.save(update_fields=["checked_at", "seen_commit", "merged_digest"])
        if seen.status != request.status:
            _move(request, seen, at)
        elif seen.status == RequestStatus.MERGED and before[2] != request.merged_digest:
            _publish(request, at)
        has_changed = request.has_diverged and before != (True, request.seen_commit, request.merged_digest)
        if has_changed:
            data = {"seen": request.seen_commit, "merged": request.merged_digest, "proven": request.role_digest}
            requests.record("request.diverged", request, ACTOR, at, data)
            telling.of_divergence(request, at=at)
    return has_changed


def _move(request: PullRequest, seen: Seen, at: datetime) -> None:
    merged: dict[str, Any] = {
        "merged_commit": seen.merged_commit,
        "merged_by": seen.merged_by,
        "merged_at": seen.merged_at or at,
    }
    more = merged if seen.status == RequestStatus.MERGED else {}
    was_closed = request.status == RequestStatus.CLOSED
    move(request, seen.status, next_states=REQUEST_NEXT, status_at=at, detail="", **more)
    what = "reopened" if was_closed and seen.status == RequestStatus.OPEN else str(seen.status)
    data = {"branch": request.branch, "commit": seen.merged_commit, "by": seen.merged_by}
    requests.record(f"request.{what}", request, ACTOR, at, data)
    telling.of_end(request, at=at)
    if seen.status == RequestStatus.MERGED:
        _publish(request, at)


def _publish(request: PullRequest, at: datetime) -> None:
    """Whoever waits for exactly this role on the main branch hears of it."""
    if not request.has_diverged:
        jobs.publish(MERGED, subject_id=request.remediation_id, at=at)


@transaction.atomic
def _keep(request: PullRequest, remarks: list[Remark], at: datetime) -> None:
    remediations.locked(request.remediation_id)
    for remark in remarks:
        comment, is_new = RequestComment.objects.get_or_create(
            request=request,
            forge_id=remark.id,
            defaults={"author": remark.author, "text": remark.text, "place": remark.place, "at": remark.at},
        )
        if is_new and remark.text != CHANGED:  # what we said ourselves is no news
            requests.record("request.commented", request, ACTOR, at, {"by": remark.author, "text": remark.text})
            telling.of_comment(comment, at=at)
