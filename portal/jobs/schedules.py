"""What runs by the clock: rooms plant schedules, and the general cluster ticks them."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.db.models import QuerySet

from portal.audit import services as audit
from portal.jobs import registry, services
from portal.jobs.models import Schedule
from portal.kit.actors import Actor, Ref

logger = logging.getLogger(__name__)


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
    due = Schedule.objects.filter(is_enabled=True, next_at__lte=at).values_list("pk", flat=True)
    return sum(_run(pk, at) for pk in list(due))


def switch(schedule_id: int, *, on: bool, actor: Actor, at: datetime) -> Schedule:
    """Turns a schedule on or off."""
    with transaction.atomic():
        schedule = Schedule.objects.select_for_update().get(pk=schedule_id)
        data = {"before": {"is_enabled": schedule.is_enabled}, "after": {"is_enabled": on}}
        schedule.is_enabled = on
        schedule.save(update_fields=["is_enabled"])
        kind = "schedule.enabled" if on else "schedule.disabled"
        audit.record(kind, actor=actor, at=at, subject=Ref("jobs.schedule", schedule.pk, schedule.name), data=data)
    return schedule


def _run(pk: int, at: datetime) -> bool:
    try:
        with transaction.atomic():
            schedule = _still_due(at).filter(pk=pk).first()
            if schedule is None:
                return False  # another host ticks it
            schedule.full_clean(validate_unique=False, validate_constraints=False)
            services.enqueue(schedule.kind, payload=schedule.payload, at=at, key=f"schedule:{schedule.name}")
            _move_on(pk, at=at, every_seconds=schedule.every_seconds, error="")
    except (ValidationError, DatabaseError, registry.UnknownKind) as error:
        logger.exception("Schedule %s cannot run", pk)
        _move_on(pk, at=at, every_seconds=300, error=str(error))
        return False
    return True


def _still_due(at: datetime) -> QuerySet[Schedule]:
    return Schedule.objects.select_for_update(skip_locked=True).filter(is_enabled=True, next_at__lte=at)


def _move_on(pk: int, *, at: datetime, every_seconds: int, error: str) -> None:
    Schedule.objects.filter(pk=pk).update(next_at=at + timedelta(seconds=every_seconds), error=error)
