"""People with roles and grants, and API clients that carry a token, for tests of any room."""

from __future__ import annotations

from collections.abc import Collection

from django.utils import timezone
from rest_framework.test import APIClient

from portal.access import grants, roles, tokens
from portal.access.models import Person, Scope
from portal.estate.models import Category


def person(name: str, *held: str, sees: Collection[Category] = ()) -> Person:
    """A person with these roles, and the grant to see these categories."""
    made, _ = Person.objects.get_or_create(username=name)
    groups = roles.load()
    made.groups.add(*(groups[role] for role in held))
    for category in sees:
        grants.give(to=made, verb="see", category=category, actor=made.at("command"), at=timezone.now())
    return made


def caller(of: Person, *scopes: str) -> APIClient:
    """A client with a fresh token of this person, with all scopes unless some are named."""
    _, text = tokens.issue(
        person=of, name="test", scopes=scopes or Scope.values, actor=of.at("command"), at=timezone.now()
    )
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client
