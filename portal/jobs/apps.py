"""Registers the room with Django, finds the handlers of all rooms and plants their kinds and schedules."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.http import HttpRequest
from django.utils.module_loading import autodiscover_modules

from portal.kit import slots


class JobsConfig(AppConfig):
    """The job ledger and the worker clusters; the only room that knows django-q2."""

    name = "portal.jobs"
    label = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import every room's `tasks` and `subjects`: handlers are known to every process, and what jobs are about."""
        autodiscover_modules("tasks", "subjects")
        slots.add("nav", slots.NavItem("Jobs", "jobs", "activity", order=77, permitted=_may_look, count=_count_dead))
        post_migrate.connect(_plant, sender=self)


def _may_look(request: HttpRequest) -> bool:
    return request.user.has_perm("jobs.view_job")


def _count_dead(_request: HttpRequest) -> int:
    from portal.jobs import reading  # noqa: PLC0415 - models are not loaded when this module is

    return reading.count_dead()


def _plant(**_: Any) -> None:
    from django.utils import timezone  # noqa: PLC0415 - models are not loaded when this module is

    from portal.jobs import kinds, schedules  # noqa: PLC0415

    kinds.plant()
    schedules.plant(at=timezone.now())
