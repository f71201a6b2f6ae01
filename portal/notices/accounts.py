"""Hears what happened to people's accounts and tells them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from portal.access.announcing import announced
from portal.access.models import Person
from portal.notices import services as notices


def listen() -> None:
    """Listening twice changes nothing."""
    announced.connect(_tell, dispatch_uid="notices.accounts")


def _tell(*, people: Iterable[Person], text: str, path: str, key: str, at: datetime, **_: Any) -> None:
    notices.tell(people, kind="account", ticket_key="", text=text, path=path, key=key, at=at)
