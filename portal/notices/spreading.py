"""Puts a message into letters: one for each outlet that carries it and, by mail, for each person who wants it.

A message joins a letter of its kind that has not been tried yet. Mail of one kind to one person leaves at most every
five minutes, so a storm of alerts becomes a mail and a digest, not a thousand mails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max

from portal.access.models import Person
from portal.jobs import services as jobs
from portal.notices.kinds import kind_of
from portal.notices.models import Enclosure, Letter, Message, Outlet, Preference
from portal.notices.states import LetterState

DIGEST_EVERY = timedelta(minutes=5)
MOST: dict[str, int] = {Outlet.Channel.MAIL: 10_000, Outlet.Channel.WEBHOOK: 100}
"""Messages in one letter: a mail merges them, a webhook lists them."""


def spread(message_id: int, *, at: datetime, only: int | None = None) -> str:
    """Write the letters of a message, once; `only` names the one outlet that a test is for."""
    with transaction.atomic():
        outlets = list(Outlet.objects.select_for_update(no_key=True))  # spreading takes turns
        message = Message.objects.select_for_update().get(pk=message_id)
        if message.spread_at is not None:
            return "Spread before."
        carry = [each for each in outlets if (each.carries(message.kind) if only is None else each.pk == only)]
        written = sum(_enclose(message, outlet, at) for outlet in carry)
        message.spread_at = at
        message.save(update_fields=["spread_at"])
    return f"In {written} letters."


def _enclose(message: Message, outlet: Outlet, at: datetime) -> int:
    """The message in the letters of one outlet; how many."""
    if outlet.channel == Outlet.Channel.MAIL:
        people: list[int | None] = list(_by_mail(message))
        due = _next_mails(message.kind, outlet, people, at)
    else:
        people, due = [None], {}
    letters = [_letter(message.kind, outlet, person, due.get(person, at), at) for person in people]
    Enclosure.objects.bulk_create(Enclosure(letter=letter, message=message) for letter in letters)
    if letters:
        jobs.enqueue("notices.send", subject_id=outlet.pk, key=f"outlet:{outlet.pk}", at=at)
    return len(letters)


def _by_mail(message: Message) -> Iterable[int]:
    """Who wants this message by mail and has an address."""
    told = Person.objects.filter(notices__message=message, is_active=True).exclude(email="")
    chosen = dict(Preference.objects.filter(kind=message.kind, person__in=told).values_list("person_id", "by_mail"))
    usual = kind_of(message.kind).by_mail
    return [pk for pk in told.order_by("pk").values_list("pk", flat=True) if chosen.get(pk, usual)]


def _next_mails(kind: str, outlet: Outlet, people: Iterable[int | None], at: datetime) -> Mapping[int | None, datetime]:
    """When the next mail of this kind may leave, for those who had one within the last five minutes."""
    recent = Letter.objects.filter(outlet=outlet, kind=kind, person__in=people, due_at__gt=at - DIGEST_EVERY)
    return {person: last + DIGEST_EVERY for person, last in recent.values_list("person").annotate(Max("due_at"))}


def _letter(kind: str, outlet: Outlet, person: int | None, due_at: datetime, at: datetime) -> Letter:
    """The letter that a message joins: one that still waits for its first try, else a new one."""
    untried = Letter.objects.select_for_update().filter(
        outlet=outlet, kind=kind, person=person, state=LetterState.WAITING, tries=0, size__lt=MOST[outlet.channel]
    )
    letter = untried.first() or Letter(outlet=outlet, kind=kind, person_id=person, due_at=due_at, created_at=at)
    letter.size += 1
    letter.save()
    return letter
