"""Registers the room with Django."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """On top of everything: figures, walkthrough, demonstration data."""

    name = "portal.dashboard"
    label = "dashboard"
    default_auto_field = "django.db.models.BigAutoField"
