"""Plans and votes against the real database: what people notice, and what no code can get around."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from portal.access.models import Person
from portal.audit.models import Event
from portal.kit.refusals import NotAllowed, Refused, StaleTransition
from portal.signoff import services as signoffs
from portal.signoff.models import Plan, Vote
from portal.signoff.states import NEXT, PlanStatus, Stage
from portal.signoff.testing import A_VOTE, AT, PROBE, give, insert, open_plan, person

OTHER_TEXT_UNDER_THE_SAME_DIGEST = """
INSERT INTO signoff_plan (stage, subject_kind, subject_id, ticket_key, ticket_id, category_id, risk, severity, content,
                          digest, makers, excluded, needed, needed_groups, votes_last_minutes, valid_until, created_at,
                          status, status_at, void_reason)
SELECT stage, subject_kind, subject_id + 1, ticket_key, ticket_id, category_id, risk, severity, content || ' ',
       digest, makers, excluded, needed, needed_groups, votes_last_minutes, valid_until, created_at,
       status, status_at, void_reason
  FROM signoff_plan WHERE id = %s
"""


@pytest.mark.django_db
def test_a_vote_completes_a_plan_that_needs_one() -> None:
    alice, bob = person("alice"), person("bob")
    plan = give(open_plan(alice), bob)
    assert plan.status == PlanStatus.SIGNED
    kinds = list(Event.objects.filter(subject_kind="signoff.plan").order_by("id").values_list("kind", flat=True))
    assert kinds == ["plan.opened", "plan.signed", "plan.completed"]


@pytest.mark.django_db
def test_two_votes_are_two_people() -> None:
    alice, bob, charlie = person("alice"), person("bob"), person("charlie")
    plan = open_plan(alice, needed=2)
    assert signoffs.missing(plan) == ["2 merge sign-offs"]
    assert give(plan, bob).status == PlanStatus.OPEN
    with pytest.raises(StaleTransition, match="signed this plan already"):
        give(plan, bob)
    assert give(plan, charlie).status == PlanStatus.SIGNED


@pytest.mark.django_db
def test_a_maker_is_refused_by_the_service_and_by_the_database() -> None:
    alice = person("alice")
    plan = open_plan(alice)
    with pytest.raises(NotAllowed, match="wrote part of it"):
        give(plan, alice)
    for forged in (plan.excluded, [], [alice.pk + 1]):
        with pytest.raises(IntegrityError):
            insert(plan, alice, excluded=forged)
    assert not Vote.objects.exists()


@pytest.mark.django_db
def test_a_vote_under_another_digest_is_refused_by_the_service_and_by_the_database() -> None:
    alice, bob = person("alice"), person("bob")
    plan = open_plan(alice)
    with pytest.raises(StaleTransition, match="changed since you looked"):
        give(plan, bob, digest="0" * 64)
    with pytest.raises(IntegrityError):
        insert(plan, bob, digest="0" * 64)


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["content = '{}'", "makers = '{}'", "excluded = '{}'", "needed = 9"])
def test_a_plan_never_changes_not_even_for_the_owner(change: str) -> None:
    open_plan(person("alice"))
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE signoff_plan SET " + change)  # noqa: S608 - from the table above


@pytest.mark.django_db
def test_the_digest_is_the_content_s_also_in_the_database() -> None:
    plan = open_plan(person("alice"))
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(OTHER_TEXT_UNDER_THE_SAME_DIGEST, [plan.pk])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"stage": "merge", "merge_plan_id": None, "status": "signed"}, "begins open"),
        ({"makers": []}, "follows a signed merge plan"),
        ({"subject_id": 8}, "follows a signed merge plan"),
        ({"merge_status": PlanStatus.OPEN}, "follows a signed merge plan"),
    ],
)
def test_no_plan_is_smuggled_past_its_merge_stage(change: dict[str, Any], says: str) -> None:
    alice, bob = person("alice"), person("bob")
    merge = open_plan(alice)
    if "merge_status" not in change:
        merge = give(merge, bob)
    rollout = Plan.objects.get(pk=merge.pk)
    rollout.pk, rollout.stage, rollout.status = None, Stage.ROLLOUT, PlanStatus.OPEN
    rollout.merge_plan = merge
    for name, value in change.items():
        setattr(rollout, name, value)
    with pytest.raises(IntegrityError, match=says), transaction.atomic():
        rollout.save(force_insert=True)


@pytest.mark.django_db
def test_machines_and_strangers_to_the_moment_are_refused() -> None:
    alice, robot, bob = person("alice"), person("robot", kind="machine"), person("bob")
    plan = open_plan(alice)
    with pytest.raises(NotAllowed, match="machine"):
        give(plan, robot)
    with pytest.raises(StaleTransition, match="expired"):
        give(plan, bob, at=AT + timedelta(hours=4))


@pytest.mark.django_db
def test_a_newer_plan_voids_the_older_one_and_its_votes() -> None:
    alice, bob = person("alice"), person("bob")
    old = give(open_plan(alice), bob)
    new = open_plan(alice, text="restart payments twice")
    old.refresh_from_db()
    assert old.status == PlanStatus.VOID
    assert signoffs.missing(new) == ["1 merge sign-off"]
    with pytest.raises(StaleTransition, match="void"):
        signoffs.claim(old.pk, actor=PROBE, at=AT)


@pytest.mark.django_db
def test_a_plan_is_claimed_once_while_it_is_valid() -> None:
    alice, bob = person("alice"), person("bob")
    plan = open_plan(alice)
    with pytest.raises(StaleTransition, match="open"):
        signoffs.claim(plan.pk, actor=PROBE, at=AT)
    give(plan, bob)
    with pytest.raises(StaleTransition, match="expired"):
        signoffs.claim(plan.pk, actor=PROBE, at=AT + timedelta(hours=5))
    assert signoffs.claim(plan.pk, actor=PROBE, at=AT).status == PlanStatus.CLAIMED
    with pytest.raises(StaleTransition, match="claimed"):
        signoffs.claim(plan.pk, actor=PROBE, at=AT)


def test_a_text_forged_past_every_trigger_is_not_claimed(committed_db: str) -> None:
    alice, bob = person("alice"), person("bob")
    plan = give(open_plan(alice), bob)
    with connection.cursor() as cursor:  # what only the owner of the tables could do
        cursor.execute("ALTER TABLE signoff_plan DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE signoff_plan DROP CONSTRAINT signoff_plan_digest_is_of_content")
        cursor.execute("UPDATE signoff_plan SET content = replace(content, 'restart', 'delete')")
    with pytest.raises(Refused, match="does not match the digest"):
        signoffs.claim(plan.pk, actor=PROBE, at=AT)


def test_fifty_votes_at_the_same_instant_have_one_effect(committed_db: str) -> None:
    alice = person("alice")
    people = [person(f"bob{n}") for n in range(20)]
    plan = open_plan(alice)

    def vote(who: Person) -> str:
        try:
            return give(plan, who).status
        except StaleTransition:
            return "stale"
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=10) as pool:
        answers = list(pool.map(vote, people + people + people[:10]))
    assert answers.count(PlanStatus.SIGNED) == 1
    assert answers.count("stale") == len(answers) - 1
    assert Vote.objects.count() == 1
    assert Event.objects.filter(kind="plan.completed").count() == 1


@pytest.mark.parametrize(
    ("role", "refusal"),
    [
        ("drafting", psycopg.errors.InsufficientPrivilege),
        ("probe", psycopg.errors.InsufficientPrivilege),
        ("execution", psycopg.errors.InsufficientPrivilege),
        ("general", psycopg.errors.CheckViolation),
    ],
)
def test_no_cluster_votes_for_a_person(
    committed_db: str, as_role: Callable[[str], Any], role: str, refusal: type[Exception]
) -> None:
    vote = {"who": person("bob").pk, "plan": open_plan(person("alice")).pk}
    with as_role(role) as cluster, pytest.raises(refusal):
        cluster.execute(A_VOTE, vote)
    with as_role("web") as web:
        web.execute(A_VOTE, vote)


@pytest.mark.parametrize("role", ["owner", "web", "probe", "execution"])
def test_only_votes_sign_a_plan(committed_db: str, as_role: Callable[[str], Any], role: str) -> None:
    alice, bob = person("alice"), person("bob")
    plan = open_plan(alice, needed=2)
    insert(plan, bob)
    sql = f"UPDATE signoff_plan SET status = 'signed' WHERE id = {plan.pk}"  # noqa: S608 - a number
    with as_role(role) as other:
        with pytest.raises(psycopg.errors.CheckViolation, match="signed by its votes"):
            other.execute(sql)
        insert(plan, person("charlie"))
        other.execute(sql)
    plan.refresh_from_db()
    assert plan.status == PlanStatus.SIGNED


@pytest.mark.django_db
@pytest.mark.parametrize("old", list(PlanStatus))
@pytest.mark.parametrize("new", list(PlanStatus))
def test_the_database_allows_exactly_the_moves_of_the_table(old: PlanStatus, new: PlanStatus) -> None:
    plan = open_plan(person("alice"))
    insert(plan, person("bob"))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE signoff_plan DISABLE TRIGGER USER")
        cursor.execute("UPDATE signoff_plan SET status = %s WHERE id = %s", [old, plan.pk])
        cursor.execute("ALTER TABLE signoff_plan ENABLE TRIGGER USER")
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE signoff_plan SET status = %s WHERE id = %s", [new, plan.pk])
        was_allowed = True
    except IntegrityError:
        was_allowed = False
    assert was_allowed == (new == old or new in NEXT[old])


@pytest.mark.django_db
def test_the_plans_of_a_subject_are_found_by_an_index_however_many_are_over() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # a table of tests is too small to need one
    found = Plan.objects.filter(subject_kind="drafting.remediation", subject_id=7)
    assert "signoff_plan_of_subject" in found.explain()
