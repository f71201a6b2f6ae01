"""Says what happened to somebody's account. Rooms above, which know how people are reached, listen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.dispatch import Signal

from portal.access.models import Person

announced = Signal()


def tell(people: Iterable[Person], *, text: str, path: str, key: str, at: datetime) -> None:
    """Announce something to these people, once under this key, in the caller's transaction."""
    announced.send(Person, people=list(people), text=text, path=path, key=key, at=at)
