"""The process that runs the model has no hands (law 5): its database role tries, and is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.utils import timezone

from portal.access.models import Person
from portal.jobs.testing import drain
from portal.signoff.models import Plan, Vote
from remediation.connectors import seed
from remediation.connectors.testing import LabProcess
from remediation.review import testing as review

AsRole = Callable[[str], Any]
CLUSTERS = ["drafting", "probe", "execution", "general"]
VOTE = """
    INSERT INTO signoff_vote (plan_id, digest, excluded, person_id, principal_id, groups, comment, sheet, door, at,
                              expires_at)
    SELECT id, digest, excluded, %s, %s, '{}', '', '', 'page', now(), now() + interval '1 hour' FROM signoff_plan
"""
EVENT = """
    INSERT INTO audit_event (at, kind, door, actor_kind, actor_id, actor_name, subject_kind, subject_id, subject_name,
                             ticket_key, body, body_digest)
    VALUES (now(), 'plan.signed', %s, %s, %s, %s, 'signoff.plan', 1, 'plan', 'INC-1', '', repeat('0', 64))
"""
JOB = """
    INSERT INTO jobs_job (queue, kind, subject_id, payload, state, attempts, max_attempts, fence, due_at, enqueued_at,
                          result, error)
    VALUES (%s, %s, 1, '{}', 'waiting', 0, 3, 0, now(), now(), '', '')
"""
PROOF = """
    INSERT INTO playbooks_proof (plan_id, revision_id, role, host, says, fence, status_at, asked_at,
                                 status, text, digest)
    SELECT plan.id, revision.id, repeat('0', 64), 'log-ship-1', '', 0, now(), now(), %s, %s, %s
    FROM signoff_plan plan, drafting_revision revision
"""
MOVES = {
    "under_way": "UPDATE playbooks_proof SET status = 'under_way'",
    "held": "UPDATE playbooks_proof SET status = 'held', text = 'shown', digest = repeat('1', 64)",
}
REFUSED = (psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation)


@pytest.fixture
def reviewer(committed_db: str, lab: LabProcess) -> Person:
    """Somebody who may sign the plan that is open."""
    seed.load(timezone.now())
    review.world()
    cast = review.people()
    review.drafted(review.ticket(cast["engineer"]))
    drain("probe")
    return cast["reviewer"]


@pytest.mark.parametrize("process", CLUSTERS)
def test_no_cluster_votes_for_a_person(reviewer: Person, as_role: AsRole, process: str) -> None:
    with as_role(process) as cluster, pytest.raises(REFUSED):
        cluster.execute(VOTE, [reviewer.pk, reviewer.pk])
    with as_role("web") as web:
        web.execute(VOTE, [reviewer.pk, reviewer.pk])
    assert Vote.objects.get().person == reviewer


def test_who_asks_for_a_proof_cannot_say_that_it_held(reviewer: Person, as_role: AsRole) -> None:
    """A held proof is what a rollout plan names, so `web` alone would decide what is run (law 5)."""
    with as_role("web") as web:
        for forged in (("held", "what it showed", "0" * 64), ("asked", "what it showed", ""), ("asked", "", "0" * 64)):
            with pytest.raises(psycopg.errors.CheckViolation, match="a proof begins as asked"):
                web.execute(PROOF, forged)
        web.execute(PROOF, ("asked", "", ""))
        web.execute("UPDATE playbooks_proof SET status = 'under_way'")
        with pytest.raises(psycopg.errors.CheckViolation, match="a_proof_that_held_can_be_read"):
            web.execute("UPDATE playbooks_proof SET status = 'held'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute("UPDATE playbooks_proof SET digest = repeat('0', 64)")


def test_who_makes_proofs_cannot_say_another_thing_of_one_that_has_ended(reviewer: Person, as_role: AsRole) -> None:
    says = ("UPDATE playbooks_proof SET text = 'another'", "UPDATE playbooks_proof SET digest = repeat('0', 64)")
    with as_role("execution") as workers:
        workers.execute(PROOF, ("asked", "", ""))
        for moves in (None, "under_way", "held"):
            if moves:
                workers.execute(MOVES[moves])
            for each in says:
                with pytest.raises(psycopg.errors.CheckViolation, match="is written as it ends, and stays"):
                    workers.execute(each)


@pytest.mark.parametrize(
    "job", [("execution", "execution.start"), ("drafting", "drafting.draft"), ("general", "execution.start")], ids=str
)
def test_the_drafting_role_asks_for_no_work_of_others(committed_db: str, as_role: AsRole, job: tuple[str, str]) -> None:
    with as_role("drafting") as drafting, pytest.raises(psycopg.errors.InsufficientPrivilege):
        drafting.execute(JOB, job)


def test_the_drafting_role_asks_for_what_its_work_leads_to(committed_db: str, as_role: AsRole) -> None:
    with as_role("drafting") as drafting:
        drafting.execute(JOB, ("probe", "review.prepare"))


@pytest.mark.parametrize(
    "actor",
    [
        ("page", "human", 1, "alice"),
        ("job", "human", 1, "alice"),
        ("api", "system", None, "drafting"),
        ("job", "system", None, "execution"),
        ("job", "machine", 1, "autopilot"),
        ("job", "system", None, "alice"),
    ],
    ids=str,
)
def test_the_drafting_role_records_nothing_in_the_name_of_another(
    committed_db: str, as_role: AsRole, actor: tuple[Any, ...]
) -> None:
    with as_role("drafting") as drafting:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            drafting.execute(EVENT, actor)
        drafting.execute(EVENT, ("job", "system", None, "drafting"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE signoff_plan SET status = 'signed'",
        "UPDATE signoff_plan SET content = 'x'",
        "INSERT INTO signoff_plan (stage) VALUES ('merge')",
        "INSERT INTO review_sheet (digest) VALUES ('x')",
        "INSERT INTO review_gateresult (gate) VALUES ('x')",
        "INSERT INTO policy_decision (allowed) VALUES (true)",
        "INSERT INTO execution_run (mode) VALUES ('workers')",
        "UPDATE policy_categorypolicy SET is_enabled = true",
        "UPDATE signoff_stop SET released_at = now()",
        "UPDATE access_person SET is_superuser = true",
        "INSERT INTO access_person_groups (person_id, group_id) VALUES (1, 1)",
        "SELECT digest FROM access_token",
        "SELECT session_data FROM django_session",
        "INSERT INTO audit_seal (number) VALUES (1)",
        "UPDATE drafting_attempt SET prompt = ''",
        "UPDATE drafting_revision SET content = ''",
        "SET ROLE countersign_web",
        "SET SESSION AUTHORIZATION countersign_web",
        "CREATE TABLE mine (n int)",
    ],
)
def test_the_drafting_role_gets_at_nothing_that_decides(committed_db: str, as_role: AsRole, statement: str) -> None:
    with as_role("drafting") as drafting, pytest.raises(psycopg.errors.InsufficientPrivilege):
        drafting.execute(statement)


def test_every_process_has_a_role_of_its_own(committed_db: str, as_role: AsRole) -> None:
    seen = set()
    for process in ["web", *CLUSTERS]:
        with as_role(process) as role:
            seen |= {role.execute("SELECT session_user").fetchone()}
    assert seen == {(f"countersign_{process}",) for process in ["web", *CLUSTERS]}
    assert not Plan.objects.exists()
