"""Registers the room with Django, finds the handlers of all rooms and plants their kinds and schedules."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    """The job ledger and the worker clusters; the only room that knows django-q2."""

    name = "portal.jobs"
    label = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import every room's `tasks` module, so that its handlers are known wherever jobs are enqueued or run."""
        autodiscover_modules("tasks")
        post_migrate.connect(_plant, sender=self)


def _plant(**_: Any) -> None:
    from django.utils import timezone  # noqa: PLC0415 - models are not loaded when this module is

    from portal.jobs import kinds, schedules  # noqa: PLC0415

    kinds.plant()
    schedules.plant(at=timezone.now())
