"""Tells people things: into the outbox and their inbox, in the caller's transaction. Letters follow from there.

Whatever tells may be run twice, so a message has a key: what was said under it is not said again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from portal.access.models import Person
from portal.jobs import services as jobs
from portal.kit.refusals import StaleTransition, because
from portal.notices.kinds import kind_of
from portal.notices.models import Message, Notice, Preference

COUNTED = 100


@dataclass(frozen=True, slots=True)
class Saying:
    """Something to say once. `key` names what it is about, such as `plan:7:expires`."""

    people: Iterable[Person]
    kind: str
    ticket_key: str
    text: str
    path: str
    key: str


def tell(people: Iterable[Person], *, kind: str, ticket_key: str, text: str, path: str, at: datetime, key: str) -> int:
    """Say something once to each of these people; returns how many were told now.

    Under the same key nothing is said a second time. Webhooks that carry this kind hear of it as well, also when no
    person does.
    """
    return tell_all([Saying(people, kind, ticket_key, text, path, key)], at=at)


def tell_all(sayings: Iterable[Saying], *, at: datetime) -> int:
    """Say many things, each like `tell`, in as few statements as one."""
    told = {message: {each.pk for each in saying.people} for message, saying in _new(sayings, at)}
    hidden = _hidden(told)
    notices = [
        Notice(message=message, person_id=pk, is_in_inbox=(message.kind, pk) not in hidden)
        for message, people in told.items()
        for pk in sorted(people)
    ]
    Notice.objects.bulk_create(notices)
    if told:
        jobs.enqueue("notices.spread", subject_id=max(message.pk for message in told), at=at)
    return len(notices)


def inbox(person: Person, *, only_unread: bool = False) -> QuerySet[Notice]:
    """A person's notices, with what they say."""
    own = Notice.objects.filter(person=person, is_in_inbox=True).select_related("message")
    return own.filter(read_at=None) if only_unread else own


def unread(person_id: int) -> int:
    """How many notices a person has not read; stops counting at 100."""
    return Notice.objects.filter(person_id=person_id, is_in_inbox=True, read_at=None)[:COUNTED].count()


def mark_read(person: Person, *, until: int, at: datetime) -> int:
    """Mark the notice that the person saw on top, and everything older, as read; what arrived later stays new."""
    return inbox(person, only_unread=True).filter(pk__lte=until).update(read_at=at)


def mark_one_read(person: Person, notice_id: int, *, at: datetime) -> None:
    """Mark one notice as read; StaleTransition if it is read already."""
    if not inbox(person, only_unread=True).filter(pk=notice_id).update(read_at=at):
        raise StaleTransition(because("read", "This notice was marked as read before."))


def _new(sayings: Iterable[Saying], at: datetime) -> list[tuple[Message, Saying]]:
    """What had not been said before, as messages; of two who say the same at once, one says it."""
    wanted = {each.key: each for each in sayings}
    for each in wanted.values():
        kind_of(each.kind)
    rows = [
        Message(
            key=each.key,
            kind=each.kind,
            ticket_key=each.ticket_key,
            text=each.text.replace("\x00", "\ufffd"),
            path=each.path,
            created_at=at,
        )
        for each in wanted.values()
    ]
    Message.objects.bulk_create(rows, ignore_conflicts=True)
    own = Message.objects.filter(uid__in=[row.uid for row in rows])
    return [(message, wanted[message.key]) for message in own]


def _hidden(told: Mapping[Message, set[int]]) -> set[tuple[str, int]]:
    """Which of these kinds which of these people keep out of their inbox."""
    kinds = {message.kind for message in told if not kind_of(message.kind).is_mandatory}
    if not kinds:
        return set()
    hidden = Preference.objects.filter(person_id__in=set().union(*told.values()), kind__in=kinds, in_inbox=False)
    return set(hidden.values_list("kind", "person_id"))
