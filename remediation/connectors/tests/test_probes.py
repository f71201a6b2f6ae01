"""Judging answers: each relation, and everything an answer can lack."""

from __future__ import annotations

from typing import Any

import pytest

from remediation.connectors import probes
from remediation.connectors.operations import Expectation, Probe, Relation, Scalar
from remediation.connectors.probes import Outcome


def judged(relation: Relation, expected: Scalar, data: dict[str, Any]) -> tuple[str, ...]:
    probe = Probe("look", {}, (Expectation("field", relation, expected),), "It is so.")
    judgement = probes.judge(probe, Outcome(ok=True, data=data))
    assert judgement.holds is (not judgement.misses)
    return judgement.misses


@pytest.mark.parametrize(
    ("relation", "expected", "seen", "miss"),
    [
        ("equals", 6, 6, ""),
        ("equals", 6, 5, "field should be 6 and is 5."),
        ("equals", 1, True, "field is true, which cannot be compared with 1."),
        ("equals", "6", 6, "field is 6, which cannot be compared with 6."),
        ("equals", "on", None, "field is None, which cannot be compared with on."),
        ("not_equals", "security", "operator", ""),
        ("not_equals", "security", "security", "field should not be security and is security."),
        ("not_equals", "security", "", ""),
        ("at_least", 3, 3, ""),
        ("at_least", 3, 2, "field should be at least 3 and is 2."),
        ("at_most", 3, 3, ""),
        ("at_most", 3, 4, "field should be at most 3 and is 4."),
        ("contains", "b", "abc", ""),
        ("contains", "x", "abc", "field should contain x and is abc."),
        ("contains", "x", "", "field should contain x and is empty."),
    ],
)
def test_a_relation(relation: Relation, expected: Scalar, seen: object, miss: str) -> None:
    assert judged(relation, expected, {"field": seen}) == ((miss,) if miss else ())


def test_a_missing_field_holds_nothing() -> None:
    assert judged("not_equals", "x", {}) == ("The answer has no field.",)


@pytest.mark.parametrize(
    ("outcome", "miss"),
    [
        (Outcome(ok=False, error="It is not there."), "It is not there."),
        (Outcome(ok=False, is_unknown=True), "look gave no answer."),
    ],
)
def test_a_probe_without_an_answer_holds_nothing(outcome: Outcome, miss: str) -> None:
    judgement = probes.judge(Probe("look", {}, (), "It is so."), outcome)
    assert (judgement.holds, judgement.misses) == (False, (miss,))


def test_every_miss_is_told() -> None:
    expect = (Expectation("a", "equals", 1), Expectation("b", "equals", 2), Expectation("c", "equals", 3))
    judgement = probes.judge(Probe("look", {}, expect, "It is so."), Outcome(ok=True, data={"a": 0, "b": 2}))
    assert judgement.misses == ("a should be 1 and is 0.", "The answer has no c.")
