"""Registers the room with Django."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """The job ledger and the worker clusters; the only room that knows django-q2."""

    name = "portal.jobs"
    label = "jobs"
    default_auto_field = "django.db.models.BigAutoField"
