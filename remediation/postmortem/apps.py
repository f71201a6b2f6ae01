"""Registers the room with Django, in the navigation and on the ticket page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.http import HttpRequest

from portal.kit import slots


class PostmortemConfig(AppConfig):
    """What is written down about a ticket when it is over."""

    name = "remediation.postmortem"
    label = "postmortem"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the entry to the navigation, and the postmortem to the page of its ticket."""
        slots.add("nav", slots.NavItem("Postmortems", "postmortems", "notebook", order=65))
        slots.register("ticket.aside", "postmortem/before.html", _before, order=10)
        slots.register("ticket.aside", "postmortem/aside.html", _aside, order=70)


def _before(request: HttpRequest, ticket: Any) -> Mapping[str, Any] | None:
    from remediation.postmortem import views  # noqa: PLC0415 - models are not loaded when this module is

    return views.before(request, ticket)


def _aside(request: HttpRequest, ticket: Any) -> Mapping[str, Any] | None:
    from remediation.postmortem import views  # noqa: PLC0415 - as above

    return views.aside(request, ticket)
