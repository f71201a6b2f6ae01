"""Tells people things, in their inbox on the portal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from portal.access.models import Person
from portal.notices.models import Notice


def tell(people: Iterable[Person], *, kind: str, ticket_key: str, text: str, path: str, at: datetime) -> int:
    """One notice for each person, in the caller's transaction; returns how many were told."""
    notices = [
        Notice(person=person, kind=kind, ticket_key=ticket_key, text=text, path=path, created_at=at)
        for person in people
    ]
    return len(Notice.objects.bulk_create(notices))


def unread(person_id: int) -> int:
    """How many notices a person has not read; stops counting at 100."""
    return Notice.objects.filter(person_id=person_id, read_at=None)[:100].count()


def mark_read(person: Person, *, at: datetime) -> int:
    """Mark everything up to now as read."""
    return Notice.objects.filter(person=person, read_at=None, created_at__lte=at).update(read_at=at)
