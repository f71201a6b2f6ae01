"""Registers the room with Django, in the navigation, and on the page of a pattern."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.http import HttpRequest

from portal.kit import slots


class AutonomyConfig(AppConfig):
    """Certificates, and the machine's votes under them."""

    name = "remediation.autonomy"
    label = "autonomy"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the entry to the navigation, and what each fix of a pattern lacks to its page."""
        slots.add("nav", slots.NavItem("Certificates", "certificates", "robot", order=45))
        slots.register("pattern.standing", "autonomy/pattern.html", _fixes)


def _fixes(_request: HttpRequest, pattern: Any) -> Mapping[str, Any]:
    from django.utils import timezone  # noqa: PLC0415 - models are not loaded when this module is

    from remediation.autonomy import fixes  # noqa: PLC0415

    return {"pattern": pattern, "fixes": fixes.of_pattern(pattern, at=timezone.now())}
