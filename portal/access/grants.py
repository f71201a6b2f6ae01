"""What a person may do in which category.

Two sources, one answer: a role (a group with a permission on every category) and a grant on one category
(django-guardian's tables). The SQL function `access_rights` joins both, because guardian's helpers take one query per
permission. Superusers may everything here; the database's constraints bind them all the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q, QuerySet
from guardian.models import GroupObjectPermission, UserObjectPermission

from portal.access.models import Person
from portal.audit import services as audit
from portal.estate.models import VERBS, Category
from portal.kit import memo, statements
from portal.kit.actors import Actor, Ref
from portal.kit.refusals import NotAllowed, Reason, Refused, because
from portal.kit.statements import Query, given

_OF_CATEGORY = {f"estate.{verb}_category": verb for verb in VERBS}


@dataclass(frozen=True, slots=True)
class Grants:
    """What one person may do: verbs that hold everywhere, category ids per verb, and permissions beside the verbs."""

    everywhere: frozenset[str] = frozenset()
    by_verb: dict[str, frozenset[int]] = field(default_factory=dict)
    permissions: frozenset[str] = frozenset()
    is_superuser: bool = False

    def may(self, verb: str, category_id: int) -> bool:
        """Whether the verb is granted in this category."""
        return verb in self.everywhere or category_id in self.by_verb.get(verb, frozenset())

    def holds(self, permission: str) -> bool:
        """Whether a permission such as `tickets.add_ticket` is held, by a role or by name."""
        return self.is_superuser or permission in self.permissions

    def categories(self, verb: str) -> frozenset[int] | None:
        """The categories in which the verb is granted; None means all."""
        return None if verb in self.everywhere else self.by_verb.get(verb, frozenset())


def of(person: Person) -> Grants:
    """The grants of a person: one query, kept on the object, which lives as long as its request."""
    return memo.once(person, "grants", lambda: _sorted_out(person, _held(person)))


def remember(person: Person, rights: Iterable[str]) -> None:
    """Keep what `access_rights` answered to whoever asked it together with something else."""
    memo.once(person, "grants", lambda: _sorted_out(person, rights))


def lacking(person: Person, verb: str, category: Category) -> Reason | None:
    """Why the person may not `verb` in the category; None if they may."""
    if of(person).may(verb, category.pk):
        return None
    return because(verb, f"You need the grant “{VERBS[verb]}” in the category {category.name}.")


def require(person: Person, verb: str, category: Category) -> None:
    """Refuse unless the person may `verb` in the category."""
    if reason := lacking(person, verb, category):
        raise NotAllowed(reason)


def categories(person: Person, verb: str, *, slug: str = "") -> list[Category]:
    """The categories in which a person may `verb`, or of these the one with this slug; Refused for an unknown slug."""
    found = memo.once(person, "categories", lambda: list(Category.objects.all()))
    if slug and all(category.slug != slug for category in found):
        known = ", ".join(category.slug for category in found)
        raise Refused(because("unknown", f"There is no category {slug!r}. Known: {known}.", "category"))
    granted = of(person)
    return [each for each in found if granted.may(verb, each.pk) and slug in ("", each.slug)]


def give(*, to: Person | Group, verb: str, category: Category | None, actor: Actor, at: datetime) -> bool:
    """Grant a verb in one category, or in all (None); False if it was granted before."""
    rows, kept = _kept(to, verb, category)
    with transaction.atomic():
        _, is_new = rows.get_or_create(**kept)
        if is_new:
            _record("grant.given", to, verb, category, actor=actor, at=at)
    return bool(is_new)


def take_back(*, of: Person | Group, verb: str, category: Category | None, actor: Actor, at: datetime) -> bool:
    """End such a grant; what a role or another grant gives stays. False if there was none."""
    rows, kept = _kept(of, verb, category)
    with transaction.atomic():
        ended, _ = rows.filter(**kept).delete()
        if ended:
            _record("grant.taken_back", of, verb, category, actor=actor, at=at)
    return bool(ended)


def groups_of(person: Person) -> frozenset[int]:
    """The ids of the groups somebody belongs to, asked once per request."""
    return memo.once(person, "group_ids", lambda: frozenset(person.groups.values_list("pk", flat=True)))


def holders(verb: str, category: Category) -> list[Person]:
    """Active humans who may `verb` in the category: for notices, and for pages that say who may do something."""
    permission = _PERMISSION.one(codename=f"{verb}_category", type=_category_type().pk)
    return _HOLDERS.all(permission=permission.pk, category=str(category.pk))


def _holding() -> QuerySet[Person]:
    here = {"permission": given("permission"), "object_pk": given("category")}
    found = Person.objects.filter(
        Q(groups__permissions=given("permission"))
        | Q(user_permissions=given("permission"))
        | Q(groups__in=GroupObjectPermission.objects.filter(**here).values("group"))
        | Q(pk__in=UserObjectPermission.objects.filter(**here).values("user"))
    )
    return found.filter(is_active=True, kind=Person.Kind.HUMAN).distinct()


# Built once: a review asks for three verbs.
_HOLDERS = Query(_holding)
_PERMISSION = Query(lambda: Permission.objects.filter(codename=given("codename"), content_type=given("type")))


def with_permission(name: str) -> list[Person]:
    """Active humans who hold a permission beside the verbs, such as `signoff.add_stop`, by role, by name or by rank."""
    app, _, codename = name.partition(".")
    held = Permission.objects.filter(codename=codename, content_type__app_label=app)
    found = Person.objects.filter(
        Q(groups__permissions__in=held) | Q(user_permissions__in=held) | Q(is_superuser=True),
        is_active=True,
        kind=Person.Kind.HUMAN,
    )
    return list(found.distinct())


def _kept(holder: Person | Group, verb: str, category: Category | None) -> tuple[Any, dict[str, object]]:
    """The table in which such a grant is kept, and the row that says so."""
    who = "person" if isinstance(holder, Person) else "group"
    kept: dict[str, object] = {"permission": _permission(verb)}
    if category is None:
        table = Person.user_permissions.through if who == "person" else Group.permissions.through
        return table.objects, {who: holder, **kept}
    here = {"content_type": _category_type(), "object_pk": str(category.pk)}
    if who == "person":
        return UserObjectPermission.objects, {"user": holder, **kept, **here}
    return GroupObjectPermission.objects, {"group": holder, **kept, **here}


def _permission(verb: str) -> Permission:
    return Permission.objects.get(codename=f"{verb}_category", content_type=_category_type())


def _record(
    kind: str, who: Person | Group, verb: str, category: Category | None, *, actor: Actor, at: datetime
) -> None:
    subject = Ref(who._meta.label_lower, who.pk, str(who))
    data = {"verb": verb, "category": category.slug if category else None}
    audit.record(kind, actor=actor, at=at, subject=subject, data=data)


def _category_type() -> ContentType:
    return ContentType.objects.get_for_model(Category)


def _held(person: Person) -> list[str]:
    with statements.cursor() as cursor:
        cursor.execute("SELECT access_rights(%s)", [person.pk])
        (rights,) = cursor.fetchone()
    return list(rights)


def _sorted_out(person: Person, rights: Iterable[str]) -> Grants:
    if not person.is_active:
        return Grants()
    if person.is_superuser:
        return Grants(everywhere=frozenset(VERBS), is_superuser=True)
    permissions: set[str] = set()
    by_verb: defaultdict[str, set[int]] = defaultdict(set)
    for right in rights:
        permission, _, category_id = right.partition("/")
        if not category_id:
            permissions.add(permission)
        elif permission in _OF_CATEGORY:
            by_verb[_OF_CATEGORY[permission]].add(int(category_id))
    return Grants(
        everywhere=frozenset(verb for permission, verb in _OF_CATEGORY.items() if permission in permissions),
        by_verb={verb: frozenset(ids) for verb, ids in by_verb.items()},
        permissions=frozenset(permissions),
    )
