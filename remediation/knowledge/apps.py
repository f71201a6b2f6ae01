"""Registers the room with Django."""

from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    """Runbooks, and finding the ones that fit a ticket."""

    name = "remediation.knowledge"
    label = "knowledge"
    default_auto_field = "django.db.models.BigAutoField"
