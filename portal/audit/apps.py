"""Registers the room with Django, with its entry in the navigation."""

from django.apps import AppConfig
from django.http import HttpRequest

from portal.kit import slots


def may_read(request: HttpRequest) -> bool:
    """Whether the person may read the trail: auditors and policy admins."""
    return request.user.has_perm("audit.view_event")


class AuditConfig(AppConfig):
    """The append-only audit trail."""

    name = "portal.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Show the trail to those who may read it."""
        slots.add("nav", slots.NavItem("Audit", "audit", "history", order=80, permitted=may_read))
