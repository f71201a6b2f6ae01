"""Registers the room with Django, in the navigation and on the ticket page."""

from django.apps import AppConfig

from portal.kit import slots


class DashboardConfig(AppConfig):
    """On top of everything: figures, walkthrough, demonstration data."""

    name = "portal.dashboard"
    label = "dashboard"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the entry to the navigation, and the incident bundle to the ticket page."""
        from portal.dashboard.bundle import views  # noqa: PLC0415 - models are not loaded when this module is

        slots.add("nav", slots.NavItem("Overview", "overview", "layout-dashboard", order=70))
        slots.register("ticket.aside", "dashboard/bundle/aside.html", views.aside, order=90)
