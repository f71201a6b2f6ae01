"""Registers the room with Django."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """What people are told: an inbox on the portal."""

    name = "portal.notices"
    label = "notices"
    default_auto_field = "django.db.models.BigAutoField"
