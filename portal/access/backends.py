"""How Django asks who somebody is and what they may do: passwords its own way, permissions from `grants`."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

from portal.access import grants
from portal.access.models import Person


class GrantsBackend(ModelBackend):
    """Django's backend asks two queries for permissions, guardian's two more; here one answers everything."""

    def has_perm(self, user_obj: Any, perm: str, obj: object = None) -> bool:
        """Whether a permission is held on everything; what holds in one category is the services' business."""
        return obj is None and isinstance(user_obj, Person) and grants.of(user_obj).holds(perm)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether there is anything for the person in a room's settings."""
        held = self.get_all_permissions(user_obj)
        return any(permission.startswith(f"{app_label}.") for permission in held)

    def get_all_permissions(self, user_obj: Any, obj: object = None) -> set[str]:
        """Every permission held on everything; a superuser is asked before any backend is."""
        return set(grants.of(user_obj).permissions) if isinstance(user_obj, Person) and obj is None else set()
