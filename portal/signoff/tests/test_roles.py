"""The verbs under the database role of the process that runs them, and what no other role gets done (law 5)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, ProgrammingError

from portal.kit.actors import system
from portal.signoff import brakes, ruling
from portal.signoff import services as signoffs
from portal.signoff.models import Plan, QuorumRule
from portal.signoff.states import PlanStatus, Stage
from portal.signoff.testing import AT, ask, certify, give, give_by_machine, kubernetes, open_plan, open_rollout, person

RunningAs = Callable[[str], AbstractContextManager[None]]
HOUR = timedelta(hours=1)


def test_people_sign_delegate_freeze_and_set_rules_at_the_portal(committed_db: str, running_as: RunningAs) -> None:
    alice, bob, erin = person("alice"), person("bob"), person("erin", "engineer")
    petra, pablo = person("petra", "policy admin"), person("pablo", "policy admin")
    category = kubernetes()
    with running_as("web"):
        window: dict[str, Any] = {"starts_at": AT, "ends_at": AT + HOUR, "reason": "Holiday", "door": "page", "at": AT}
        lent = signoffs.delegate(person=bob, to=erin, category=category, **window)
        merge = give(open_plan(alice), erin, delegation_id=lent.pk)
        signoffs.end_delegation(lent.pk, person=bob, door="page", at=AT)
        signoffs.withdraw(merge.pk, person=bob, reason="Wait", door="page", at=AT)
        frozen = brakes.freeze(person=petra, category=None, **window)
        brakes.end_freeze(frozen.pk, person=petra, door="page", at=AT)
        rule = ruling.keep(QuorumRule(stage=Stage.MERGE, needed=2), person=petra, door="page", at=AT)
        ruling.remove(rule.pk, person=petra, door="page", at=AT)
        granted = certify(petra, pablo)
        signoffs.take_back(granted.pk, reason="Enough", person=petra, door="page", at=AT)


def test_general_sweeps_revokes_and_signs_for_machines_only(committed_db: str, running_as: RunningAs) -> None:
    alice, robot, bob = person("alice"), person("robot", kind="machine"), person("bob")
    live = certify(person("petra", "policy admin"), person("pablo", "policy admin"))
    plan = open_plan(alice)
    with running_as("general"):
        with pytest.raises(IntegrityError, match="a person signs at the portal"):
            give(plan, bob)
        signed = give_by_machine(plan, robot, live)
        assert signed.status == PlanStatus.SIGNED
    rollout = open_plan(alice, stage=Stage.ROLLOUT, text="roll out", merge_plan=signed)
    with running_as("general"):
        assert signoffs.sweep(at=AT + 5 * HOUR) == 1
        signoffs.revoke(live.pk, reason="A run was rolled back", actor=system("general"), at=AT)
        with pytest.raises(ProgrammingError):
            ask(person("pia", "policy admin"))
    rollout.refresh_from_db()
    assert rollout.status == PlanStatus.VOID


def test_execution_claims_and_revokes(committed_db: str, running_as: RunningAs) -> None:
    live = certify(person("petra", "policy admin"), person("pablo", "policy admin"))
    rollout = give(open_rollout(person("alice")), person("bob"))
    with running_as("execution"):
        assert signoffs.claim(rollout.pk, actor=system("execution"), at=AT).status == PlanStatus.CLAIMED
        signoffs.revoke(live.pk, reason="A verify failed", actor=system("execution"), at=AT)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        *((role, "UPDATE signoff_vote SET expires_at = 'infinity'") for role in ("web", "general", "probe")),
        *((role, "DELETE FROM signoff_vote") for role in ("web", "general", "execution")),
        *((role, "UPDATE signoff_plan SET needed = 1") for role in ("web", "general", "probe", "execution")),
        *((role, "UPDATE signoff_plan SET valid_until = 'infinity'") for role in ("web", "general")),
        *((role, "UPDATE signoff_certificate SET granted_at = now()") for role in ("general", "execution", "drafting")),
        *((role, "UPDATE signoff_certificate SET expires_at = 'infinity'") for role in ("web", "general")),
        *((role, "UPDATE signoff_delegation SET ends_at = 'infinity'") for role in ("web", "general")),
        *((role, "INSERT INTO signoff_delegation DEFAULT VALUES") for role in ("general", "drafting", "execution")),
        *((role, "UPDATE signoff_quorumrule SET needed = 1") for role in ("general", "drafting", "probe")),
        *((role, "UPDATE signoff_freeze SET ended_at = now()") for role in ("general", "execution", "drafting")),
        ("web", "UPDATE signoff_freeze SET ends_at = now()"),
        ("drafting", "INSERT INTO signoff_vote DEFAULT VALUES"),
    ],
)
def test_no_role_bends_what_was_signed(
    committed_db: str, as_role: Callable[[str], Any], role: str, statement: str
) -> None:
    with as_role(role) as process, pytest.raises(psycopg.errors.InsufficientPrivilege):
        process.execute(statement)


def test_not_even_the_owner_bends_a_vote_into_another_one(committed_db: str) -> None:
    plan = give(open_plan(person("alice"), needed=2), person("bob"))
    with pytest.raises(IntegrityError):
        plan.votes.update(digest="0" * 64)
    with pytest.raises(IntegrityError):
        plan.votes.update(excluded=[])
    assert Plan.objects.get(pk=plan.pk).votes.count() == 1
