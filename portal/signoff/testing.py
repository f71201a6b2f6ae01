"""What tests of sign-offs start from: people who may sign, a plan of theirs, votes through the service and past it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from portal.access import roles
from portal.access.models import Person
from portal.estate.models import Category
from portal.kit import canonical
from portal.kit.actors import Ref, system
from portal.signoff import services as signoffs
from portal.signoff.models import Certificate, Plan, Vote
from portal.signoff.services import Ballot, NewCertificate, NewPlan
from portal.signoff.states import Stage

AT = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)
PROBE = system("probe")

A_VOTE = """
INSERT INTO signoff_vote (plan_id, digest, excluded, person_id, principal_id, groups, comment, sheet, door, at,
                          expires_at)
SELECT id, digest, excluded, %(who)s, %(who)s, '{}', '', '', 'page', now(), now() + interval '1 hour'
  FROM signoff_plan WHERE id = %(plan)s
"""
"""A vote in SQL, for `who` and `plan`."""


def person(name: str, *held: str, **fields: Any) -> Person:
    """Somebody who may sign everywhere as far as grants go, unless other roles are named."""
    groups = roles.load()
    made = Person.objects.create_user(name, **fields)
    made.groups.add(*(groups[role] for role in held or ["approver"]))
    return made


def kubernetes() -> Category:
    """The category of every plan here."""
    return Category.objects.get_or_create(slug="kubernetes", defaults={"name": "Kubernetes"})[0]


def open_plan(maker: Person, *, text: str = "restart payments", **changes: Any) -> Plan:
    """A merge plan of this maker that waits for votes, with fields replaced."""
    fields: dict[str, Any] = {
        "stage": Stage.MERGE,
        "subject": Ref("drafting.remediation", 7, "INC-7 remediation 1"),
        "ticket": Ref("tickets.ticket", 7, "INC-7"),
        "category_id": kubernetes().pk,
        "risk": "safe_write",
        "content": canonical.text_of({"what": text}, version="countersign.plan/1"),
        "makers": [maker.pk],
        "valid_until": AT + timedelta(hours=4),
    }
    return signoffs.open_plan(NewPlan(**{**fields, **changes}), actor=PROBE, at=AT)


def open_rollout(maker: Person, **changes: Any) -> Plan:
    """A rollout plan whose merge plan somebody has signed."""
    merge = give(open_plan(maker), person("merger"))
    return open_plan(maker, stage=Stage.ROLLOUT, text="roll out", merge_plan=merge, **changes)


def give(plan: Plan, who: Person, *, at: datetime = AT, digest: str = "", **ballot: Any) -> Plan:
    """Sign as a person does, with what a ballot holds."""
    with transaction.atomic():
        return signoffs.give(
            signoffs.locked(plan.pk),
            digest=digest or plan.digest,
            person=who,
            ballot=Ballot(**ballot),
            door="page",
            at=at,
        )


def give_by_machine(plan: Plan, who: Person, certificate: Certificate, *, at: datetime = AT) -> Plan:
    """Sign as the machine does."""
    with transaction.atomic():
        return signoffs.give_by_certificate(signoffs.locked(plan.pk), certificate=certificate, person=who, at=at)


def insert(plan: Plan, who: Person, **changes: Any) -> None:
    """A vote past every service, as far as the database lets it."""
    fields = {"digest": plan.digest, "excluded": plan.excluded, "door": "page", "at": AT, "principal": who}
    fields["expires_at"] = AT + timedelta(minutes=plan.votes_last_minutes)
    with transaction.atomic():
        Vote.objects.create(plan=plan, person=who, **{**fields, **changes})
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def ask(asker: Person, **changes: Any) -> Certificate:
    """A certificate somebody asks for: restarting pods in production."""
    fields: dict[str, Any] = {
        "pattern": Ref("patterns.pattern", 3, "Pods out of memory"),
        "action": "restart_pod",
        "environment": "production",
        "category": kubernetes(),
        "evidence": {"occurrences": 40, "lower_bound_permille": 870},
        "expires_at": AT + timedelta(days=90),
    }
    return signoffs.ask(NewCertificate(**{**fields, **changes}), person=asker, door="page", at=AT)


def certify(asker: Person, granter: Person, **changes: Any) -> Certificate:
    """A certificate in force: one asked, another signed."""
    plan = Plan.objects.get(certificate=ask(asker, **changes))
    return signoffs.grant(plan.pk, digest=plan.digest, person=granter, ballot=Ballot(), door="page", at=AT)
