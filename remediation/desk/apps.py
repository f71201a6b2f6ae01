"""Registers the room with Django."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """Joined reads: the queue, the ticket page, the ticket API."""

    name = "remediation.desk"
    label = "desk"
    default_auto_field = "django.db.models.BigAutoField"
