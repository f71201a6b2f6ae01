"""Configures connectors. Credentials are named, never shown or stored; tools are pinned by a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest

from remediation.connectors.models import Connector

if TYPE_CHECKING:
    ConnectorModelAdmin = admin.ModelAdmin[Connector]
else:
    ConnectorModelAdmin = admin.ModelAdmin


@admin.register(Connector)
class ConnectorAdmin(ConnectorModelAdmin):
    """A connector is switched off rather than deleted: old runs speak of it."""

    list_display = ["slug", "name", "families", "is_lab", "is_enabled"]
    list_filter = ["is_enabled", "is_lab"]
    readonly_fields = ["pinned_tools"]

    def has_delete_permission(self, request: HttpRequest, obj: Connector | None = None) -> bool:
        return False
