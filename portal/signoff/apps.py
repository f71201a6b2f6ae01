"""Registers the room with Django, with the stop in the header and its banner above everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.http import HttpRequest
from django.utils import timezone

from portal.kit import slots
from portal.signoff.states import PlanStatus

if TYPE_CHECKING:
    from portal.signoff.models import Plan


def may_stop(request: HttpRequest) -> bool:
    """Whether the person may engage and release the emergency stop."""
    return request.user.has_perm("signoff.add_stop")


class SignoffConfig(AppConfig):
    """Immutable plans and the votes on them; freezes and the emergency stop."""

    name = "portal.signoff"
    label = "signoff"
    verbose_name = "Sign-offs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell everybody of a stop, and keep its button within reach of those who may press it."""
        slots.register("header.alerts", "signoff/banner.html", _banner)
        slots.register("header.tools", "signoff/button.html", _button, order=20)
        slots.register("header.user", "signoff/menu.html", _menu)
        slots.register("review.plan", "signoff/on_duty.html", _on_duty)


def _banner(request: HttpRequest) -> Mapping[str, Any] | None:
    from portal.signoff import brakes  # noqa: PLC0415 - models are not loaded when this module is

    is_shown = request.user.is_authenticated and brakes.is_any_live()
    return {"stops": brakes.live()} if is_shown else None


def _button(request: HttpRequest) -> Mapping[str, Any] | None:
    if not may_stop(request):
        return None
    path = request.get_full_path() if request.method == "GET" else ""
    return {"path": path, "reason": f"Stopped from {request.path}"}


def _menu(_: HttpRequest) -> Mapping[str, Any]:
    return {}


def _on_duty(_: HttpRequest, plan: Plan | None) -> Mapping[str, Any] | None:
    from portal.signoff import duties  # noqa: PLC0415 - models are not loaded when this module is

    found = duties.of(plan, at=timezone.now()) if plan and plan.status == PlanStatus.OPEN else None
    return {"holders": [(found.first, None), (found.backup, found.escalates_at)]} if found else None
