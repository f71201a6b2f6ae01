"""A score is earned component by component; what nothing is known about counts as nothing and is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patterns.reliability import (
    WEIGHTS,
    FeedbackFacts,
    FeedbackType,
    Inputs,
    human_validation,
    is_positive,
    level_of,
    permille,
    reliability_of,
    wilson_lower_bound,
)

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOTHING = Inputs(at=AT)


def _feedback(
    kind: FeedbackType = "positive", rating: int = 5, days: float = 0, **answers: bool | None
) -> FeedbackFacts:
    return FeedbackFacts(kind, rating, AT - timedelta(days=days), **answers)


def test_nothing_known_is_zero_and_says_so() -> None:
    found = reliability_of(NOTHING)
    assert (found.overall, found.level) == (0.0, "low")
    assert found.no_data == ("ai_confidence", "human_validation", "success_history", "pattern_recognition")
    assert found.breakdown == dict.fromkeys(WEIGHTS, 0.0)


@pytest.mark.parametrize(
    ("change", "overall", "missing"),
    [
        ({"ai_confidence": 100.0}, 25.0, 3),
        ({"ai_confidence": 80.0}, 20.0, 3),
        ({"ai_confidence": 0.0}, 0.0, 3),
        ({"pattern_feedback": [_feedback()]}, 30.0, 3),
        ({"category_feedback": [_feedback()]}, 30.0, 3),
        ({"category_feedback": [_feedback("negative", 1)]}, 3.0, 3),
        ({"pattern_feedback": [_feedback("negative", 1)], "category_feedback": [_feedback()]}, 3.0, 3),
        ({"resolved": 9, "finished": 10}, 22.5, 3),
        ({"resolved": 0, "finished": 4}, 0.0, 3),
        ({"is_same_pattern": True, "similar_tickets": 3}, 20.0, 3),
        ({"is_same_pattern": True, "similar_tickets": 2}, 0.0, 4),
        ({"similarity": 70.0, "similar_tickets": 3}, 14.0, 3),
        ({"similarity": 70.0, "similar_tickets": 2}, 0.0, 4),
        ({"similar_tickets": 9}, 0.0, 4),
    ],
)
def test_each_component_counts_by_its_weight(change: dict[str, Any], overall: float, missing: int) -> None:
    found = reliability_of(replace(NOTHING, **change))
    assert found.overall == pytest.approx(overall)
    assert len(found.no_data) == missing


def test_everything_at_its_best_is_a_hundred() -> None:
    best = Inputs(
        at=AT,
        ai_confidence=100.0,
        pattern_feedback=[_feedback()],
        resolved=7,
        finished=7,
        is_same_pattern=True,
        similar_tickets=5,
    )
    found = reliability_of(best)
    assert (found.overall, found.level, found.no_data) == (100.0, "very_high", ())


@pytest.mark.parametrize(
    ("overall", "level"),
    [
        (100, "very_high"),
        (90, "very_high"),
        (89.99, "high"),
        (75, "high"),
        (74.9, "medium"),
        (60, "medium"),
        (59.9, "low"),
        (0, "low"),
    ],
)
def test_levels_begin_where_they_say(overall: float, level: str) -> None:
    assert level_of(overall) == level


@pytest.mark.parametrize(
    ("feedback", "positive"),
    [
        (_feedback(), True),
        (_feedback(resolution_accurate=True, actions_worked=True), True),
        (_feedback(resolution_accurate=False), False),
        (_feedback(actions_worked=False), False),
        (_feedback("neutral"), False),
        (_feedback("negative", resolution_accurate=True), False),
    ],
)
def test_an_inaccurate_answer_or_actions_that_failed_are_not_positive(
    feedback: FeedbackFacts, *, positive: bool
) -> None:
    assert is_positive(feedback) is positive


def test_feedback_counts_half_after_thirty_days() -> None:
    assert human_validation([_feedback("positive", 5, 0), _feedback("negative", 5, 30)], AT) == pytest.approx(
        (100 * 1 / 1.5 + 100) / 2
    )
    assert human_validation([_feedback("positive", 5), _feedback("positive", 2, 60)], AT) == pytest.approx(
        (100 + (5 + 2 * 0.25) / 1.25 / 5 * 100) / 2
    )


def test_old_feedback_alone_still_counts() -> None:
    assert human_validation(
        [_feedback("positive", 5, 100_000), _feedback("negative", 1, 100_030)], AT
    ) == pytest.approx((100 / 1.5 + (5 + 0.5) / 1.5 / 5 * 100) / 2)


def test_feedback_from_a_clock_that_runs_ahead_counts_like_new() -> None:
    assert human_validation([_feedback(days=-9), _feedback("negative", 5)], AT) == pytest.approx(75.0)


answers = st.none() | st.booleans()
feedback = st.builds(
    _feedback,
    st.sampled_from(["positive", "negative", "neutral"]),
    st.integers(1, 5),
    st.floats(-10, 2_000),
    resolution_accurate=answers,
    actions_worked=answers,
)
inputs = st.builds(
    lambda resolved, failed, **rest: Inputs(at=AT, resolved=resolved, finished=resolved + failed, **rest),
    st.integers(0, 50),
    st.integers(0, 50),
    ai_confidence=st.none() | st.floats(0, 100),
    pattern_feedback=st.lists(feedback, max_size=5),
    category_feedback=st.lists(feedback, max_size=5),
    is_same_pattern=st.booleans(),
    similarity=st.none() | st.floats(0, 100),
    similar_tickets=st.integers(0, 6),
)


@given(inputs)
def test_every_score_is_its_weighted_parts_and_within_bounds(given_inputs: Inputs) -> None:
    found = reliability_of(given_inputs)
    assert 0 <= found.overall <= 100.0000001
    assert found.overall == pytest.approx(sum(WEIGHTS[name] * score for name, score in found.breakdown.items()))
    assert all(found.breakdown[name] == 0 for name in found.no_data)
    assert found.level == level_of(found.overall)


@given(inputs, st.lists(feedback, min_size=1, max_size=4))
def test_the_order_of_feedback_does_not_matter(given_inputs: Inputs, more: list[FeedbackFacts]) -> None:
    one = reliability_of(replace(given_inputs, pattern_feedback=more))
    other = reliability_of(replace(given_inputs, pattern_feedback=more[::-1]))
    assert one.overall == pytest.approx(other.overall)


@given(st.lists(feedback, max_size=5))
def test_one_more_negative_answer_never_raises_the_score(given_feedback: list[FeedbackFacts]) -> None:
    before = human_validation([*given_feedback, _feedback("negative", 1)], AT)
    after = human_validation([*given_feedback, _feedback("negative", 1), _feedback("negative", 1)], AT)
    assert before is not None
    assert after is not None
    assert after <= before + 1e-9


@pytest.mark.parametrize(
    ("successes", "n", "bound"),
    [
        (0, 0, 0.0),
        (0, 10, 0.0),
        (5, 5, 56.6),
        (22, 24, 74.2),
        (22, 22, 85.1),
        (21, 21, 84.5),
        (33, 34, 85.1),
        (50, 100, 40.4),
    ],
)
def test_the_lower_bound_is_wilsons(successes: int, n: int, bound: float) -> None:
    assert wilson_lower_bound(successes, n) == pytest.approx(bound, abs=0.05)


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_lower_bound_lies_below_the_rate_and_rises_with_each_success(successes: int, failures: int) -> None:
    n = successes + failures
    bound = wilson_lower_bound(successes, n)
    assert 0 <= bound <= (successes / n * 100 if n else 0) + 1e-9
    assert wilson_lower_bound(successes + 1, n + 1) > bound or successes == n == 0
    assert wilson_lower_bound(successes, n + 1) <= bound + 1e-9


@pytest.mark.parametrize(("score", "signed"), [(0.0, 0), (100.0, 1000), (87.44, 874), (87.46, 875)])
def test_signed_scores_are_integers(score: float, signed: int) -> None:
    assert permille(score) == signed
