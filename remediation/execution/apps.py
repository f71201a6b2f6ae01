"""Registers the room with Django."""

from django.apps import AppConfig


class ExecutionConfig(AppConfig):
    """Runs exactly what was signed: intent, action, outcome, verify, rollback."""

    name = "remediation.execution"
    label = "execution"
    default_auto_field = "django.db.models.BigAutoField"
