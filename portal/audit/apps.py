"""Registers the room with Django."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The append-only audit trail."""

    name = "portal.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"
