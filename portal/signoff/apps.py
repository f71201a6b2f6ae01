"""Registers the room with Django, with the stop in the header and its banner above everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.http import HttpRequest

from portal.kit import slots


def may_stop(request: HttpRequest) -> bool:
    """Whether the person may engage and release the emergency stop."""
    return request.user.has_perm("signoff.add_stop")


class SignoffConfig(AppConfig):
    """Immutable plans and the votes on them; freezes and the emergency stop."""

    name = "portal.signoff"
    label = "signoff"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell everybody of a stop, and keep its button within reach of those who may press it."""
        slots.register("header.alerts", "signoff/banner.html", _banner)
        slots.register("header.tools", "signoff/button.html", _button, order=20)
        slots.register("header.user", "signoff/menu.html", _menu)


def _banner(request: HttpRequest) -> Mapping[str, Any] | None:
    from portal.signoff import brakes  # noqa: PLC0415 - models are not loaded when this module is

    stops = brakes.live() if request.user.is_authenticated else []
    return {"stops": stops} if stops else None


def _button(request: HttpRequest) -> Mapping[str, Any] | None:
    return {} if may_stop(request) else None


def _menu(_: HttpRequest) -> Mapping[str, Any]:
    return {}
