"""Registers the room with Django and in the navigation."""

from django.apps import AppConfig

from portal.kit import slots


class PatternsConfig(AppConfig):
    """What happened before: signatures, occurrences, reliability, standing."""

    name = "patterns"
    label = "patterns"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the entry to the navigation."""
        slots.add("nav", slots.NavItem("Patterns", "patterns", "chart-dots-3", order=40))
