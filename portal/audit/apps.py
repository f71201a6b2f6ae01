"""Registers the room with Django, with its entry in the navigation."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from portal.audit.people import may_read
from portal.kit import slots


class AuditConfig(AppConfig):
    """The append-only audit trail."""

    name = "portal.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Show the trail to those who may read it; after a migration see that transactions go on counting."""
        slots.add("nav", slots.NavItem("Audit", "audit", "history", order=80, permitted=may_read))
        post_migrate.connect(_go_on_counting, sender=self)


def _go_on_counting(**_: Any) -> None:
    from portal.audit import numbering  # noqa: PLC0415 - the database is there when migrations have run

    numbering.go_on()
