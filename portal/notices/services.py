"""Tells people things: into the outbox and their inbox, in the caller's transaction. Letters follow from there.

Whatever tells may be run twice, so a message has a key: what was said under it is not said again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from portal.access.models import Person
from portal.jobs import services as jobs
from portal.kit.refusals import StaleTransition, because
from portal.notices.kinds import kind_of
from portal.notices.models import Message, Notice, Preference

COUNTED = 100


def tell(people: Iterable[Person], *, kind: str, ticket_key: str, text: str, path: str, at: datetime, key: str) -> int:
    """Say something once to each of these people; returns how many were told now.

    `key` names what the message is about, such as `plan:7:expires`: under the same key nothing is said a second time.
    Webhooks that carry this kind hear of it as well, also when no person does.
    """
    listed = kind_of(kind)
    said = {"kind": kind, "ticket_key": ticket_key, "text": text.replace("\x00", "\ufffd"), "path": path}
    message, is_new = Message.objects.get_or_create(key=key, defaults={**said, "created_at": at})
    if not is_new:
        return 0
    told = {person.pk for person in people}
    hidden = set() if listed.is_mandatory else _not_in_inbox(told, kind)
    notices = [Notice(message=message, person_id=pk, is_in_inbox=pk not in hidden) for pk in sorted(told)]
    Notice.objects.bulk_create(notices)
    jobs.enqueue("notices.spread", subject_id=message.pk, at=at)
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


def _not_in_inbox(people: set[int], kind: str) -> set[int]:
    hidden = Preference.objects.filter(person_id__in=people, kind=kind, in_inbox=False)
    return set(hidden.values_list("person_id", flat=True))
