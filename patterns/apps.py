"""Registers the room with Django."""

from django.apps import AppConfig


class PatternsConfig(AppConfig):
    """What happened before: signatures, occurrences, reliability, standing."""

    name = "patterns"
    label = "patterns"
    default_auto_field = "django.db.models.BigAutoField"
