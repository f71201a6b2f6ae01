"""Creates the roles, and the demonstration people with their password."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import Group

from portal.access import roles
from portal.access.models import Person


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody a newcomer can sign in as; `owns` are groups of owners of services."""

    username: str
    full_name: str
    role: str
    owns: tuple[str, ...] = ()


DEMO = (
    DemoPerson("erin", "Erin Okafor", "engineer"),
    DemoPerson("emil", "Emil Lindqvist", "engineer"),
    DemoPerson("esther", "Esther Mwangi", "engineer"),
    DemoPerson("rita", "Rita Almeida", "reviewer"),
    DemoPerson("rahul", "Rahul Menon", "reviewer"),
    DemoPerson("renske", "Renske de Vries", "reviewer"),
    DemoPerson("ana", "Ana Petrova", "approver", ("payments owners",)),
    DemoPerson("arun", "Arun Bose", "approver", ("payments owners", "identity owners")),
    DemoPerson("astrid", "Astrid Holm", "approver", ("shop owners", "identity owners")),
    DemoPerson("omar", "Omar Haddad", "operator"),
    DemoPerson("olga", "Olga Nowak", "operator"),
    DemoPerson("oscar", "Oscar Ruiz", "operator"),
    DemoPerson("petra", "Petra Kovac", "policy admin"),
    DemoPerson("pablo", "Pablo Serrano", "policy admin"),
    DemoPerson("priya", "Priya Nair", "policy admin"),
    DemoPerson("aude", "Aude Laurent", "auditor"),
    DemoPerson("alan", "Alan Byrne", "auditor"),
    DemoPerson("aiko", "Aiko Tanaka", "auditor"),
)


def load_roles() -> None:
    """The six role groups with their permissions."""
    roles.load()


def load_people(password: str) -> None:
    """Three people per role; those who exist keep their password and their roles."""
    groups = roles.load()
    for each in DEMO:
        if Person.objects.filter(username=each.username).exists():
            continue
        person = Person.objects.create_user(
            each.username,
            password,
            full_name=each.full_name,
            email=f"{each.username}@example.com",
            is_staff=each.role == "policy admin",
        )
        owners = [Group.objects.get_or_create(name=name)[0] for name in each.owns]
        person.groups.add(groups[each.role], *owners)
