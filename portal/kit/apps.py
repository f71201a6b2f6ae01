"""Registers the room with Django."""

from django.apps import AppConfig


class KitConfig(AppConfig):
    """Shared small pieces without models: refusals, canonical text, redaction, pages, problems, template tags."""

    name = "portal.kit"
    label = "kit"
    default_auto_field = "django.db.models.BigAutoField"
