"""Every rule of the decision, one row each, and what must hold whatever the facts are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.policy.decide import decide
from remediation.policy.facts import Action, ActionType, Decision, Facts, Limits, Mode, Switches
from remediation.policy.share import STEPS
from remediation.policy.tests import rows
from remediation.policy.tests.rows import AT, COMMAND, GOOD, HEALTHY, POLICY, READ, ROWS, SCALE, Row, check


def _decide(row: Row) -> Decision:
    limits = None if row.limits is None else replace(POLICY, **row.limits)
    return decide(replace(GOOD, **row.facts), limits, AT)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_rule(row: Row) -> None:
    decision = _decide(row)
    assert tuple(stop.code for stop in decision.hard_stops) == row.stops
    assert (decision.allowed, decision.requires_approval, decision.shadow) == (row.allowed, row.asks, row.shadow)
    assert decision.workers_may_run is row.runs
    last = decision.reasoning[-1]
    assert last.question == "What follows?"
    assert last.answer.endswith(
        f"Decided by: {row.decided_by}" if row.decided_by else "The machine may sign and execute it."
    )


def test_no_two_rows_have_one_name() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_the_steps_come_in_the_order_of_the_design() -> None:
    questions = [step.question for step in decide(GOOD, POLICY, AT).reasoning]
    order = [
        rows.STOP,
        rows.FREEZE,
        rows.ENABLED,
        rows.HAS_POLICY,
        rows.KINDS,
        rows.SCOPE,
        rows.FORBIDDEN,
        "What does it do at worst?",
        rows.CONFIDENCE,
    ]
    order += [
        rows.RELIABILITY,
        rows.SIMILAR,
        rows.FEEDBACK,
        rows.WINDOW,
        rows.RATE,
        rows.WAY_BACK,
        rows.FREE,
        rows.HEALTH,
        rows.BACKUP,
        rows.FAILURES,
        rows.WAYS_BACK,
        rows.PATTERN,
        rows.CERTIFICATE,
        rows.SHARE,
        rows.APPROVAL,
        "What follows?",
    ]
    assert questions == order


@pytest.mark.parametrize(
    ("actions", "action_type", "risk"),
    [
        ((), "READ_ONLY", "low"),
        ((READ,), "READ_ONLY", "low"),
        ((READ, SCALE, READ), "SAFE_WRITE", "medium"),
        ((COMMAND, SCALE), "CRITICAL_WRITE", "critical"),
    ],
)
def test_the_worst_action_sets_the_risk(actions: tuple[Action, ...], action_type: str, risk: str) -> None:
    decision = decide(replace(GOOD, actions=actions), POLICY, AT)
    assert (decision.action_type, decision.risk_level) == (action_type, risk)


def test_the_safety_checks_have_the_names_of_the_api() -> None:
    decision = decide(GOOD, POLICY, AT)
    assert set(decision.safety) >= {
        "time_window_ok",
        "rate_limit_ok",
        "targets_free",
        "backup_available",
        "system_healthy",
        "all_passed",
    }
    assert decision.safety["all_passed"] is True
    assert {one.at for one in decision.safety_checks} == {AT}


@pytest.mark.parametrize("answer", [False, None])
def test_a_backup_that_nobody_asked_for_does_not_fail_the_checks(answer: bool | None) -> None:  # noqa: FBT001
    checks = (HEALTHY, check("backup_available", answer=answer))
    decision = decide(replace(GOOD, safety_checks=checks), POLICY, AT)
    assert decision.safety["backup_available"] is answer
    assert decision.safety["all_passed"] is True
    required = decide(replace(GOOD, safety_checks=checks), replace(POLICY, requires_backup=True), AT)
    assert required.safety["all_passed"] is False


def test_every_reason_is_given_at_once() -> None:
    facts = replace(
        GOOD,
        emergency_stop="olga stopped everything",
        freeze="year end",
        confidence=1.0,
        safety_checks=(check("system_healthy", answer=False),),
    )
    decision = decide(facts, replace(POLICY, allowed_action_types=()), AT)
    assert [stop.code for stop in decision.hard_stops] == [
        "emergency_stop",
        "freeze",
        "forbidden_action_type",
        "system_healthy",
    ]
    assert [step.outcome for step in decision.reasoning].count("fail") == 5
    assert any(step.question == rows.CONFIDENCE and step.outcome == "warn" for step in decision.reasoning)


def test_a_value_just_below_a_limit_never_looks_as_if_it_reached_it() -> None:
    decision = decide(replace(GOOD, reliability=74.97), POLICY, AT)
    answer = next(step.answer for step in decision.reasoning if step.question == rows.RELIABILITY)
    assert answer == "No: 74.9, at least 75 asked for."


def test_approvers_are_named() -> None:
    decision = decide(replace(GOOD, reliability=80.0), replace(POLICY, approvers=("dba", "ops-leads")), AT)
    assert any("Approvers: dba, ops-leads." in step.answer for step in decision.reasoning)


actions = st.builds(
    Action,
    st.sampled_from(["scale_deployment", "restart_pod", "command"]),
    st.sampled_from(["payments", "web"]),
    st.sampled_from(ActionType),
    is_lab=st.booleans(),
    is_in_scope=st.booleans(),
    has_rollback=st.booleans(),
)
probes = st.builds(
    lambda name, answer: check(name, answer=answer),
    st.sampled_from(["system_healthy", "backup_available", "targets_unlocked"]),
    st.sampled_from([True, False, None]),
)
scores = st.floats(0, 100)
modes: list[Mode] = ["off", "lab", "on"]
any_facts = st.builds(
    Facts,
    switches=st.builds(
        Switches, mode=st.sampled_from(modes), requires_approval=st.booleans(), max_actions_per_hour=st.integers(0, 5)
    ),
    ticket_opted_in=st.booleans(),
    actions=st.lists(actions, max_size=3).map(tuple),
    confidence=st.none() | scores,
    reliability=scores,
    similar_tickets=st.integers(0, 5),
    feedback_rate=st.none() | scores,
    pattern_is_eligible=st.booleans(),
    has_certificate=st.booleans(),
    ticket_place=st.integers(0, 99),
    commands=st.lists(st.sampled_from(["rm -rf /", "df -h"]), max_size=2).map(tuple),
    emergency_stop=st.sampled_from([None, "stopped"]),
    freeze=st.sampled_from([None, "frozen"]),
    actions_last_hour=st.integers(0, 5),
    actions_last_hour_here=st.integers(0, 5),
    safety_checks=st.lists(probes, max_size=3, unique_by=lambda probe: probe.name).map(tuple),
)
any_limits = st.builds(
    Limits,
    min_confidence=scores,
    min_reliability=st.none() | scores,
    min_similar_tickets=st.integers(0, 5),
    min_feedback_rate=st.none() | scores,
    allowed_action_types=st.none() | st.lists(st.sampled_from(["scale_deployment", "command"])).map(tuple),
    allowed_systems=st.none() | st.lists(st.sampled_from(["payments", "web"])).map(tuple),
    forbidden_commands=st.sampled_from([(), ("rm -rf",)]),
    hours=st.none() | st.tuples(st.times(), st.times()),
    zone=st.sampled_from(["UTC", "Europe/Berlin"]),
    days=st.frozensets(st.integers(0, 6)),
    requires_approval=st.none() | st.booleans(),
    auto_approve_threshold=st.none() | scores,
    machine_share=st.sampled_from(STEPS),
    max_actions_per_hour=st.none() | st.integers(0, 5),
    requires_rollback_plan=st.booleans(),
    requires_backup=st.booleans(),
    is_enabled=st.booleans(),
)
# Facts that leave the machine's way open, which random ones hardly ever do.
cases = st.tuples(any_facts | st.just(GOOD), st.none() | any_limits | st.just(POLICY))


@given(cases)
def test_nothing_runs_past_a_hard_stop(case: tuple[Facts, Limits | None]) -> None:
    decision = decide(*case, AT)
    if decision.hard_stops:
        assert not decision.allowed
        assert not decision.workers_may_run
        assert not decision.machine_may_sign
        assert decision.shadow == "refuse"


@given(cases)
def test_the_machine_never_signs_what_is_critical(case: tuple[Facts, Limits | None]) -> None:
    facts, limits = case
    decision = decide(replace(facts, actions=(*facts.actions, COMMAND)), limits, AT)
    assert decision.requires_approval
    assert not decision.machine_may_sign
    assert decision.shadow != "execute"


@given(cases)
def test_the_machine_signs_only_with_every_switch_and_a_certificate(case: tuple[Facts, Limits | None]) -> None:
    facts, limits = case
    if decide(facts, limits, AT).machine_may_sign:
        assert limits is not None
        assert limits.is_enabled
        assert facts.ticket_opted_in
        assert facts.has_certificate
        assert facts.ticket_place < limits.machine_share
        assert limits.auto_approve_threshold is not None
        assert facts.reliability >= limits.auto_approve_threshold
        assert not limits.requires_approval
        assert facts.pattern_is_eligible
        assert facts.switches.mode != "off"
        assert not facts.switches.requires_approval
        assert decide(facts, limits, AT).shadow == "execute"


WORSE: list[dict[str, Any]] = [
    {"emergency_stop": "stopped"},
    {"freeze": "frozen"},
    {"confidence": None},
    {"reliability": 0.0},
    {"feedback_rate": None},
    {"similar_tickets": 0},
    {"pattern_is_eligible": False},
    {"has_certificate": False},
    {"ticket_place": 99},
    {"ticket_opted_in": False},
    {"actions_last_hour": 99},
    {"safety_checks": ()},
]


@given(cases, st.sampled_from(WORSE))
def test_worse_facts_never_turn_a_no_into_a_yes(case: tuple[Facts, Limits | None], worse: dict[str, Any]) -> None:
    facts, limits = case
    before = decide(facts, limits, AT)
    after = decide(replace(facts, **worse), limits, AT)
    if worse != {"safety_checks": ()}:  # losing a failed check is no worse
        assert len(after.hard_stops) >= len(before.hard_stops)
        assert after.allowed <= before.allowed
        assert after.workers_may_run <= before.workers_may_run
        assert after.machine_may_sign <= before.machine_may_sign
    assert not (after.machine_may_sign and worse == {"safety_checks": ()})


@given(cases)
def test_the_last_line_names_the_step_that_decides(case: tuple[Facts, Limits | None]) -> None:
    decision = decide(*case, AT)
    *steps, last = decision.reasoning
    failed = [step for step in steps if step.outcome == "fail"]
    assert len(failed) == len(decision.hard_stops)
    if failed:
        assert last.outcome == "fail"
        assert last.answer.endswith(f"Decided by: {failed[0].question}")
    elif decision.machine_may_sign:
        assert last.outcome == "pass"
    else:
        named = last.answer.split("Decided by: ")[1]
        deciding = next(step for step in steps if step.question == named)
        assert deciding.outcome in {"warn", "info"}
        assert deciding.answer.startswith(("No", "Yes: ", "Unknown", "The policy is switched off"))


@given(cases)
def test_the_same_facts_give_the_same_decision(case: tuple[Facts, Limits | None]) -> None:
    assert decide(*case, AT) == decide(*case, AT)
