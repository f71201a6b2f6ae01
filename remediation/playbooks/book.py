"""The book of plays: who plays what on which host, under which fence, and what became of it (law 7).

A request is known by its key. Its intent is committed before anything is played; a play whose worker is gone has
failed in the middle, and nobody plays it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from portal.kit.moving import move
from portal.kit.statements import Query, given
from remediation.connectors.probes import Outcome
from remediation.playbooks import hoststate
from remediation.playbooks.models import Fence, Play, PlayEvent
from remediation.playbooks.shapes import Outcome as Done
from remediation.playbooks.shapes import State, TaskResult
from remediation.playbooks.states import PLAY_NEXT, PlayStatus

LOST_AFTER = timedelta(seconds=15)
"""A worker says every few seconds that it is still at it; after this long without a word it is gone.

Shorter than the engine waits for the fate of a request, so that a lost play is found out and nobody has to be called.
"""
BEATS_EVERY = timedelta(seconds=3)
LOST = "Its worker was lost in the middle of the play."
BUSY = "It is being played now."
_PLAY = Query(lambda: Play.objects.filter(key=given("key")))
_PLAYED = Query(
    lambda: (
        Play.objects.filter(host=given("host"), role=given("role"))
        .exclude(kind=Play.Kind.APPLY, before="")  # it ended before the host was looked at: nothing was played
        .order_by("-id")[:1]
    )
)
_APPLIED = Query(
    lambda: (
        Play.objects.filter(host=given("host"), role=given("role"), kind=Play.Kind.APPLY)
        .exclude(before="")
        .order_by("-id")[:1]
    )
)
_FENCE = Query(lambda: Fence.objects.filter(pk=given("host")))


@dataclass(frozen=True, slots=True)
class Request:
    """One write: its key, the fence of whoever asks, what is to be played where."""

    key: str
    fence: int
    kind: Play.Kind
    host: str
    role: str


def begin(request: Request, *, at: datetime) -> Play | Outcome:
    """Commit the intent of a play; an outcome where nothing is to be played: asked before, or too late."""
    with transaction.atomic():
        if known := _PLAY.first(key=request.key):
            return _said_of(known, at)
        if refusal := _pass(request.host, request.fence):
            return Outcome(ok=False, error=refusal)
        return Play.objects.create(
            key=request.key,
            host=request.host,
            role=request.role,
            kind=request.kind,
            fence=request.fence,
            started_at=at,
            beat_at=at,
        )


def end(play: Play, to: PlayStatus, *, says: str, at: datetime) -> None:
    """Commit what became of a play."""
    move(play, to, next_states=PLAY_NEXT, says=says, ended_at=at)


def remember(play: Play, before: State) -> None:
    """Keep what the scope was like before an apply, so that its way back can be measured against it."""
    play.before = hoststate.text_of(before)
    play.save(update_fields=["before"])


def beat(play: Play, *, at: datetime) -> bool:
    """Say that the worker is still at it, now and then; False: somebody with a newer fence wants the host."""
    if at - play.beat_at < BEATS_EVERY:
        return True
    play.beat_at = at
    play.save(update_fields=["beat_at"])
    newest = _FENCE.first(host=play.host)
    return newest is None or newest.fence <= play.fence


def tell(source: str, event: TaskResult, *, part: str = "") -> None:
    """Keep what one task said, as it says it; `part` is what people call this play."""
    PlayEvent.objects.create(
        source=source,
        host=event.host,
        part=part or event.kind.value,
        task=event.task,
        place=event.place,
        status=event.outcome.value,
        text="\n".join(part for part in (event.message, event.diff) if part),
        at=timezone.now(),
    )


def raise_fence(host: str, fence: int) -> str:
    """Refuse from now on whoever comes to a host with a lower fence; says why not, where a higher one is known."""
    with transaction.atomic():
        return _pass(host, fence)


def status_of(key: str, *, at: datetime) -> Outcome:
    """What became of a request, in the words that connectors use."""
    play = _PLAY.first(key=key)
    if play is None:
        return Outcome(ok=True, data={"state": "not_performed", "message": "No such play was begun."})
    said = _said_of(play, at)
    state = "done" if said.ok else "in_progress" if said.is_unknown else "failed"
    return Outcome(ok=True, data={"state": state, "message": said.text or said.error})


def before_apply(host: str, role: str) -> State | None:
    """What the scope was like before the role was last applied here; None: it never was."""
    applied = _APPLIED.first(host=host, role=role)
    return hoststate.read(applied.before) if applied else None


def left_as_found(host: str, role: str) -> State | None:
    """What the scope was like before the role was last applied here, if no task told of a change; None if one may have.

    A task that was under way when its play was ended may have changed something without a word.
    """
    applied = _APPLIED.first(host=host, role=role)
    events = PlayEvent.objects.filter(source=applied.key).order_by("-id") if applied else PlayEvent.objects.none()
    last = events.first()
    if applied is None or last is None or last.status == Done.RUNNING or events.filter(status=Done.CHANGED).exists():
        return None
    return hoststate.read(applied.before)


def left_by_failure(host: str, role: str, *, at: datetime) -> State | None:
    """What the scope was like before a play that then failed; None where the last play did not, or left nothing."""
    last = _PLAYED.first(host=host, role=role)
    if last is None or last.settled_at or _said_of(last, at).ok:
        return None
    return before_apply(host, role)


def settle(host: str, role: str, *, at: datetime) -> None:
    """A look that began `at` found that the last play here has left nothing; one that still goes on may do so yet."""
    last = _PLAYED.first(host=host, role=role)
    if last and not last.settled_at and last.started_at <= at and not _said_of(last, at).is_unknown:
        last.settled_at = at
        last.save(update_fields=["settled_at"])


def _said_of(play: Play, at: datetime) -> Outcome:
    if play.status == PlayStatus.DONE:
        return Outcome(ok=True, text=play.says)
    if play.status == PlayStatus.FAILED:
        return Outcome(ok=False, error=play.says)
    if at - play.beat_at > LOST_AFTER:
        return Outcome(ok=False, error=LOST)
    return Outcome(ok=False, is_unknown=True, error=BUSY)


def _pass(host: str, fence: int) -> str:
    """Take the host under this fence, or say that a newer one is known."""
    Fence.objects.bulk_create([Fence(host=host, fence=fence)], ignore_conflicts=True)
    held = Fence.objects.select_for_update().get(pk=host)
    if held.fence > fence:
        return f"{host} was taken over under fence {held.fence}; {fence} comes too late."
    if held.fence < fence:
        held.fence = fence
        held.save(update_fields=["fence"])
    return ""
