"""The matrix of rights: who may do what in one category, or in all of them, why, and how that is changed.

`where` is a category, or None for all of them. Changes are plain values, so that a page can show them before they are
made. Nobody changes their own rights, nor those of a group they belong to: that takes somebody else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q
from guardian.models import GroupObjectPermission, UserObjectPermission

from portal.access import announcing, grants
from portal.access.models import Person
from portal.access.roles import ROLES
from portal.estate.models import VERBS, Category
from portal.kit.actors import Actor, Door
from portal.kit.paging import Page, page_of
from portal.kit.refusals import NotAllowed, Reason, Refused, because

PAGE = 25
Holder = Person | Group
Kind = Literal["person", "group"]
Verbs = dict[int, set[str]]
SIGNING = frozenset(verb for verb in VERBS if verb.startswith("sign_"))


@dataclass(frozen=True, slots=True)
class Cell:
    """One verb of one holder: given in this very place or not, and where else the right comes from."""

    verb: str
    is_given: bool
    through: tuple[str, ...]
    refusal: str

    @property
    def label(self) -> str:
        """The verb in words."""
        return VERBS[self.verb]


@dataclass(frozen=True, slots=True)
class Row:
    """A person or a group with all verbs."""

    holder: Holder
    cells: Sequence[Cell]

    @property
    def key(self) -> str:
        """What names the holder in a form."""
        return key_of(self.holder)


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """A right to be given, or to be taken back."""

    holder: str
    verb: str
    is_given: bool


def key_of(holder: Holder) -> str:
    """`person:7` or `group:7`."""
    return f"{'person' if isinstance(holder, Person) else 'group'}:{holder.pk}"


def holders(keys: Collection[str]) -> dict[str, Holder]:
    """The active people and the groups behind such keys."""
    ids = {kind: [key.partition(":")[2] for key in keys if key.startswith(kind)] for kind in ("person", "group")}
    found: list[Holder] = [*Person.objects.filter(pk__in=ids["person"], is_active=True)]
    found += Group.objects.filter(pk__in=ids["group"])
    return {key_of(each): each for each in found}


def may_look(person: Person) -> bool:
    """Whether there is anything in the matrix for this person."""
    granted = grants.of(person)
    return granted.holds("audit.view_event") or granted.categories("configure") != frozenset()


def places(person: Person, *, slug: str = "") -> list[Category]:
    """The categories whose rights a person may look at, or of these the one with this slug: auditors all they see."""
    if not may_look(person):
        raise NotAllowed(because("configure", "Those who configure a category give its rights, and auditors look."))
    verb = "see" if grants.of(person).holds("audit.view_event") else "configure"
    return grants.categories(person, verb, slug=slug)


def place(person: Person, slug: str) -> Category | None:
    """Where somebody wants to look: one category, or None for all of them (no slug)."""
    found = places(person, slug=slug)
    if not slug:
        return None
    if not found:
        raise NotAllowed(because("configure", "You neither configure this category nor read the trail.", "category"))
    return found[0]


def people(*, text: str = "", after: str | None = None, size: int = PAGE) -> Page[Person]:
    """The people in the matrix, by name."""
    named = Q(username__icontains=text) | Q(full_name__icontains=text)
    return page_of(Person.objects.filter(named, is_active=True), order=["username"], after=after, size=size)


def groups(*, text: str = "", after: str | None = None, size: int = PAGE) -> Page[Group]:
    """The groups in the matrix, by name."""
    return page_of(Group.objects.filter(name__icontains=text), order=["name"], after=after, size=size)


def may_change(person: Person, where: Category | None) -> bool:
    """Who configures a category gives its rights; rights in all categories are given by those who configure all."""
    granted = grants.of(person)
    return "configure" in granted.everywhere if where is None else granted.may("configure", where.pk)


def refuse_others(person: Person, where: Category | None) -> None:
    """Refuse whoever does not give rights there."""
    if not may_change(person, where):
        raise NotAllowed(_not_yours(where))


def rows_of(holders: Iterable[Holder], where: Category | None, *, seen_by: Person) -> list[Row]:
    """The rows of these people and groups; how many queries it takes does not depend on how many they are."""
    found = list(holders)
    groups = _of_groups([each for each in found if isinstance(each, Group)], where, seen_by)
    return groups + _of_people([each for each in found if isinstance(each, Person)], where, seen_by)


def change(changes: Iterable[Change], *, where: Category | None, person: Person, door: Door, at: datetime) -> int:
    """Make these changes or none; what is so already is left alone. Returns how many there were to make."""
    wanted = sorted(set(changes))
    found = holders({each.holder for each in wanted})
    if any(each.holder not in found for each in wanted):
        raise Refused(because("unknown", "There is no such person or group.", "holder"))
    reasons = {reason for each in wanted if (reason := _refusal(person, found[each.holder], each.verb, where))}
    if not_yours := [reason for reason in reasons if reason.code in ("configure", "own_rights")]:
        raise NotAllowed(*not_yours)
    if reasons:
        raise Refused(*reasons)
    with transaction.atomic():
        made = [each for each in wanted if _made(each, found[each.holder], where, person.at(door), at)]
        for holder in found.values():
            own = [each for each in made if each.holder == key_of(holder)]
            if own and isinstance(holder, Person):
                _tell(holder, own, where, person, at)
    return len(made)


def _tell(holder: Person, made: Sequence[Change], where: Category | None, by: Person, at: datetime) -> None:
    """People hear of it when somebody changes what they may do."""
    words = ", ".join(f"{'given' if each.is_given else 'taken back'}: {VERBS[each.verb]}" for each in made)
    place = where.name if where else "all categories"
    text = f"{by} changed your rights in {place}: {words}."
    announcing.tell([holder], text=text, path="/notices", key=f"rights:{holder.pk}:{at.isoformat()}", at=at)


def _of_people(people: Sequence[Person], where: Category | None, seen_by: Person) -> list[Row]:
    ids = [person.pk for person in people]
    groups: dict[int, dict[int, str]] = defaultdict(dict)
    for person_id, group_id, name in Person.groups.through.objects.filter(person__in=ids).values_list(
        "person_id", "group_id", "group__name"
    ):
        groups[person_id][group_id] = name
    members = {group_id for held in groups.values() for group_id in held}
    everywhere, here = _of_groups_everywhere(members), _of_groups_here(members, where)
    own_everywhere, own_here = _own_everywhere(ids), _own_here(ids, where)
    return [
        _row(
            person,
            given=own_everywhere[person.pk] if where is None else own_here[person.pk],
            through=[
                *([] if where is None else [(own_everywhere[person.pk], "in all categories")]),
                *((everywhere[pk], _named(name)) for pk, name in groups[person.pk].items()),
                *((here[pk], f"{_named(name)}, here") for pk, name in groups[person.pk].items()),
            ],
            where=where,
            seen_by=seen_by,
        )
        for person in people
    ]


def _of_groups(groups: Sequence[Group], where: Category | None, seen_by: Person) -> list[Row]:
    ids = [group.pk for group in groups]
    everywhere, here = _of_groups_everywhere(ids), _of_groups_here(ids, where)
    return [
        _row(
            group,
            given=everywhere[group.pk] if where is None else here[group.pk],
            through=[] if where is None else [(everywhere[group.pk], "in all categories")],
            where=where,
            seen_by=seen_by,
        )
        for group in groups
    ]


def _made(wanted: Change, holder: Holder, where: Category | None, actor: Actor, at: datetime) -> bool:
    if wanted.is_given:
        return grants.give(to=holder, verb=wanted.verb, category=where, actor=actor, at=at)
    return grants.take_back(of=holder, verb=wanted.verb, category=where, actor=actor, at=at)


def _row(
    holder: Holder, *, given: set[str], through: Sequence[tuple[set[str], str]], where: Category | None, seen_by: Person
) -> Row:
    def cell(verb: str) -> Cell:
        reason = _refusal(seen_by, holder, verb, where)
        sources = tuple(source for verbs, source in through if verb in verbs)
        return Cell(verb, verb in given, sources, reason.text if reason else "")

    return Row(holder, [cell(verb) for verb in VERBS])


def _refusal(person: Person, holder: Holder, verb: str, where: Category | None) -> Reason | None:
    """Why this person cannot give or take back this right; None if they can."""
    if not may_change(person, where):
        return _not_yours(where)
    if holder == person:
        return because("own_rights", "Nobody changes their own rights.")
    if isinstance(holder, Group):
        return _refusal_of_group(person, holder, where)
    if holder.is_superuser:
        return because("superuser", f"{holder} is a superuser and may everything.", "holder")
    if holder.kind == Person.Kind.MACHINE and verb in SIGNING:
        return because("machine", f"{holder} is a machine; machines sign by certificate only.", "verb")
    return None


def _refusal_of_group(person: Person, group: Group, where: Category | None) -> Reason | None:
    if group.pk in grants.groups_of(person):
        return because("own_rights", f"You are one of {group}: nobody changes their own rights.")
    if where is None and group.name in ROLES:
        return because("role", f"What the role {group} may do everywhere is fixed. Use a group of your own.", "holder")
    return None


def _not_yours(where: Category | None) -> Reason:
    place = "all categories" if where is None else f"the category {where.name}"
    return because("configure", f"You need the grant “{VERBS['configure']}” in {place}.")


def _named(group: str) -> str:
    return f"role {group}" if group in ROLES else f"group {group}"


def _of_verbs() -> Mapping[str, object]:
    """The permissions that are verbs, as a filter on anything with a permission."""
    codenames = [f"{verb}_category" for verb in VERBS]
    return {
        "permission__codename__in": codenames,
        "permission__content_type": ContentType.objects.get_for_model(Category),
    }


def _by_id(rows: Iterable[tuple[int, str]]) -> Verbs:
    found: Verbs = defaultdict(set)
    for pk, codename in rows:
        found[pk].add(codename.removesuffix("_category"))
    return found


def _of_groups_everywhere(ids: Collection[int]) -> Verbs:
    rows = Group.permissions.through.objects.filter(group__in=ids, **_of_verbs())
    return _by_id(rows.values_list("group_id", "permission__codename"))


def _own_everywhere(ids: Collection[int]) -> Verbs:
    rows = Person.user_permissions.through.objects.filter(person__in=ids, **_of_verbs())
    return _by_id(rows.values_list("person_id", "permission__codename"))


def _of_groups_here(ids: Collection[int], where: Category | None) -> Verbs:
    if where is None:
        return defaultdict(set)
    rows = GroupObjectPermission.objects.filter(group__in=ids, object_pk=str(where.pk), **_of_verbs())
    return _by_id(rows.values_list("group_id", "permission__codename"))


def _own_here(ids: Collection[int], where: Category | None) -> Verbs:
    if where is None:
        return defaultdict(set)
    rows = UserObjectPermission.objects.filter(user__in=ids, object_pk=str(where.pk), **_of_verbs())
    return _by_id(rows.values_list("user_id", "permission__codename"))
