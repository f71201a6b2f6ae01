"""Many people at the same instant, with threads and commits: every plan has one fate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from time import sleep

import pytest
from django.db import connection, transaction

from portal.access.models import Person
from portal.audit.models import Event
from portal.kit.refusals import Refusal, StaleTransition
from portal.signoff import services as signoffs
from portal.signoff.models import Certificate, Plan, Vote
from portal.signoff.services import Ballot
from portal.signoff.states import PlanStatus
from portal.signoff.testing import AT, PROBE, ask, give, open_plan, open_rollout, person


def at_once(calls: Iterable[Callable[[], str]]) -> Counter[str]:
    """What each of the calls answered, all of them begun at the same instant."""
    waiting = list(calls)
    start = Barrier(len(waiting))

    def begin(call: Callable[[], str]) -> str:
        try:
            connection.ensure_connection()
            start.wait()
            return call()
        except Refusal as refusal:
            return type(refusal).__name__
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(waiting)) as pool:
        return Counter(pool.map(begin, waiting))


def signs(plan: Plan, who: Person) -> Callable[[], str]:
    return lambda: give(plan, who).status


def test_fifty_votes_on_a_quorum_of_three_complete_it_once(committed_db: str) -> None:
    plan = open_plan(person("alice"), needed=3)
    people = [person(f"bob{number}") for number in range(25)]
    answers = at_once(signs(plan, who) for who in people + people)
    assert answers == {PlanStatus.OPEN: 2, PlanStatus.SIGNED: 1, "StaleTransition": 47}
    assert Vote.objects.count() == 3
    assert Event.objects.filter(kind="plan.completed").count() == 1


def test_a_double_click_is_one_vote(committed_db: str) -> None:
    plan, bob = open_plan(person("alice"), needed=2), person("bob")
    assert at_once([signs(plan, bob)] * 4) == {PlanStatus.OPEN: 1, "StaleTransition": 3}
    assert Vote.objects.count() == 1


@pytest.mark.parametrize("attempt", range(5))
def test_either_it_is_withdrawn_or_it_is_claimed(committed_db: str, attempt: int) -> None:
    bob = person("bob")
    plan = give(open_rollout(person("alice")), bob)

    def withdraw() -> str:
        signoffs.withdraw(plan.pk, person=bob, reason="Wait", door="page", at=AT)
        return "withdrawn"

    def claim() -> str:
        signoffs.claim(plan.pk, actor=PROBE, at=AT)
        return "claimed"

    answers = at_once([withdraw, claim, claim, withdraw])
    plan.refresh_from_db()
    fate = "claimed" if plan.status == PlanStatus.CLAIMED else "withdrawn"
    assert answers == {fate: 1, "StaleTransition": 3}
    assert plan.status in (PlanStatus.CLAIMED, PlanStatus.VOID)
    assert Event.objects.filter(kind="plan.claimed").exists() == (fate == "claimed")


def test_a_plan_that_expires_while_it_is_signed_or_claimed_has_one_end(committed_db: str) -> None:
    plan = give(open_rollout(person("alice"), votes_last_minutes=60), person("bob"))
    late = AT + timedelta(hours=1)

    def sweep() -> str:
        return f"swept {signoffs.sweep(at=late)}"

    def claim() -> str:
        return signoffs.claim(plan.pk, actor=PROBE, at=AT).status

    answers = at_once([sweep, claim, sweep])
    plan.refresh_from_db()
    assert (plan.status == PlanStatus.CLAIMED) == (answers[PlanStatus.CLAIMED] == 1)
    assert answers["swept 1"] + answers[PlanStatus.CLAIMED] == 1


def test_two_who_grant_the_same_certificate_grant_it_once(committed_db: str) -> None:
    petra = person("petra", "policy admin")
    granters = [person(f"pablo{number}", "policy admin") for number in range(6)]
    plan = Plan.objects.get(certificate=ask(petra))

    def grants(who: Person) -> Callable[[], str]:
        def grant() -> str:
            signoffs.grant(plan.pk, digest=plan.digest, person=who, ballot=Ballot(), door="page", at=AT)
            return "granted"

        return grant

    assert at_once(grants(who) for who in granters) == {"granted": 1, "StaleTransition": 5}
    assert Certificate.objects.exclude(granted_at=None).count() == 1
    assert Event.objects.filter(kind="certificate.granted").count() == 1
    assert StaleTransition.status == 409


def test_a_revocation_waits_for_a_grant_and_holds_nothing_that_the_grant_needs(committed_db: str) -> None:
    certificate = ask(person("petra", "policy admin"))

    def revoke() -> str:
        signoffs.revoke(certificate.pk, reason="Not yet.", actor=PROBE, at=AT)
        return "revoked"

    with ThreadPoolExecutor(max_workers=1) as pool:
        with transaction.atomic():
            Plan.objects.select_for_update().get(certificate=certificate)
            revoking = pool.submit(at_once, [revoke])
            _wait_until_somebody_waits_for_us()
            Certificate.objects.select_for_update(nowait=True).get(pk=certificate.pk)
        assert revoking.result() == {"revoked": 1}


@pytest.mark.parametrize("attempt", range(5))
def test_a_certificate_that_is_granted_while_it_is_revoked_ends_revoked(committed_db: str, attempt: int) -> None:
    certificate, pablo = ask(person("petra", "policy admin")), person("pablo", "policy admin")
    plan = Plan.objects.get(certificate=certificate)

    def grant() -> str:
        signoffs.grant(plan.pk, digest=plan.digest, person=pablo, ballot=Ballot(), door="page", at=AT)
        return "granted"

    def revoke() -> str:
        signoffs.revoke(certificate.pk, reason="Not yet.", actor=PROBE, at=AT)
        return "revoked"

    answers = at_once([grant, revoke])
    certificate.refresh_from_db()
    assert answers["revoked"] == 1
    assert certificate.revoked_at == AT
    assert (certificate.granted_at is not None) == (answers["granted"] == 1)


def _wait_until_somebody_waits_for_us() -> None:
    blocked = "SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    with connection.cursor() as cursor:
        for _attempt in range(6_000):
            cursor.execute(blocked)
            if cursor.fetchone()[0]:
                return
            sleep(0.01)
    raise AssertionError("nobody waits")
