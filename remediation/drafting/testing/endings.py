"""How drafting can end without a draft, for tests of the rooms above."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from portal.kit.actors import system
from remediation.drafting import services
from remediation.drafting.states import Status


def ask_person(remediation_id: int, *, reason: str, at: datetime) -> None:
    """The drafter could not go on without a person."""
    _end(remediation_id, Status.NEEDS_PERSON, reason, at)


def fail(remediation_id: int, *, reason: str, at: datetime) -> None:
    """Drafting did not work."""
    _end(remediation_id, Status.FAILED, reason, at)


def _end(remediation_id: int, to: Status, reason: str, at: datetime) -> None:
    with transaction.atomic():
        services.move(services.locked(remediation_id), to, actor=system("drafting"), at=at, reason=reason)
