"""Registers the room with Django and in the navigation."""

from __future__ import annotations

from django.apps import AppConfig

from portal.kit import slots


class WaybackConfig(AppConfig):
    """The record of ways back: taken in earnest or rehearsed, worked or not."""

    name = "remediation.wayback"
    label = "wayback"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the entry to the navigation."""
        slots.add("nav", slots.NavItem("Operations", "operations", "arrow-back-up", order=55))
