"""Registers the room with Django."""

from django.apps import AppConfig


class ReviewConfig(AppConfig):
    """Gates, edits, checklist and sign-off of a draft."""

    name = "remediation.review"
    label = "review"
    default_auto_field = "django.db.models.BigAutoField"
