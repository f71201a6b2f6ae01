"""Registers the room with Django."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """People and machines, their tokens, roles and per-category grants."""

    name = "portal.access"
    label = "access"
    default_auto_field = "django.db.models.BigAutoField"
