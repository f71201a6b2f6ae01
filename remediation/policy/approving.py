"""Whose signatures count in a category, where its policy names groups."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import Group

from portal.access import grants
from portal.access.models import Person
from portal.kit import memo, recall
from portal.kit.refusals import Reason, because
from portal.kit.statements import Query, given
from portal.signoff.models import Plan
from portal.signoff.states import Stage
from remediation.policy.models import CategoryPolicy

_APPROVERS = Query(
    lambda: (
        CategoryPolicy.approvers.through.objects.filter(categorypolicy__category=given("category"))
        .select_related("group")
        .order_by("group__name")
    )
)


def approvers_of(policy: CategoryPolicy) -> tuple[str, ...]:
    """The names of the groups whose signatures count; none: whoever has the grant."""
    return memo.once(
        policy, "approvers", lambda: tuple(row.group.name for row in _APPROVERS.all(category=policy.category_id))
    )


def closed_to(person: Person) -> frozenset[int]:
    """The categories whose policy names whose signature counts and does not count this person's."""
    named: dict[int, set[int]] = {}
    for category, group in CategoryPolicy.approvers.through.objects.values_list("categorypolicy__category", "group"):
        named.setdefault(category, set()).add(group)
    own = grants.groups_of(person) if named else frozenset[int]()
    return frozenset(category for category, groups in named.items() if not groups & own)


def not_counted(plan: Plan, people: Collection[Person]) -> dict[int, Reason]:
    """Why signatures of these people do not count on a plan, where its category's policy names who signs."""
    if plan.stage == Stage.GRANT:
        return {}
    groups = memo.once(
        plan, "approver_groups", lambda: recall.or_ask(("approvers", plan.category_id), lambda: _groups_of(plan))
    )
    if not groups:
        return {}
    members = set(Person.objects.filter(groups__in=groups).values_list("pk", flat=True))
    names = ", ".join(group.name for group in groups)
    reason = because("approvers", f"In the category {plan.category.name} only these sign: {names}.")
    return {each.pk: reason for each in people if each.pk not in members}


def _groups_of(plan: Plan) -> list[Group]:
    return [row.group for row in _APPROVERS.all(category=plan.category_id)]
