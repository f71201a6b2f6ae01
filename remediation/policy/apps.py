"""Registers the room with Django and in the navigation."""

from django.apps import AppConfig

from portal.kit import slots


class PolicyConfig(AppConfig):
    """Category policies and the pure decision that explains itself."""

    name = "remediation.policy"
    label = "policy"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the entry to the navigation."""
        slots.add("nav", slots.NavItem("Policies", "policies", "scale", order=50))
