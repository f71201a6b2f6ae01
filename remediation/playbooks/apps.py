"""Registers the room with Django."""

from __future__ import annotations

from django.apps import AppConfig


class PlaybooksConfig(AppConfig):
    """Ansible roles: what gates, proves, carries home and plays them."""

    name = "remediation.playbooks"
    label = "playbooks"
    default_auto_field = "django.db.models.BigAutoField"
