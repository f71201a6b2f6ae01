"""Puts a message into letters: one for each outlet that carries it and, by mail, for each person who wants it.

A message joins a letter of its kind that has not been tried yet. Mail of one kind to one person leaves at most every
five minutes, so a storm of alerts becomes a mail and a digest, not a thousand mails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, QuerySet

from portal.access.models import Person
from portal.jobs import services as jobs
from portal.notices.kinds import TEST, kind_of
from portal.notices.models import Enclosure, Letter, Message, Outlet, Preference
from portal.notices.states import LetterState

DIGEST_EVERY = timedelta(minutes=5)
MOST: dict[str, int] = {Outlet.Channel.MAIL: 10_000, Outlet.Channel.WEBHOOK: 100}
"""Messages in one letter: a mail merges them, a webhook lists them."""
AT_ONCE = 100
"""How many messages one job spreads."""


def spread(message_id: int, *, at: datetime, only: int | None = None) -> str:
    """Write the letters of a message and of what waits longer, once; `only` names the one outlet that a test is for."""
    if not Message.objects.filter(pk=message_id, spread_at=None).exists():
        return "Spread before."
    with transaction.atomic():
        outlets = list(Outlet.objects.select_for_update(no_key=True))  # spreading takes turns
        messages = list(_waiting(message_id, is_test=only is not None)[:AT_ONCE])
        carriers = [each for each in outlets if only in (None, each.pk)]
        written = sum(
            _enclose(message, outlet, at)
            for message in messages
            for outlet in carriers
            if only is not None or outlet.carries(message.kind)
        )
        Message.objects.filter(pk__in=[message.pk for message in messages]).update(spread_at=at)
        if len(messages) == AT_ONCE:
            jobs.enqueue("notices.spread", subject_id=message_id, at=at)
    return f"In {written} letters."


def _waiting(message_id: int, *, is_test: bool) -> QuerySet[Message]:
    """What is to be spread with a message, locked, oldest first; a test goes its own way, alone."""
    waiting = Message.objects.select_for_update().filter(spread_at=None)
    return waiting.filter(pk=message_id) if is_test else waiting.filter(pk__lte=message_id).exclude(kind=TEST.slug)


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
