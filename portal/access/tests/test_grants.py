"""Who may do what where: roles hold everywhere, grants in one category, and one question answers both."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group

from portal.access import grants, roles
from portal.access.models import Person
from portal.estate.models import VERBS, Category
from portal.kit.actors import Actor
from portal.kit.refusals import NotAllowed
from portal.kit.testing.queries import statements

BY_ROOT: dict[str, Any] = {"actor": Actor("human", 1, "root", "admin"), "at": datetime(2026, 5, 4, tzinfo=UTC)}


@pytest.fixture
def storage(db: None) -> Category:
    return Category.objects.create(slug="storage", name="Storage")


@pytest.fixture
def network(db: None) -> Category:
    return Category.objects.create(slug="network", name="Network")


def fresh(person: Person) -> Person:
    """The person as the next request sees them: grants are read once per request."""
    return Person.objects.get(pk=person.pk)


@pytest.mark.parametrize("role", roles.ROLES)
def test_a_role_holds_in_every_category_and_gives_nothing_else(role: str, storage: Category, network: Category) -> None:
    person = Person.objects.create_user("alice")
    person.groups.add(roles.load()[role])
    granted = grants.of(fresh(person))
    allowed = {verb for verb in VERBS if granted.may(verb, storage.pk)}
    assert allowed == set(roles.ROLES[role])
    assert all(granted.may(verb, network.pk) == (verb in allowed) for verb in VERBS)


@pytest.mark.parametrize("through_group", [True, False])
def test_a_grant_holds_in_its_category_only(through_group: bool, storage: Category, network: Category) -> None:  # noqa: FBT001
    person = Person.objects.create_user("alice")
    team = Group.objects.create(name="storage team")
    person.groups.add(team)
    grants.give(to=team if through_group else person, verb="review", category=storage, **BY_ROOT)
    granted = grants.of(fresh(person))
    assert granted.may("review", storage.pk)
    assert not granted.may("review", network.pk)
    assert not granted.may("sign_merge", storage.pk)
    grants.require(fresh(person), "review", storage)
    with pytest.raises(NotAllowed, match=r"“Review and edit drafts” in the category Network"):
        grants.require(fresh(person), "review", network)


def test_a_deactivated_person_may_nothing_and_a_superuser_everything(storage: Category) -> None:
    gone = Person.objects.create_user("gone", is_active=False)
    gone.groups.add(roles.load()["approver"])
    root = Person.objects.create_superuser("root")
    assert not grants.of(gone).may("see", storage.pk)
    assert all(grants.of(root).may(verb, storage.pk) for verb in VERBS)


def test_all_grants_of_a_person_take_one_query(storage: Category, network: Category) -> None:
    person = Person.objects.create_user("alice")
    for category in (storage, network):
        for verb in VERBS:
            grants.give(to=person, verb=verb, category=category, **BY_ROOT)
    grants.of(fresh(person))  # the content type is cached by the process
    person = fresh(person)
    with statements() as queries:
        assert all(grants.of(person).may(verb, storage.pk) for verb in VERBS)
    assert len(queries) == 1


def test_django_asks_the_same_question_and_pays_nothing_for_it(storage: Category) -> None:
    person = Person.objects.create_user("alice")
    person.groups.add(roles.load()["policy admin"])
    person = fresh(person)
    grants.of(person)
    with statements() as queries:
        assert person.has_perm("access.view_token")
        assert not person.has_perm("signoff.add_vote")
        assert person.has_module_perms("access")
        assert not person.has_module_perms("admin")
        assert "estate.configure_category" in person.get_all_permissions()
    assert not queries
    assert not Person(username="gone", is_active=False).has_perm("access.view_token")


def test_holders_are_the_active_humans_with_the_verb_here(storage: Category, network: Category) -> None:
    cast = {name: Person.objects.create_user(name) for name in ("by role", "by grant", "by team", "elsewhere", "gone")}
    robot = Person.objects.create_user("robot", kind=Person.Kind.MACHINE)
    team = Group.objects.create(name="team")
    cast["by role"].groups.add(roles.load()["operator"])
    cast["by team"].groups.add(team)
    grants.give(to=cast["by grant"], verb="run", category=storage, **BY_ROOT)
    grants.give(to=team, verb="run", category=storage, **BY_ROOT)
    grants.give(to=cast["elsewhere"], verb="run", category=network, **BY_ROOT)
    for person in (cast["gone"], robot):
        grants.give(to=person, verb="run", category=storage, **BY_ROOT)
    Person.objects.filter(pk=cast["gone"].pk).update(is_active=False)
    assert {person.username for person in grants.holders("run", storage)} == {"by role", "by grant", "by team"}
