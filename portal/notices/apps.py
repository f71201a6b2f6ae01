"""Registers the room with Django, with the bell in the header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.http import HttpRequest

from portal.kit import slots


class NoticesConfig(AppConfig):
    """What people are told: an inbox on the portal."""

    name = "portal.notices"
    label = "notices"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Ring the bell on every page, and hear of people's accounts."""
        from portal.notices import accounts  # noqa: PLC0415 - models are not loaded when this module is

        accounts.listen()
        slots.register("header.tools", "notices/bell.html", _bell, order=80)


def _bell(request: HttpRequest) -> Mapping[str, Any] | None:
    from portal.notices import services as notices  # noqa: PLC0415 - models are not loaded when this module is

    return {"unread": notices.unread(request.user.pk)} if request.user.is_authenticated else None
