"""Registers the room with Django, and the proof that is being made on the review page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.http import HttpRequest

from portal.kit import slots


class ReviewConfig(AppConfig):
    """Gates, edits, checklist and sign-off of a draft."""

    name = "remediation.review"
    label = "review"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the proof of a signed merge plan to the page that waits for it."""
        slots.register("review.plan", "review/proving.html", _proof)


def _proof(request: HttpRequest, plan: Any) -> Mapping[str, Any] | None:
    from remediation.review import proof_views  # noqa: PLC0415 - models are not loaded when this module is

    return proof_views.panel(request, plan)
