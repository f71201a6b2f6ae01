"""The standing of a pattern follows from its observations, in whatever order and however often they arrive."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patterns.standing import OccurrenceFacts, Standing, Thresholds, standing_of

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _good_record(tickets: int = 5) -> list[OccurrenceFacts]:
    """Every ticket seen, executed with success, and praised."""
    record = []
    for ticket in range(tickets):
        at, first = AT + timedelta(hours=ticket), ticket * 3
        record += [
            OccurrenceFacts(first, "seen", at, ticket),
            OccurrenceFacts(first + 1, "executed", at, ticket, succeeded=True),
            _feedback(first + 2, ticket, at),
        ]
    return record


def _feedback(
    id_: int, ticket: int, at: datetime, *, good: bool = True, person: int = 1, reliability: float | None = 90.0
) -> OccurrenceFacts:
    return OccurrenceFacts(
        id_,
        "feedback",
        at,
        ticket,
        person_id=person,
        feedback_type="positive" if good else "negative",
        rating=5 if good else 1,
        reliability=reliability,
    )


def test_a_pattern_without_observations_lacks_everything() -> None:
    standing = standing_of([])
    assert not standing.eligible
    assert len(standing.reasons) == 4
    assert (standing.positive_rate, standing.average_rating, standing.mean_reliability, standing.success_rate) == (
        None,
        None,
        None,
        None,
    )


def test_five_good_tickets_are_eligible_and_still_only_fifty_seven_percent_sure() -> None:
    standing = standing_of(_good_record())
    assert standing.eligible
    assert standing.reasons == ()
    assert (standing.occurrences, standing.feedback_count, standing.executed, standing.succeeded) == (5, 5, 5, 5)
    assert (standing.positive_rate, standing.success_rate, standing.mean_reliability) == (100.0, 100.0, 90.0)
    assert (standing.average_rating, standing.positive_count) == (5.0, 5)
    assert standing.positive_lower_bound == standing.success_lower_bound == pytest.approx(56.6, abs=0.05)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (_good_record(4), "4 tickets of this pattern, at least 5 asked for."),
        ([o for o in _good_record() if o.kind != "executed"], "No data yet: success of executed remediations"),
        ([replace(o, reliability=84.99) for o in _good_record()], "84.9 mean reliability after feedback, at least 85"),
        ([replace(o, reliability=None) for o in _good_record()], "No data yet: mean reliability"),
        ([*_good_record(), _feedback(99, 0, AT, good=False, person=2)], "83.3% positive feedback, at least 85"),
        ([*_good_record(), OccurrenceFacts(99, "executed", AT, 0, succeeded=False)], "83.3% success of executed"),
        ([*_good_record(), OccurrenceFacts(99, "executed", AT, 0)], "83.3% success of executed"),
        ([o for o in _good_record() if o.kind != "feedback"], "No data yet: positive feedback"),
    ],
)
def test_whatever_is_missing_is_said(record: list[OccurrenceFacts], reason: str) -> None:
    standing = standing_of(record)
    assert not standing.eligible
    assert any(reason in one for one in standing.reasons), standing.reasons


def test_thresholds_are_reached_exactly() -> None:
    record = [*_good_record(17), *(_feedback(100 + i, i, AT, good=False, person=2) for i in range(3))]
    standing = standing_of(record, Thresholds(min_occurrences=17, min_positive_rate=85.0, min_reliability=90.0))
    assert standing.positive_rate == 85.0
    assert standing.eligible


def test_of_one_persons_feedback_on_a_ticket_the_latest_counts() -> None:
    first = _feedback(1, 7, AT, good=False)
    changed = _feedback(2, 7, AT + timedelta(minutes=1))
    other = _feedback(3, 7, AT, good=False, person=2)
    assert standing_of([changed, first]).positive_count == 1
    assert standing_of([first, changed, other]).feedback_count == 2
    at_the_same_moment = replace(changed, at=AT)
    assert standing_of([at_the_same_moment, first]).positive_count == 1


def test_praise_that_says_the_actions_failed_is_not_positive() -> None:
    praise = replace(_feedback(1, 7, AT), actions_worked=False)
    assert standing_of([praise]).positive_rate == 0.0


def test_only_the_last_tickets_count_for_reliability() -> None:
    old = [_feedback(i, i, AT + timedelta(hours=i), reliability=10.0) for i in range(30)]
    new = [_feedback(100 + i, 100 + i, AT + timedelta(days=9, hours=i), reliability=95.0) for i in range(20)]
    assert standing_of([*new, *old]).mean_reliability == 95.0
    assert standing_of([*new[1:], *old]).mean_reliability == (19 * 95.0 + 10.0) / 20


def test_a_failed_run_is_not_forgotten_when_the_next_one_succeeds() -> None:
    runs = [OccurrenceFacts(i, "executed", AT, 1, succeeded=i > 0) for i in range(2)]
    assert standing_of(runs).success_rate == 50.0


kinds = st.sampled_from(["seen", "executed", "feedback"])
observations = st.lists(
    st.builds(
        OccurrenceFacts,
        id=st.integers(0, 1_000),
        kind=kinds,
        at=st.integers(0, 5).map(lambda hours: AT + timedelta(hours=hours)),
        ticket_id=st.integers(0, 6),
        succeeded=st.none() | st.booleans(),
        person_id=st.integers(1, 3),
        feedback_type=st.sampled_from(["positive", "negative", "neutral"]),
        rating=st.integers(1, 5),
        resolution_accurate=st.none() | st.booleans(),
        actions_worked=st.none() | st.booleans(),
        reliability=st.none() | st.integers(0, 1000).map(lambda permille: permille / 10),
    ),
    max_size=25,
    unique_by=lambda one: one.id,
)


@given(observations, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(record: list[OccurrenceFacts], chance: random.Random) -> None:
    again = record + chance.sample(record, len(record) // 2)
    chance.shuffle(again)
    assert standing_of(again) == standing_of(record)


@given(observations)
def test_learning_one_by_one_ends_where_a_rebuild_does(record: list[OccurrenceFacts]) -> None:
    known: list[OccurrenceFacts] = []
    standing = standing_of(known)
    for one in record:
        known.insert(len(known) // 2, one)
        standing = standing_of(known)
    assert standing == standing_of(sorted(record, key=lambda one: one.id))


@given(observations)
def test_an_eligible_pattern_has_a_record_and_no_reason_against_it(record: list[OccurrenceFacts]) -> None:
    standing: Standing = standing_of(record)
    assert standing.eligible == (not standing.reasons)
    if standing.eligible:
        assert standing.occurrences >= 5
        assert standing.executed >= 1


@given(observations, st.integers(0, 6))
def test_a_failure_never_makes_a_pattern_eligible(record: list[OccurrenceFacts], ticket: int) -> None:
    failed = OccurrenceFacts(2_000, "executed", AT, ticket, succeeded=False)
    known_tickets = {one.ticket_id for one in record}
    if ticket in known_tickets and not standing_of(record).eligible:
        assert not standing_of([*record, failed]).eligible
