"""What differs between two plans: nothing in a plan can change without being told, and it is told in words."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.kit import canonical
from remediation.connectors.operations import Risk
from remediation.review import plans
from remediation.review.changing import changes_of
from remediation.review.plans import Content
from remediation.review.testing import scale
from remediation.review.tests.test_plans import content

OLD = content(scale())
PLAIN = canonical.parse(plans.text_of(OLD), version=plans.VERSION)


def told(new: Content, **names: Any) -> list[str]:
    return [change.text for change in changes_of(plans.text_of(OLD), plans.text_of(new), **names)]


def scaled_to(replicas: int) -> Content:
    draft = scale()
    draft["steps"][0]["action"]["parameters"][-1]["value"] = replicas
    return content(draft)


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (dataclasses.replace(OLD, limits={"min_reliability": 90}), ["Policy: least reliability was 80, is 90"]),
        (
            dataclasses.replace(OLD, limits={}),
            ["Policy: least reliability is gone: 80", "Policy: limits is new: nothing"],
        ),
        (dataclasses.replace(OLD, risk=Risk.CRITICAL_WRITE), ["Plan: risk was safe write, is critical write"]),
        (dataclasses.replace(OLD, needed=2), ["Plan: signatures needed was 1, is 2"]),
        (
            dataclasses.replace(OLD, contradicted_by=("E4",)),
            ["Evidence: what contradicts the hypothesis was nothing, is E4"],
        ),
        (dataclasses.replace(OLD, merge_digest="p" * 64), [f"Proof: merge plan was nothing, is {'p' * 64}"]),
        (
            dataclasses.replace(OLD, evidence=()),
            [f"Evidence: E1 is gone: {'e' * 12}", "Evidence: evidence is new: nothing"],
        ),
    ],
)
def test_a_change_is_told_in_words(new: Content, words: list[str]) -> None:
    assert told(new) == words


def test_days_are_told_by_name() -> None:
    policies = [{"days": [*range(7)]}, {"days": [0, 1, 2]}]
    before, after = (plans.text_of(dataclasses.replace(OLD, limits=each)) for each in policies)
    assert [each.text for each in changes_of(before, after)] == ["Policy: days was Every day, is Monday to Wednesday"]


def test_people_are_called_by_name() -> None:
    names = {"makers": {1: "erin", 2: "rita", 3: "ana"}}
    new = dataclasses.replace(OLD, makers=(1, 2, 3))
    assert told(new, names=names) == ["Plan: who asked for it or wrote it was erin, rita, is erin, rita, ana"]


def test_a_parameter_is_told_once_and_not_again_in_everything_that_follows_from_it() -> None:
    step = [each for each in told(scaled_to(8)) if each.startswith("Step 1")]
    assert step == ["Step 1: parameters, to replicas was 6, is 8"]


def test_a_step_that_is_gone_is_one_change() -> None:
    draft = scale()
    draft["steps"].append(copy.deepcopy(draft["steps"][0]) | {"title": "Scale it again"})
    text = plans.text_of(content(draft))
    assert [change.text for change in changes_of(text, plans.text_of(OLD))] == [
        "Step 2: the step is gone: Scale it again"
    ]


def test_gates_that_looked_at_another_text_are_told_once_and_a_verdict_by_name() -> None:
    gates = tuple(dataclasses.replace(gate, input_digest="b" * 64) for gate in OLD.gates)
    assert [each.partition(" was ")[0] for each in told(dataclasses.replace(OLD, gates=gates))] == [
        "Gates: what they looked at"
    ]
    gates = tuple(dataclasses.replace(gate, has_passed=False) for gate in OLD.gates)
    assert told(dataclasses.replace(OLD, gates=gates)) == ["Gate scope: passed was yes, is no"]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where the single values of a plan stand."""
    if isinstance(value, dict) and value:
        return [place for name, inner in value.items() for place in _places(inner, (*path, name))]
    if isinstance(value, list) and value:
        return [place for number, inner in enumerate(value) for place in _places(inner, (*path, number))]
    return [path]


@settings(deadline=None)
@given(place=st.sampled_from(_places(PLAIN)), value=st.one_of(st.text(), st.integers(), st.booleans(), st.none()))
def test_whatever_changes_the_digest_is_told(place: tuple[Any, ...], value: Any) -> None:
    changed = copy.deepcopy(PLAIN)
    inner = changed
    for part in place[:-1]:
        inner = inner[part]
    inner[place[-1]] = value
    text, other = (canonical.text_of(data, version=plans.VERSION) for data in (PLAIN, changed))
    assert bool(changes_of(text, other)) == (text != other)
