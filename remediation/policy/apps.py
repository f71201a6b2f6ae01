"""Registers the room with Django, in the navigation, and with the sign-off."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from django.apps import AppConfig

from portal.kit import slots
from portal.kit.refusals import Reason
from portal.signoff import counting

if TYPE_CHECKING:
    from portal.access.models import Person
    from portal.signoff.models import Plan


class PolicyConfig(AppConfig):
    """Category policies and the pure decision that explains itself."""

    name = "remediation.policy"
    label = "policy"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the entry to the navigation, and tell the sign-off whose signatures count."""
        slots.add("nav", slots.NavItem("Policies", "policies", "scale", order=50))
        counting.add(_not_counted)


def _not_counted(plan: Plan, people: Collection[Person]) -> Mapping[int, Reason]:
    from remediation.policy import approving  # noqa: PLC0415 - models are not loaded when this module is

    return approving.not_counted(plan, people)
