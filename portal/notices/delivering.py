"""Sends what is due, a few letters of one outlet at a time, and writes down what became of each.

A try is counted and the next one dated before anything is sent: whoever dies between the two has used up a try, and
the letter goes out again under the same id (at least once). Nothing is sent inside a transaction (law 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from django.db import transaction
from django.db.models import F, Q, QuerySet

from portal.jobs import services as jobs
from portal.jobs.outside import refuse_inside_transaction
from portal.kit.moving import move
from portal.notices import mailing, webhooks
from portal.notices.failures import Rejected, Unreachable
from portal.notices.models import Letter, Message, Outlet
from portal.notices.states import ENDED, MAX_TRIES, NEXT, LetterState, pause_after
from portal.notices.wording import Said

AT_ONCE = 5  # other jobs of the general queue wait meanwhile
KEPT = timedelta(days=30)
LONGEST_ERROR = 1000
SWITCHED_OFF = "It was switched off before this letter left."
NO_RECORD = "The last try left no record."


class _Way(Protocol):
    def send(self, letter: Letter, messages: Sequence[Said]) -> None: ...


def send(outlet_id: int, *, at: datetime) -> str:
    """Send the due letters of an outlet, the oldest first; more than a few are left to a further job."""
    refuse_inside_transaction()
    outlet = Outlet.objects.get(pk=outlet_id)
    if not outlet.is_on:
        return f"Off; {_bury(_due(outlet, at), SWITCHED_OFF, at)} letters will not be sent."
    if outlet.rests_until and outlet.rests_until > at:
        return f"Rests until {outlet.rests_until:%H:%M:%S}."
    letters = list(_due(outlet, at).order_by("id").values_list("pk", flat=True)[:AT_ONCE])
    sent = _send_each(letters, outlet, at)
    if len(letters) == AT_ONCE:
        jobs.enqueue("notices.send", subject_id=outlet.pk, key=f"outlet:{outlet.pk}", at=at)
    return sent


def sweep(*, at: datetime) -> str:
    """Ask for the outlets that have something due and do not rest: digests, later tries, and what a job lost."""
    due = Letter.objects.filter(state=LetterState.WAITING, due_at__lte=at)
    awake = Outlet.objects.filter(Q(rests_until=None) | Q(rests_until__lte=at), pk__in=due.values("outlet"))
    outlets = list(awake.values_list("pk", flat=True))
    for outlet in outlets:
        jobs.enqueue("notices.send", subject_id=outlet, key=f"outlet:{outlet}", at=at)
    return f"{len(outlets)} outlets have letters to send."


def forget_ended(*, at: datetime, limit: int = 1000) -> int:
    """Remove a batch of letters that were sent or put away a month ago; what they said stays in the outbox."""
    old = Letter.objects.filter(state__in=sorted(ENDED), ended_at__lt=at - KEPT).order_by("ended_at")
    batch = list(old.values_list("pk", flat=True)[:limit])
    Letter.objects.filter(pk__in=batch).delete()
    return len(batch)


def _send_each(letters: Sequence[int], outlet: Outlet, at: datetime) -> str:
    sent = 0
    with _way(outlet, at) as way:
        for pk in letters:
            letter = _begin(pk, at)
            if letter is None:
                continue
            try:
                way.send(letter, _messages(letter))
            except Rejected as rejection:
                _give_back(letter, str(rejection), at)
            except Unreachable as failure:
                _rest(outlet, letter, str(failure), at)
                return f"{sent} sent; {outlet} cannot be reached."
            else:
                _end(outlet, letter, at)
                sent += 1
    return f"{sent} sent."


def _way(outlet: Outlet, at: datetime) -> AbstractContextManager[_Way]:
    return mailing.opened() if outlet.channel == Outlet.Channel.MAIL else webhooks.opened(outlet, at)


def _due(outlet: Outlet, at: datetime) -> QuerySet[Letter]:
    return Letter.objects.filter(outlet=outlet, state=LetterState.WAITING, due_at__lte=at)


def _begin(letter_id: int, at: datetime) -> Letter | None:
    """Count the try and date the next one; None if the letter is not due any more, or has no try left."""
    with transaction.atomic():
        due = Letter.objects.select_for_update(of=("self",)).select_related("person")
        letter = due.filter(pk=letter_id, state=LetterState.WAITING, due_at__lte=at).first()
        if letter is None:
            return None
        if letter.tries >= MAX_TRIES:
            _move(letter, LetterState.DEAD, at, error=letter.error or NO_RECORD)
            return None
        letter.tries += 1
        letter.tried_at, letter.due_at = at, at + pause_after(letter.tries, seed=str(letter.uid))
        letter.save(update_fields=["tries", "tried_at", "due_at"])
    return letter


def _end(outlet: Outlet, letter: Letter, at: datetime) -> None:
    """The letter is sent, and its outlet is awake."""
    with transaction.atomic():
        _move(letter, LetterState.SENT, at, error="")
        if outlet.failures:
            outlet.failures, outlet.rests_until, outlet.error = 0, None, ""
            outlet.save(update_fields=["failures", "rests_until", "error"])


def _give_back(letter: Letter, error: str, at: datetime) -> None:
    """The letter waits for its next try, or is dead after its last one."""
    with transaction.atomic():
        if letter.tries >= MAX_TRIES:
            _move(letter, LetterState.DEAD, at, error=error[:LONGEST_ERROR])
        else:
            Letter.objects.filter(pk=letter.pk).update(error=error[:LONGEST_ERROR])


def _rest(outlet: Outlet, tried: Letter, error: str, at: datetime) -> None:
    """The outlet rests; whatever was due for it has used up a try along with the letter that was tried."""
    said = error[:LONGEST_ERROR]
    with transaction.atomic():
        _give_back(tried, said, at)
        _due(outlet, at).update(tries=F("tries") + 1, error=said)
        _bury(_due(outlet, at).filter(tries__gte=MAX_TRIES), said, at)
        outlet.failures += 1
        outlet.rests_until = at + pause_after(outlet.failures, seed=f"outlet:{outlet.pk}")
        outlet.error = said
        outlet.save(update_fields=["failures", "rests_until", "error"])


def _bury(letters: QuerySet[Letter], error: str, at: datetime) -> int:
    return letters.update(state=LetterState.DEAD, ended_at=at, error=error)


def _move(letter: Letter, to: LetterState, at: datetime, *, error: str) -> None:
    move(letter, to, next_states=NEXT, column="state", ended_at=at, error=error)


def _messages(letter: Letter) -> list[Said]:
    rows = Message.objects.filter(enclosures__letter=letter).order_by("id")
    return [Said(each.uid, each.kind, each.ticket_key, each.text, each.path, each.created_at) for each in rows]
