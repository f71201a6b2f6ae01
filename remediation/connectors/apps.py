"""Registers the room with Django."""

from django.apps import AppConfig


class ConnectorsConfig(AppConfig):
    """The operation catalogue and the MCP servers that carry it out."""

    name = "remediation.connectors"
    label = "connectors"
    default_auto_field = "django.db.models.BigAutoField"
