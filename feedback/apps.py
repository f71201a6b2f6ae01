"""Registers the room with Django."""

from django.apps import AppConfig


class FeedbackConfig(AppConfig):
    """What engineers say about a remediation after the fact."""

    name = "feedback"
    label = "feedback"
    default_auto_field = "django.db.models.BigAutoField"
