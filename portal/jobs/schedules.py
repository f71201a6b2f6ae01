"""What runs by the clock: rooms plant schedules, people change them, and the general cluster ticks them."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import QuerySet

from portal.access.models import Person
from portal.audit import services as audit
from portal.jobs import registry, services
from portal.jobs.models import Schedule
from portal.kit.actors import Actor, Door, Ref
from portal.kit.refusals import NotAllowed, Refused, because

logger = logging.getLogger(__name__)

LOOKS = "jobs.view_schedule"
CHANGES = "jobs.change_schedule"
FAILED = "schedule.failed"
"""The event that a schedule which worked before cannot run."""
_SECOND_LOOK = timedelta(minutes=5)
_PATIENCE = "500ms"  # for a row that somebody else holds: the other schedules wait meanwhile
_LONGEST_ERROR = 2000


def plant(*, at: datetime) -> None:
    """Adds the schedules that rooms declare and the table does not have yet; what people changed stays as it is."""
    for kind, every_seconds in registry.periodic():
        Schedule.objects.get_or_create(
            name=kind, defaults={"kind": kind, "every_seconds": every_seconds, "next_at": at}
        )


def tick(*, at: datetime) -> int:
    """Enqueues the job of every schedule that is due, each in a transaction of its own; returns how many it enqueued.

    A schedule that cannot run keeps its error for people to see, and stands in nobody's way. Missed times stay missed.
    """
    due = Schedule.objects.filter(is_enabled=True, next_at__lte=at).order_by("next_at").values_list("pk", flat=True)
    return sum(_run(pk, at) for pk in list(due))


def switch(schedule_id: int, *, on: bool, person: Person, door: Door, at: datetime) -> Schedule:
    """Turns a schedule on or off. One that is turned on runs at once, or says why it cannot."""
    _require(person)
    with transaction.atomic():
        schedule = Schedule.objects.select_for_update().get(pk=schedule_id)
        if on:
            _refuse_what_cannot_run(schedule)
        change = {"is_enabled": on} | ({"next_at": at, "error": ""} if on and not schedule.is_enabled else {})
        data = _changed(schedule, change)
        _record("schedule.enabled" if on else "schedule.disabled", schedule, person.at(door), at, data)
    return schedule


def set_period(schedule_id: int, *, every_seconds: int, person: Person, door: Door, at: datetime) -> Schedule:
    """Has a schedule run every so many seconds from now on."""
    _require(person)
    with transaction.atomic():
        schedule = Schedule.objects.select_for_update().get(pk=schedule_id)
        change = {"every_seconds": every_seconds, "next_at": min(schedule.next_at, _after(at, every_seconds))}
        data = _changed(schedule, change)
        _record("schedule.changed", schedule, person.at(door), at, data)
    return schedule


def refuse_strangers(person: Person) -> None:
    """Raise NotAllowed for whoever does not look after the jobs."""
    if not person.has_perm(LOOKS):
        raise NotAllowed(because("operate", "Operators and policy admins look after the jobs."))


def _require(person: Person) -> None:
    if not person.has_perm(CHANGES):
        raise NotAllowed(because("configure", "Policy admins say what runs by the clock."))


def _changed(schedule: Schedule, change: dict[str, Any]) -> dict[str, Any]:
    """Write the new values; answers what changed, or Refused with what is wrong with them."""
    before = _said(schedule)
    for name, value in change.items():
        setattr(schedule, name, value)
    try:
        schedule.clean_fields()
    except ValidationError as wrong:
        raise Refused(*_reasons(wrong)) from wrong
    schedule.save(update_fields=list(change))
    return {"before": before, "after": _said(schedule)}


def _said(schedule: Schedule) -> dict[str, Any]:
    return {"every_seconds": schedule.every_seconds, "is_enabled": schedule.is_enabled}


def _record(kind: str, schedule: Schedule, actor: Actor, at: datetime, data: dict[str, Any]) -> None:
    audit.record(kind, actor=actor, at=at, subject=Ref("jobs.schedule", schedule.pk, schedule.name), data=data)


def _refuse_what_cannot_run(schedule: Schedule) -> None:
    try:
        schedule.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as wrong:
        raise Refused(*_reasons(wrong)) from wrong


def _run(pk: int, at: datetime) -> bool:
    try:
        with transaction.atomic():
            _have_little_patience()
            schedule = _still_due(at).filter(pk=pk).first()
            if schedule is None:
                return False  # another host ticks it
            schedule.full_clean(validate_unique=False, validate_constraints=False)
            services.enqueue(schedule.kind, payload=schedule.payload, at=at, key=f"schedule:{schedule.name}")
            _move_on(pk, next_at=_after(at, schedule.every_seconds), error="")
    except InterfaceError:
        raise  # the connection is gone, and with it every other schedule
    except Exception as error:  # whatever is wrong with one of them concerns no other
        if isinstance(error, OperationalError) and not connection.is_usable():
            raise
        logger.exception("Schedule %s cannot run", pk)
        _give_up_for_now(pk, at, error)
        return False
    return True


def _give_up_for_now(pk: int, at: datetime, error: Exception) -> None:
    text = "; ".join(error.messages) if isinstance(error, ValidationError) else f"{type(error).__name__}: {error}"
    with transaction.atomic():
        worked_before = Schedule.objects.filter(pk=pk, error="").exists()
        _move_on(pk, next_at=at + _SECOND_LOOK, error=text.replace("\x00", "\ufffd")[:_LONGEST_ERROR])
        if worked_before:
            services.publish(FAILED, subject_id=pk, at=at)


def _have_little_patience() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{_PATIENCE}'")


def _still_due(at: datetime) -> QuerySet[Schedule]:
    return Schedule.objects.select_for_update(skip_locked=True).filter(is_enabled=True, next_at__lte=at)


def _move_on(pk: int, *, next_at: datetime, error: str) -> None:
    Schedule.objects.filter(pk=pk).update(next_at=next_at, error=error)


def _after(at: datetime, seconds: int) -> datetime:
    return at + timedelta(seconds=seconds)


def _reasons(wrong: ValidationError) -> list[Any]:
    return [
        because("invalid", message, None if name == "__all__" else name)
        for name, messages in wrong.message_dict.items()
        for message in messages
    ]
