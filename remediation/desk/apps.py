"""Registers the room with Django, with the queue and the tickets in the navigation."""

from __future__ import annotations

from django.apps import AppConfig
from django.http import HttpRequest

from portal.kit import slots


class DeskConfig(AppConfig):
    """Joined reads: the queue, the ticket page, the ticket API."""

    name = "remediation.desk"
    label = "desk"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """The first two entries of every page."""
        slots.add("nav", slots.NavItem("Queue", "queue", "list-check", order=10, count=_waiting))
        slots.add("nav", slots.NavItem("Tickets", "tickets", "ticket", order=20))


def _waiting(request: HttpRequest) -> int:
    from portal.access.pages import person_of  # noqa: PLC0415 - models are not loaded when this module is
    from remediation.desk import waiting  # noqa: PLC0415

    return waiting.figures(person_of(request)).count
