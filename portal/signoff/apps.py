"""Registers the room with Django."""

from django.apps import AppConfig


class SignoffConfig(AppConfig):
    """Immutable plans and the votes on them; freezes and the emergency stop."""

    name = "portal.signoff"
    label = "signoff"
    default_auto_field = "django.db.models.BigAutoField"
