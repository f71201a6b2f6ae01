"""Whose signature does not count, for reasons of rooms above this one: they register a rule, and this room asks it.

A rule takes a plan and people, and answers with the reason for each whose signature would not count, by their id.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from portal.kit.refusals import Reason

if TYPE_CHECKING:
    from portal.access.models import Person
    from portal.signoff.models import Plan

Rule = Callable[["Plan", Collection["Person"]], Mapping[int, Reason]]
_rules: list[Rule] = []


def add(rule: Rule) -> None:
    """Ask this rule as well; adding it twice changes nothing."""
    if rule not in _rules:
        _rules.append(rule)


def not_counted(plan: Plan, people: Collection[Person]) -> dict[int, Reason]:
    """Why the signatures of some of these people would not count on a plan."""
    return {pk: reason for rule in _rules for pk, reason in rule(plan, people).items()}
