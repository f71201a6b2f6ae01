"""Registers the room with Django."""

from django.apps import AppConfig


class DraftingConfig(AppConfig):
    """Turns a ticket into a draft: one protocol, two drafters, every attempt kept."""

    name = "remediation.drafting"
    label = "drafting"
    default_auto_field = "django.db.models.BigAutoField"
