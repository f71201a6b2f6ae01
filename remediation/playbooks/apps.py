"""Registers the room with Django."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.http import HttpRequest

from portal.kit import slots

if TYPE_CHECKING:
    from remediation.connectors.providers import Provider
    from remediation.drafting.schema import RolePart


class PlaybooksConfig(AppConfig):
    """Ansible roles: what gates, proves, carries home and plays them."""

    name = "remediation.playbooks"
    label = "playbooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer to play roles to connectors that name it, and to judge them while they are drafted; fill pages."""
        from remediation.connectors import providers  # noqa: PLC0415 - models are not loaded before
        from remediation.drafting import mending  # noqa: PLC0415 - as above

        slots.register("ticket.main", "playbooks/request.html", _request, order=20)
        slots.register("review.plan", "playbooks/request.html", _request_for_plan, order=60)
        providers.register("roles", _roles)
        mending.register(_faults)


def _roles() -> Provider:
    from remediation.playbooks.provider import Roles  # noqa: PLC0415 - only who plays roles pays for what it imports

    return Roles()


def _faults(part: RolePart) -> list[str]:
    from remediation.playbooks import judging  # noqa: PLC0415 - only who drafts roles pays for what it imports

    return judging.faults(part)


def _request(request: HttpRequest, ticket: Any) -> Mapping[str, Any] | None:
    from remediation.playbooks.repository import views  # noqa: PLC0415 - models are not loaded when this module is

    return views.panel(request, ticket)


def _request_for_plan(request: HttpRequest, plan: Any) -> Mapping[str, Any] | None:
    from remediation.playbooks.repository import views  # noqa: PLC0415 - as above

    return views.panel_for_plan(request, plan)
