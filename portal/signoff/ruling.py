"""The rules of quorum as data: what a plan needs, and the verbs that add, change and remove a rule."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import IntegrityError, transaction

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.estate.models import Category, Service
from portal.jobs import services as jobs
from portal.kit.actors import Actor, Door, Ref
from portal.kit.refusals import NotAllowed, StaleTransition, because
from portal.kit.statements import Query
from portal.signoff import quorum
from portal.signoff.models import QuorumRule
from portal.signoff.quorum import Case, Requirement, Rule
from portal.signoff.states import Stage

SEED = (
    Rule(Stage.ROLLOUT, risk="critical_write", needed=2),
    Rule(Stage.MERGE, risk="critical_write", severity="sev1", needed=2),
)
"""What an installation starts with: two people for a critical rollout, and for a critical draft when it burns."""
SEED_BY_CATEGORY = {
    "security": Rule(Stage.ROLLOUT, needed=2),
    "database": Rule(Stage.ROLLOUT, severity="sev1", needed=2),
}


_RULES = Query(QuorumRule.objects.all)


def rules() -> list[Rule]:
    """Every rule there is: a handful, for all stages and categories."""
    return [_rule(row) for row in _RULES.all()]


def requirement(
    *,
    stage: Stage,
    category_id: int,
    risk: str,
    severity: str = "",
    owner_groups: Collection[int] = (),
    among: Collection[Rule] | None = None,
) -> Requirement:
    """How many sign a plan of this kind, and which groups have to be among them; by rules that were read already."""
    case = Case(stage, category_id, risk, severity)
    return quorum.requirement(rules() if among is None else among, case, owner_groups=owner_groups)


def owners_of(services: Collection[Service]) -> list[int]:
    """The owner groups of the sensitive ones among these services: they have a say where their service is touched."""
    return sorted({each.owner_group_id for each in services if each.sensitivity and each.owner_group_id})


def is_set_by(person: Person, category: Category | None) -> bool:
    """Whether the person sets the rules of a category; those for all take the grant in all."""
    granted = grants.of(person)
    return granted.may("configure", category.pk) if category else granted.categories("configure") is None


def sets_any(person: Person) -> bool:
    """Whether the person sets the rules of any category."""
    return grants.of(person).categories("configure") != frozenset()


def refuse_outsiders(person: Person) -> None:
    """Refuse whoever sets no rules anywhere."""
    if not sets_any(person):
        raise NotAllowed(because("configure", "Those who configure a category set its rules."))


def keep(rule: QuorumRule, *, person: Person, door: Door, at: datetime) -> QuorumRule:
    """Add a rule, or put a changed one in place of its old self."""
    with transaction.atomic():
        before = QuorumRule.objects.select_for_update(of=("self",)).filter(pk=rule.pk).first() if rule.pk else None
        _refuse_others(person, rule, before)
        try:
            with transaction.atomic():
                rule.save()
        except IntegrityError as error:
            raise StaleTransition(because("exists", "There is such a rule already; change that one.")) from error
        kind = "quorum.changed" if before else "quorum.added"
        _record(kind, rule, before=before, after=rule, actor=person.at(door), at=at)
    return rule


def remove(rule_id: int, *, person: Person, door: Door, at: datetime) -> None:
    """Ask for no more than the other rules do."""
    with transaction.atomic():
        rule = QuorumRule.objects.select_for_update(of=("self",)).filter(pk=rule_id).first()
        if rule is None:
            raise StaleTransition(because("removed", "Somebody removed this rule before."))
        _refuse_others(person, rule, None)
        _record("quorum.removed", rule, before=rule, after=None, actor=person.at(door), at=at)
        rule.delete()


def load() -> None:
    """The rules an installation starts with, unless somebody has set any."""
    if QuorumRule.objects.exists():
        return
    everywhere = [_row(rule, None) for rule in SEED]
    categories = Category.objects.filter(slug__in=SEED_BY_CATEGORY)
    QuorumRule.objects.bulk_create([*everywhere, *(_row(SEED_BY_CATEGORY[each.slug], each) for each in categories)])


def _row(rule: Rule, category: Category | None) -> QuorumRule:
    return QuorumRule(stage=rule.stage, category=category, risk=rule.risk, severity=rule.severity, needed=rule.needed)


def _rule(row: QuorumRule) -> Rule:
    return Rule(row.stage, row.category_id, row.risk, row.severity, row.needed, row.group_id)


def _refuse_others(person: Person, *rules: QuorumRule | None) -> None:
    for rule in rules:
        if rule and not is_set_by(person, rule.category):
            where = f"the category {rule.category.name}" if rule.category else "all categories"
            raise NotAllowed(because("configure", f"You do not configure {where}."))


def _data(rule: QuorumRule | None) -> dict[str, str | int | None] | None:
    if rule is None:
        return None
    return {
        "stage": rule.stage,
        "category": rule.category.slug if rule.category else None,
        "risk": rule.risk,
        "severity": rule.severity,
        "needed": rule.needed,
        "group": rule.group.name if rule.group else None,
    }


def _record(
    kind: str, rule: QuorumRule, *, before: QuorumRule | None, after: QuorumRule | None, actor: Actor, at: datetime
) -> None:
    data = {"before": _data(before), "after": _data(after)}
    audit.record(kind, actor=actor, at=at, subject=Ref("signoff.quorumrule", rule.pk, str(rule)), data=data)
    jobs.publish("quorum.changed", subject_id=rule.pk, at=at)
