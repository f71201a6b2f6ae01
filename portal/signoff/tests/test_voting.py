"""Who signs, for whom, when and under what: each rule through the service, and past it where the database knows it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.audit.models import Event
from portal.estate.models import Category, Service
from portal.jobs import registry
from portal.jobs import services as jobs
from portal.jobs.testing import drain
from portal.kit.refusals import NotAllowed, Refused, StaleTransition
from portal.signoff import ruling
from portal.signoff import services as signoffs
from portal.signoff.models import Delegation, Plan, QuorumRule, Vote
from portal.signoff.services import Ballot
from portal.signoff.states import PlanStatus, Stage
from portal.signoff.testing import (
    AT,
    PROBE,
    ask,
    certify,
    give,
    give_by_machine,
    insert,
    kubernetes,
    open_plan,
    open_rollout,
    person,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def delegate(giver: Person, to: Person, **changes: Any) -> Delegation:
    fields: dict[str, Any] = {"category": None, "starts_at": AT, "ends_at": AT + DAY, "reason": "Holiday"}
    return signoffs.delegate(person=giver, to=to, **{**fields, **changes}, door="page", at=AT)


# Quorum


def test_a_plan_takes_as_many_people_as_it_says_and_one_of_every_group() -> None:
    owners = Group.objects.create(name="payments owners")
    plan = open_plan(person("alice"), needed=2, needed_groups=[owners.pk])
    assert signoffs.missing(plan) == ["2 merge sign-offs", "a merge sign-off by payments owners"]
    assert give(plan, person("bob")).status == PlanStatus.OPEN
    assert give(plan, person("charlie")).status == PlanStatus.OPEN
    assert signoffs.missing(plan) == ["a merge sign-off by payments owners"]
    dora = person("dora")
    dora.groups.add(owners)
    assert give(plan, dora).status == PlanStatus.SIGNED


def test_the_database_wants_the_group_and_only_the_signer_s_own_groups_count() -> None:
    owners, bob = Group.objects.create(name="payments owners"), person("bob")
    plan = open_plan(person("alice"), needed_groups=[owners.pk])
    with pytest.raises(IntegrityError, match="groups its principal is in"):
        insert(plan, bob, groups=[owners.pk])
    insert(plan, bob)
    with pytest.raises(IntegrityError, match="signed by its votes"):
        Plan.objects.filter(pk=plan.pk).update(status=PlanStatus.SIGNED, status_at=AT)


def test_votes_outlive_the_people_who_gave_them() -> None:
    owners, bob = Group.objects.create(name="payments owners"), person("bob")
    bob.groups.add(owners)
    plan = open_plan(person("alice"), needed=2, needed_groups=[owners.pk])
    give(plan, bob)
    bob.groups.clear()
    Person.objects.filter(pk=bob.pk).update(is_active=False)
    assert give(plan, person("charlie")).status == PlanStatus.SIGNED


def test_rules_are_set_by_those_who_configure_and_leave_a_trail() -> None:
    admin, reviewer = person("petra", "policy admin"), person("rita", "reviewer")
    with pytest.raises(NotAllowed):
        ruling.keep(QuorumRule(stage=Stage.ROLLOUT, needed=2), person=reviewer, door="page", at=AT)
    rule = ruling.keep(QuorumRule(stage=Stage.ROLLOUT, needed=2), person=admin, door="page", at=AT)
    with pytest.raises(StaleTransition, match="such a rule"):
        ruling.keep(QuorumRule(stage=Stage.ROLLOUT, needed=3), person=admin, door="page", at=AT)
    asked: dict[str, Any] = {"stage": Stage.ROLLOUT, "category_id": kubernetes().pk, "risk": "safe_write"}
    assert signoffs.requirement(**asked).needed == 2
    rule.needed = 3
    ruling.keep(rule, person=admin, door="page", at=AT)
    assert signoffs.requirement(**asked).needed == 3
    ruling.remove(rule.pk, person=admin, door="page", at=AT)
    assert signoffs.requirement(**asked).needed == 1
    with pytest.raises(StaleTransition):
        ruling.remove(rule.pk, person=admin, door="page", at=AT)
    events = list(Event.objects.filter(subject_kind="signoff.quorumrule").order_by("id"))
    assert [event.kind for event in events] == ["quorum.added", "quorum.changed", "quorum.removed"]
    body = audit.body_of(events[1])
    assert (body["before"]["needed"], body["after"]["needed"]) == (2, 3)


def test_whoever_configures_one_category_sets_no_rule_for_all() -> None:
    somebody = person("sam", "engineer")
    grants.give(to=somebody, verb="configure", category=kubernetes(), actor=PROBE, at=AT)
    somebody = Person.objects.get(pk=somebody.pk)
    kept = ruling.keep(
        QuorumRule(stage=Stage.MERGE, category=kubernetes(), needed=2), person=somebody, door="page", at=AT
    )
    kept.category = None
    with pytest.raises(NotAllowed, match="all categories"):
        ruling.keep(kept, person=somebody, door="page", at=AT)


def test_the_rules_of_a_new_installation_keep_what_people_set() -> None:
    for slug in ("security", "database"):
        Category.objects.create(slug=slug, name=slug)
    ruling.load()
    ruling.load()
    assert QuorumRule.objects.count() == 4
    security = Category.objects.get(slug="security").pk
    needed = signoffs.requirement(stage=Stage.ROLLOUT, category_id=security, risk="safe_write", severity="sev3").needed
    assert needed == 2


def test_only_sensitive_services_bring_their_owners() -> None:
    owners = Group.objects.create(name="owners")
    plain = Service(owner_group=owners, sensitivity=[])
    sensitive = Service(owner_group=owners, sensitivity=["payments"])
    orphan = Service(sensitivity=["payments"])
    assert signoffs.owners_of([plain, orphan]) == []
    assert signoffs.owners_of([plain, sensitive, orphan]) == [owners.pk]


# Who


@pytest.mark.parametrize(
    ("stage", "risk", "roles", "lacks"),
    [
        (Stage.MERGE, "safe_write", ["engineer"], "Sign the merge stage"),
        (Stage.ROLLOUT, "safe_write", ["reviewer"], "Sign the rollout stage"),
        (Stage.ROLLOUT, "critical_write", ["reviewer"], "Sign critical plans"),
        (Stage.ROLLOUT, "nobody knows", ["reviewer"], "Sign critical plans"),
    ],
)
def test_a_stage_takes_its_grant(stage: Stage, risk: str, roles: list[str], lacks: str) -> None:
    alice = person("alice")
    plan = open_plan(alice, risk=risk) if stage == Stage.MERGE else open_rollout(alice, risk=risk)
    with pytest.raises(NotAllowed, match=lacks):
        give(plan, person("rahul", *roles))


@pytest.mark.parametrize("opened", [open_plan, open_rollout])
def test_critical_wants_the_typed_id_and_a_fresh_sign_in(opened: Callable[..., Plan]) -> None:
    bob = person("bob")
    plan = opened(person("alice"), risk="critical_write")
    with pytest.raises(Refused) as refused:
        give(plan, bob)
    assert [reason.code for reason in refused.value.reasons] == ["confirm_ticket_id", "sign_in_again"]
    fresh = AT - timedelta(minutes=4)
    for typed, since in (("INC-8", fresh), ("inc-7", fresh), ("INC-7", AT - timedelta(minutes=5)), ("INC-7", None)):
        with pytest.raises(Refused):
            give(plan, bob, typed=typed, authenticated_at=since)
    assert give(plan, bob, typed="INC-7", authenticated_at=fresh).status == PlanStatus.SIGNED


def test_a_refused_signature_stays_in_the_trail_and_nothing_else_does() -> None:
    alice = person("alice")
    plan = open_plan(alice)
    with (
        pytest.raises(NotAllowed),
        signoffs.refusals_kept(plan.pk, person=alice, door="api", at=AT),
    ):
        give(plan, alice)
    event = Event.objects.get(kind="plan.refused")
    assert (event.actor_name, event.door, event.ticket_key) == ("alice", "api", "INC-7")
    assert audit.body_of(event)["answer"] == 403


# In another's stead


def test_a_delegate_signs_with_the_rights_and_groups_of_who_delegated() -> None:
    owners = Group.objects.create(name="payments owners")
    alice, bob, erin = person("alice"), person("bob"), person("erin", "engineer")
    bob.groups.add(owners)
    plan = open_plan(alice, needed_groups=[owners.pk])
    with pytest.raises(NotAllowed, match="Sign the merge stage"):
        give(plan, erin)
    lent = delegate(bob, erin)
    assert signoffs.received(plan, erin, at=AT) == [lent]
    assert give(plan, erin, delegation_id=lent.pk).status == PlanStatus.SIGNED
    vote = Vote.objects.get()
    assert (vote.person, vote.principal, vote.delegation) == (erin, bob, lent)
    assert audit.body_of(Event.objects.get(kind="plan.signed"))["for"] == "bob"
    assert signoffs.received(plan, erin, at=AT) == []


@pytest.mark.parametrize("excluded", ["bob", "erin"])
def test_a_delegation_is_no_way_around_law_4_for_either_of_the_two(excluded: str) -> None:
    people = {"bob": person("bob"), "erin": person("erin")}
    lent = delegate(people["bob"], people["erin"])
    plan = open_plan(people[excluded])
    assert signoffs.received(plan, people["erin"], at=AT) == []
    with pytest.raises(NotAllowed):
        give(plan, people["erin"], delegation_id=lent.pk)
    with pytest.raises(IntegrityError):
        insert(plan, people["erin"], principal=people["bob"], delegation=lent)


def test_two_votes_never_come_from_one_person_or_for_one_person() -> None:
    bob, erin, charlie = person("bob"), person("erin"), person("charlie")
    for_bob, for_charlie = delegate(bob, erin), delegate(charlie, erin)
    plan = open_plan(person("alice"), needed=3)
    give(plan, erin, delegation_id=for_bob.pk)
    for who, delegation in ((erin, for_charlie.pk), (erin, None), (bob, None)):
        with pytest.raises(StaleTransition, match="already"):
            give(plan, who, delegation_id=delegation)


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"starts_at": AT + HOUR}, AT),
        ({"ends_at": AT + HOUR}, AT + HOUR),
        ({"category": "network"}, AT),
    ],
)
def test_a_delegation_holds_for_its_time_and_category(changes: dict[str, Any], at: Any) -> None:
    bob, erin = person("bob"), person("erin", "engineer")
    if "category" in changes:
        changes = {"category": Category.objects.create(slug="network", name="Network")}
    lent, plan = delegate(bob, erin, **changes), open_plan(person("alice"))
    with pytest.raises(NotAllowed, match="does not cover"):
        give(plan, erin, delegation_id=lent.pk, at=at)
    with pytest.raises(IntegrityError, match="needs their delegation"):
        insert(plan, erin, principal=bob, delegation=lent, at=at, expires_at=at + HOUR)


def test_what_was_delegated_ends_is_not_handed_on_and_is_nobody_else_s() -> None:
    bob, erin, frank = person("bob"), person("erin", "engineer"), person("frank", "engineer")
    lent, plan = delegate(bob, erin), open_plan(person("alice"))
    with pytest.raises(NotAllowed, match="no signing right"):
        delegate(erin, frank)
    with pytest.raises(NotAllowed, match="Nobody delegated"):
        give(plan, frank, delegation_id=lent.pk)
    with pytest.raises(NotAllowed):
        signoffs.end_delegation(lent.pk, person=frank, door="page", at=AT)
    signoffs.end_delegation(lent.pk, person=bob, door="page", at=AT)
    with pytest.raises(StaleTransition):
        signoffs.end_delegation(lent.pk, person=erin, door="page", at=AT)
    with pytest.raises(NotAllowed, match="does not cover"):
        give(plan, erin, delegation_id=lent.pk)
    kinds = list(Event.objects.filter(subject_kind="signoff.delegation").order_by("id").values_list("kind", flat=True))
    assert kinds == ["delegation.given", "delegation.ended"]


def test_who_left_or_lost_the_grant_lends_nothing() -> None:
    bob, erin = person("bob"), person("erin", "engineer")
    lent, plan = delegate(bob, erin), open_plan(person("alice"))
    bob.groups.clear()
    with pytest.raises(NotAllowed, match="Sign the merge stage"):
        give(plan, erin, delegation_id=lent.pk)
    Person.objects.filter(pk=bob.pk).update(is_active=False)
    with pytest.raises(NotAllowed, match="in their stead"):
        give(plan, erin, delegation_id=lent.pk)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ends_at": AT}, "ends_at"),
        ({"starts_at": AT - DAY, "ends_at": AT - HOUR}, "ends_at"),
        ({"ends_at": AT + timedelta(days=91)}, "too_long"),
        ({"reason": "  "}, "reason"),
        ({"to": "bob"}, "self"),
        ({"to": "robot"}, "not_a_person"),
    ],
)
def test_a_delegation_that_makes_no_sense_is_refused(changes: dict[str, Any], code: str) -> None:
    people = {"bob": person("bob"), "erin": person("erin"), "robot": person("robot", kind="machine")}
    to = people[changes.pop("to", "erin")]
    with pytest.raises(Refused) as refused:
        delegate(people["bob"], to, **changes)
    assert [reason.code for reason in refused.value.reasons] == [code]


# When


def test_a_vote_counts_for_its_time_and_the_plan_ends_with_it() -> None:
    alice, bob, charlie = person("alice"), person("bob"), person("charlie")
    plan = open_plan(alice, needed=2, votes_last_minutes=60)
    give(plan, bob)
    with pytest.raises(StaleTransition, match="A signature on it expired"):
        give(plan, charlie, at=AT + HOUR)
    with pytest.raises(IntegrityError, match="lasts as long as its plan says"):
        insert(plan, charlie, expires_at=AT + 2 * HOUR)
    insert(plan, charlie, at=AT + HOUR, expires_at=AT + 2 * HOUR)
    with pytest.raises(IntegrityError, match="signed by its votes"):
        Plan.objects.filter(pk=plan.pk).update(status=PlanStatus.SIGNED, status_at=AT + HOUR)


def test_the_sweep_ends_what_nobody_signed_or_claimed_in_time() -> None:
    alice, bob = person("alice"), person("bob")
    waiting = open_plan(alice, needed=2)
    assert signoffs.sweep(at=AT + HOUR) == 0
    assert signoffs.sweep(at=AT + 4 * HOUR) == 1
    assert signoffs.sweep(at=AT + 4 * HOUR) == 0
    waiting.refresh_from_db()
    assert (waiting.status, waiting.void_reason) == (
        PlanStatus.VOID,
        "The plan has expired. Ask for a fresh one.",
    )
    signed = give(open_rollout(alice, votes_last_minutes=30), bob)
    assert signoffs.sweep(at=AT + HOUR) == 1
    signed.refresh_from_db()
    assert signed.status == PlanStatus.VOID
    with pytest.raises(StaleTransition):
        signoffs.claim(signed.pk, actor=PROBE, at=AT + HOUR)
    assert Event.objects.filter(kind="plan.voided", actor_kind="system", actor_name="general").count() == 2


def test_the_clock_sweeps_without_being_asked() -> None:
    assert ("signoff.sweep", 30) in registry.periodic()
    plan = open_plan(person("alice"))
    jobs.enqueue("signoff.sweep", at=AT)
    assert "signoff.sweep: Ended 1 plans." in drain("general")
    plan.refresh_from_db()
    assert plan.status == PlanStatus.VOID


def test_a_run_approved_ahead_starts_in_its_time_and_not_outside_of_it() -> None:
    plan = open_rollout(person("alice"))
    give(plan, person("bob"), runs_from=AT + 20 * HOUR, runs_until=AT + 22 * HOUR)
    assert signoffs.sweep(at=AT + 21 * HOUR) == 0
    with pytest.raises(Refused) as early:
        signoffs.claim(plan.pk, actor=PROBE, at=AT + 19 * HOUR)
    assert [reason.code for reason in early.value.reasons] == ["not_yet"]
    with pytest.raises(StaleTransition, match="no run claimed it"):
        signoffs.claim(plan.pk, actor=PROBE, at=AT + 22 * HOUR)
    assert signoffs.claim(plan.pk, actor=PROBE, at=AT + 20 * HOUR).status == PlanStatus.CLAIMED


def test_a_run_approved_ahead_and_never_started_is_swept() -> None:
    plan = open_rollout(person("alice"))
    give(plan, person("bob"), runs_from=AT + 20 * HOUR, runs_until=AT + 22 * HOUR)
    assert signoffs.sweep(at=AT + 22 * HOUR) == 1
    plan.refresh_from_db()
    assert "approved for 2026-05-04 23:00 to 2026-05-05 01:00 UTC" in plan.void_reason


def test_two_people_approve_a_time_that_both_allow() -> None:
    plan = open_rollout(person("alice"), needed=2)
    give(plan, person("bob"), runs_from=AT + HOUR, runs_until=AT + 3 * HOUR)
    charlie = person("charlie")
    with pytest.raises(Refused, match="another time"):
        give(plan, charlie, runs_from=AT + 3 * HOUR, runs_until=AT + 4 * HOUR)
    give(plan, charlie, runs_from=AT + 2 * HOUR, runs_until=AT + 9 * HOUR)
    span = signoffs.window_of(plan)
    assert span
    assert (span.runs_from, span.runs_until) == (AT + 2 * HOUR, AT + 3 * HOUR)


@pytest.mark.parametrize(
    ("window", "field"),
    [
        ({"runs_from": AT + HOUR}, "runs_until"),
        ({"runs_until": AT + HOUR}, "runs_until"),
        ({"runs_from": AT + 2 * HOUR, "runs_until": AT + HOUR}, "runs_until"),
        ({"runs_from": AT - 2 * HOUR, "runs_until": AT}, "runs_until"),
        ({"runs_from": AT + HOUR, "runs_until": AT + 15 * DAY}, "runs_until"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(window: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        give(open_rollout(person("alice")), person("bob"), **window)
    assert [(reason.code, reason.field) for reason in refused.value.reasons] == [("window", field)]


def test_the_merge_stage_runs_nothing_so_it_has_no_time() -> None:
    with pytest.raises(Refused, match="Only the rollout stage"):
        give(open_plan(person("alice")), person("bob"), runs_from=AT + HOUR, runs_until=AT + 2 * HOUR)


# Taking back


def withdraw(plan: Plan, who: Person, reason: str = "I misread the target") -> Plan:
    return signoffs.withdraw(plan.pk, person=who, reason=reason, door="page", at=AT)


def test_a_signer_takes_back_and_every_stage_of_it_is_void() -> None:
    alice, bob, charlie = person("alice"), person("bob"), person("charlie")
    merge = give(open_plan(alice), bob)
    rollout = open_plan(alice, stage=Stage.ROLLOUT, text="roll out", merge_plan=merge)
    with pytest.raises(NotAllowed, match="did not sign"):
        withdraw(merge, charlie)
    with pytest.raises(Refused):
        withdraw(merge, bob, " ")
    withdraw(merge, bob)
    for plan in (merge, rollout):
        plan.refresh_from_db()
        assert (plan.status, plan.void_reason) == (PlanStatus.VOID, "bob withdrew: I misread the target")
    with pytest.raises(StaleTransition, match="is void"):
        withdraw(merge, bob)


def test_who_delegated_takes_back_what_was_signed_in_their_stead() -> None:
    bob, erin = person("bob"), person("erin")
    plan = open_plan(person("alice"))
    give(plan, erin, delegation_id=delegate(bob, erin).pk)
    withdraw(plan, bob)
    plan.refresh_from_db()
    assert plan.status == PlanStatus.VOID


def test_once_the_run_has_claimed_it_nothing_is_taken_back() -> None:
    alice, bob = person("alice"), person("bob")
    rollout = give(open_rollout(alice), bob)
    merge = Plan.objects.get(rollout_plans=rollout)
    signoffs.claim(rollout.pk, actor=PROBE, at=AT)
    for plan, who in ((rollout, bob), (merge, Person.objects.get(username="merger"))):
        with pytest.raises(StaleTransition, match="claimed"):
            withdraw(plan, who)


# Certificates and machines


def machine(name: str = "robot") -> Person:
    return person(name, "engineer", kind="machine")


def test_a_certificate_takes_two_policy_admins() -> None:
    petra, pablo, ana = person("petra", "policy admin"), person("pablo", "policy admin"), person("ana")
    with pytest.raises(NotAllowed):
        ask(ana)
    asked = ask(petra)
    plan = Plan.objects.get(certificate=asked)
    assert signoffs.live_certificate(3, "restart_pod", "production", at=AT) is None
    for who in (petra, ana):
        with pytest.raises(NotAllowed):
            signoffs.grant(plan.pk, digest=plan.digest, person=who, ballot=Ballot(), door="page", at=AT)
    with pytest.raises(StaleTransition):
        signoffs.grant(plan.pk, digest="0" * 64, person=pablo, ballot=Ballot(), door="page", at=AT)
    granted = signoffs.grant(plan.pk, digest=plan.digest, person=pablo, ballot=Ballot(), door="page", at=AT)
    assert granted == asked
    assert signoffs.live_certificate(3, "restart_pod", "production", at=AT) == asked
    assert signoffs.live_certificate(3, "restart_pod", "staging", at=AT) is None
    assert signoffs.live_certificate(3, "restart_pod", "production", at=asked.expires_at) is None
    kinds = Event.objects.filter(subject_kind="signoff.certificate").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["certificate.asked", "certificate.granted"]


def test_the_database_grants_nothing_that_one_person_asked_for() -> None:
    petra = person("petra", "policy admin")
    asked = ask(petra)
    with pytest.raises(IntegrityError, match="granted by two people"), transaction.atomic():
        type(asked).objects.filter(pk=asked.pk).update(granted_at=AT)
    with pytest.raises(IntegrityError):
        insert(Plan.objects.get(certificate=asked), petra)


@pytest.mark.parametrize("change", [{"action": "scale"}, {"expires_at": AT + 900 * DAY}, {"granted_at": None}])
def test_a_certificate_never_changes(change: dict[str, Any]) -> None:
    granted = certify(person("petra", "policy admin"), person("pablo", "policy admin"))
    with pytest.raises(IntegrityError, match="never changed"):
        type(granted).objects.filter(pk=granted.pk).update(**change)


def test_one_certificate_is_in_force_and_a_newer_one_takes_its_place() -> None:
    petra, pablo = person("petra", "policy admin"), person("pablo", "policy admin")
    first = certify(petra, pablo)
    ask(petra)
    with pytest.raises(StaleTransition, match="waits for a signature"):
        ask(pablo)
    waiting = Plan.objects.get(stage=Stage.GRANT, status=PlanStatus.OPEN)
    second = signoffs.grant(waiting.pk, digest=waiting.digest, person=pablo, ballot=Ballot(), door="page", at=AT)
    first.refresh_from_db()
    assert first.revoke_reason == "A newer certificate took its place."
    assert signoffs.live_certificate(3, "restart_pod", "production", at=AT) == second


def test_one_policy_admin_is_enough_to_end_a_certificate_or_its_question() -> None:
    petra, pablo = person("petra", "policy admin"), person("pablo", "policy admin")
    granted = certify(petra, pablo)
    with pytest.raises(NotAllowed):
        signoffs.take_back(granted.pk, reason="Too many restarts", person=person("ana"), door="page", at=AT)
    signoffs.take_back(granted.pk, reason="Too many restarts", person=petra, door="page", at=AT)
    with pytest.raises(StaleTransition):
        signoffs.take_back(granted.pk, reason="Again", person=petra, door="page", at=AT)
    assert signoffs.live_certificate(3, "restart_pod", "production", at=AT) is None
    asked = ask(petra)
    signoffs.take_back(asked.pk, reason="Not yet", person=pablo, door="page", at=AT)
    assert Plan.objects.get(certificate=asked).status == PlanStatus.VOID


def test_a_machine_signs_under_a_live_certificate_and_not_otherwise() -> None:
    robot, bob = machine(), person("bob")
    live = certify(person("petra", "policy admin"), person("pablo", "policy admin"))
    plan = open_plan(person("alice"))
    with pytest.raises(NotAllowed, match="machine"):
        give(plan, robot)
    with pytest.raises(NotAllowed, match="People sign for themselves"):
        give_by_machine(plan, bob, live)
    with pytest.raises(IntegrityError, match="live certificate"):
        insert(plan, robot)
    with pytest.raises(IntegrityError, match="live certificate"):
        insert(plan, bob, certificate=live)
    signed = give_by_machine(plan, robot, live)
    assert signed.status == PlanStatus.SIGNED
    body = audit.body_of(Event.objects.filter(kind="plan.signed").latest("id"))
    assert (body["certificate"], body["for"]) == (live.pk, "robot")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"risk": "critical_write"}, "critical"),
        ({"risk": "nobody knows"}, "critical"),
        ({"needed": 2}, "quorum"),
        ({"needed_groups": [4711]}, "quorum"),
        ({"category": "network"}, "certificate"),
    ],
)
def test_no_certificate_covers_what_is_critical_elsewhere_or_wants_more_than_one(
    changes: dict[str, Any], code: str
) -> None:
    live = certify(person("petra", "policy admin"), person("pablo", "policy admin"))
    if "category" in changes:
        changes = {"category_id": Category.objects.create(slug="network", name="Network").pk}
    plan, robot = open_plan(person("alice"), **changes), machine()
    with pytest.raises(Refused) as refused:
        give_by_machine(plan, robot, live)
    assert code in [reason.code for reason in refused.value.reasons]
    with pytest.raises(IntegrityError, match="live certificate"):
        insert(plan, robot, certificate=live)


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_what_a_machine_signed_ends_with_its_certificate(end: str) -> None:
    live = certify(person("petra", "policy admin"), person("pablo", "policy admin"), expires_at=AT + HOUR)
    alice, robot, bob = person("alice"), machine(), person("bob")
    merge = give_by_machine(open_plan(alice), robot, live)
    rollout = give(open_plan(alice, stage=Stage.ROLLOUT, text="roll out", merge_plan=merge), bob)
    if end == "revoked":
        signoffs.revoke(live.pk, reason="A run was rolled back", actor=PROBE, at=AT)
    at = AT if end == "revoked" else AT + HOUR
    with pytest.raises(StaleTransition, match="certificate that a machine signed under"):
        signoffs.claim(rollout.pk, actor=PROBE, at=at)
    again = open_plan(alice, text="once more")
    live.refresh_from_db()
    with pytest.raises(Refused, match="not live"):
        give_by_machine(again, robot, live, at=at)
    with pytest.raises(IntegrityError, match="live certificate"):
        insert(again, robot, certificate=live, at=at, expires_at=at + HOUR)
