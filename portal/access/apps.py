"""Registers the room with Django, with sign-ins heard and the entries of a person's menu in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig, apps
from django.http import HttpRequest

from portal.kit import slots


class AccessConfig(AppConfig):
    """People and machines, their tokens, roles and per-category grants."""

    name = "portal.access"
    label = "access"
    verbose_name = "People"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Record sign-ins through every door, and offer tokens and password in the menu."""
        from portal.access import sessions  # noqa: PLC0415 - models are not loaded when this module is

        sessions.listen()
        apps.get_app_config("auth").verbose_name = "Groups"  # all that the settings show of it
        slots.register("header.user", "access/menu.html", _nothing)
        slots.add("nav", slots.NavItem("Rights", "rights", "user-check", order=75, permitted=_may_look))


def _may_look(request: HttpRequest) -> bool:
    from portal.access import rights  # noqa: PLC0415 - models are not loaded when this module is
    from portal.access.models import Person  # noqa: PLC0415

    return isinstance(request.user, Person) and rights.may_look(request.user)


def _nothing(_: HttpRequest, *__: Any) -> Mapping[str, Any]:
    return {}
