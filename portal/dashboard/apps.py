"""Registers the room with Django and in the navigation."""

from django.apps import AppConfig

from portal.kit import slots


class DashboardConfig(AppConfig):
    """On top of everything: figures, walkthrough, demonstration data."""

    name = "portal.dashboard"
    label = "dashboard"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the entry to the navigation."""
        slots.add("nav", slots.NavItem("Overview", "overview", "layout-dashboard", order=70))
