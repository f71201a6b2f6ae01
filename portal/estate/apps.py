"""Registers the room with Django."""

from django.apps import AppConfig


class EstateConfig(AppConfig):
    """What the organisation runs: categories, services, targets, and who holds a target now."""

    name = "portal.estate"
    label = "estate"
    default_auto_field = "django.db.models.BigAutoField"
