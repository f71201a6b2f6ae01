"""Registers the room with Django."""

from django.apps import AppConfig


class PolicyConfig(AppConfig):
    """Category policies and the pure decision that explains itself."""

    name = "remediation.policy"
    label = "policy"
    default_auto_field = "django.db.models.BigAutoField"
