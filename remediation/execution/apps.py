"""Registers the room with Django, and the rehearsal on the review page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.http import HttpRequest

from portal.kit import slots


class ExecutionConfig(AppConfig):
    """Runs exactly what was signed: intent, action, outcome, verify, rollback."""

    name = "remediation.execution"
    label = "execution"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the rehearsal of a plan to the page on which it is signed, and brakes to every page of a ticket."""
        slots.register("review.plan", "policy/_engaged.html", _engaged_for_plan, order=40)
        slots.register("review.plan", "execution/rehearsal.html", _rehearsal)
        slots.register("ticket.main", "policy/_engaged.html", _engaged, order=10)
        slots.register("run.head", "policy/_engaged.html", _engaged)


def _rehearsal(request: HttpRequest, plan: Any) -> Mapping[str, Any] | None:
    from remediation.execution import rehearsal_views  # noqa: PLC0415 - models are not loaded when this module is

    return rehearsal_views.panel(request, plan)


def _engaged(_request: HttpRequest, ticket: Any) -> Mapping[str, Any] | None:
    from remediation.execution import blocking  # noqa: PLC0415 - as above

    brakes = blocking.engaged_for(ticket)
    return {"brakes": brakes} if brakes else None


def _engaged_for_plan(request: HttpRequest, plan: Any) -> Mapping[str, Any] | None:
    from remediation.tickets.models import Ticket  # noqa: PLC0415 - as above

    return _engaged(request, Ticket.objects.get(pk=plan.ticket_id)) if plan else None
