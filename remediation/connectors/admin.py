"""Configures connectors. Credentials are named, never shown or stored; tools are pinned by a command."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.db import models

from portal.audit.admin import Audited
from remediation.connectors.models import Connector


@admin.register(Connector)
class ConnectorAdmin(Audited):
    """A connector is switched off rather than deleted: old runs speak of it."""

    list_display = ["slug", "name", "families", "is_lab", "is_enabled"]
    list_filter = ["is_enabled", "is_lab"]
    readonly_fields = ["pinned_tools"]
    formfield_overrides: ClassVar = {**Audited.formfield_overrides, models.URLField: {"assume_scheme": "https"}}
