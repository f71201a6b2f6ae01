"""Registers the room with Django."""

from django.apps import AppConfig


class TicketsConfig(AppConfig):
    """Incident tickets and the evidence that came with them."""

    name = "remediation.tickets"
    label = "tickets"
    default_auto_field = "django.db.models.BigAutoField"
