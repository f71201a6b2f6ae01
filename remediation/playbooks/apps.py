"""Registers the room with Django."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from remediation.connectors.providers import Provider
    from remediation.drafting.schema import RolePart


class PlaybooksConfig(AppConfig):
    """Ansible roles: what gates, proves, carries home and plays them."""

    name = "remediation.playbooks"
    label = "playbooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Offer to play roles to connectors that name it, and to judge them while they are drafted."""
        from remediation.connectors import providers  # noqa: PLC0415 - models are not loaded before
        from remediation.drafting import mending  # noqa: PLC0415 - as above

        providers.register("roles", _roles)
        mending.register(_faults)


def _roles() -> Provider:
    from remediation.playbooks.provider import Roles  # noqa: PLC0415 - only who plays roles pays for what it imports

    return Roles()


def _faults(part: RolePart) -> list[str]:
    from remediation.playbooks import judging  # noqa: PLC0415 - only who drafts roles pays for what it imports

    return judging.faults(part)
