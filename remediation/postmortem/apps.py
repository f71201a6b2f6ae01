"""Registers the room with Django, beside the list of tickets and on the page of a ticket."""

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
        """Link the list from that of the tickets; add what happened before, and the postmortem, to a ticket's page."""
        slots.register("tickets.head", "postmortem/link.html", _link)
        slots.register("ticket.aside", "postmortem/before.html", _before, order=10)
        slots.register("ticket.aside", "postmortem/aside.html", _aside, order=70)


def _link(_request: HttpRequest) -> Mapping[str, Any]:
    return {}


def _before(request: HttpRequest, ticket: Any) -> Mapping[str, Any] | None:
    from remediation.postmortem import views  # noqa: PLC0415 - models are not loaded when this module is

    return views.before(request, ticket)


def _aside(request: HttpRequest, ticket: Any) -> Mapping[str, Any] | None:
    from remediation.postmortem import views  # noqa: PLC0415 - as above

    return views.aside(request, ticket)
