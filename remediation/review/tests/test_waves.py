"""Waves: every step in exactly one, each target's order kept, a canary of the size asked for, sizes that grow."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.policy import staging
from remediation.policy.staging import Staging
from remediation.review import waves
from remediation.review.waves import Aim

TARGETS = st.sampled_from([f"web-{number}" for number in range(12)])
CHANGES = st.sampled_from(["snapshot", "resize", "restart", "check"])
PLANS = st.lists(st.tuples(TARGETS, CHANGES), min_size=1, max_size=30).map(
    lambda pairs: [Aim(number, target, change) for number, (target, change) in enumerate(pairs, start=1)]
)
CANARIES = st.one_of(st.integers(1, 15).map(str), st.integers(1, 100).map("{}%".format))
BUDGETS = st.one_of(st.integers(0, 15).map(str), st.integers(0, 100).map("{}%".format))
STAGINGS = st.builds(
    Staging, canary=CANARIES, growth=st.integers(1, 4), error_budget=BUDGETS, side_by_side=st.integers(1, 16)
)
NAMES = ("canary", "growth", "watch_minutes", "error_budget", "side_by_side")


def aims(*steps: str) -> list[Aim]:
    """`check@db` is a check on db."""
    split = [step.partition("@") for step in steps]
    return [Aim(number, target, change) for number, (change, _, target) in enumerate(split, start=1)]


def shape(found: tuple[waves.Wave, ...]) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
    return [(wave.targets, wave.steps) for wave in found]


@given(PLANS, STAGINGS)
def test_every_step_is_in_exactly_one_wave(plan: list[Aim], wanted: Staging) -> None:
    found = waves.waves_of(plan, wanted)
    assert sorted(number for wave in found for number in wave.steps) == [aim.number for aim in plan]
    assert [wave.number for wave in found] == list(range(1, len(found) + 1))


@given(PLANS, STAGINGS)
def test_the_steps_of_a_target_of_the_fan_out_stay_together_and_in_order(plan: list[Aim], wanted: Staging) -> None:
    found = waves.waves_of(plan, wanted)
    for target in waves.fan_out(plan):
        own = [aim.number for aim in plan if aim.target == target]
        (wave,) = [wave for wave in found if target in wave.targets]
        assert [number for number in wave.steps if number in own] == own


@given(PLANS, STAGINGS)
def test_the_order_on_any_target_is_the_plan_s(plan: list[Aim], wanted: Staging) -> None:
    order = [number for wave in waves.waves_of(plan, wanted) for number in wave.steps]
    for target in {aim.target for aim in plan}:
        own = [aim.number for aim in plan if aim.target == target]
        assert [number for number in order if number in own] == own


@given(PLANS, STAGINGS)
def test_the_canary_is_as_large_as_asked_and_every_wave_grows(plan: list[Aim], wanted: Staging) -> None:
    found, targets = waves.waves_of(plan, wanted), waves.fan_out(plan)
    sizes = [len(wave.targets) for wave in found]
    assert sum(sizes) == len(targets)
    if targets:
        assert sizes[0] == staging.at_least(wanted.canary, len(targets))
    for before, size in pairwise(sizes[:-1]):
        assert size == before * wanted.growth
    if len(sizes) > 1:
        assert 1 <= sizes[-1] <= sizes[-2] * wanted.growth


@given(PLANS)
def test_without_a_canary_everything_is_one_wave_in_the_plan_s_order(plan: list[Aim]) -> None:
    (wave,) = waves.waves_of(plan, Staging())
    assert wave.steps == tuple(aim.number for aim in plan)


@given(PLANS, STAGINGS)
def test_what_is_staged_reads_back_as_it_was(plan: list[Aim], wanted: Staging) -> None:
    stages = waves.stages_of(plan, wanted)
    if stages:
        data = {
            "waves": [{"number": w.number, "targets": list(w.targets), "steps": list(w.steps)} for w in stages.waves]
        }
        plain = {name: getattr(stages, name) for name in NAMES}
        assert waves.read({**plain, **data, "signals": []}) == stages


def test_targets_that_take_turns_are_gathered() -> None:
    plan = aims("snapshot@a", "snapshot@b", "resize@a", "resize@b")
    assert shape(waves.waves_of(plan, Staging("1"))) == [(("a",), (1, 3)), (("b",), (2, 4))]


def test_what_is_done_once_goes_first_or_last() -> None:
    plan = aims("drain@lb", "restart@a", "restart@b", "restart@c", "fill@lb")
    assert shape(waves.waves_of(plan, Staging("1"))) == [(("a",), (1, 2)), (("b", "c"), (3, 4, 5))]


def test_a_change_on_one_target_alone_has_no_waves() -> None:
    plan = aims("check@a", "restart@a", "restart@a", "resize@b")
    assert shape(waves.waves_of(plan, Staging("1"))) == [((), (1, 2, 3, 4))]
    assert waves.stages_of(plan, Staging("1", error_budget="5")) is None


def test_a_budget_alone_stages_a_plan_of_one_wave() -> None:
    stages = waves.stages_of(aims("restart@a", "restart@b", "restart@c"), Staging(error_budget="34%"))
    assert stages is not None
    assert (stages.error_budget, len(stages.waves)) == (1, 1)


def test_targets_side_by_side_alone_stage_a_plan_of_one_wave_and_are_no_more_than_there_are() -> None:
    plan = aims("restart@a", "restart@b", "restart@c")
    stages = waves.stages_of(plan, Staging(side_by_side=5))
    assert stages is not None
    assert (stages.side_by_side, len(stages.waves)) == (3, 1)
    assert waves.stages_of(aims("restart@a", "resize@b"), Staging(side_by_side=5)) is None


@pytest.mark.parametrize(
    ("amount", "targets", "least", "most"),
    [("1", 20, 1, 1), ("10%", 25, 3, 2), ("0", 5, 1, 0), ("0%", 5, 1, 0), ("7", 5, 5, 5), ("100%", 5, 5, 5)],
)
def test_shares_of_a_canary_are_rounded_up_and_of_a_budget_down(
    amount: str, targets: int, least: int, most: int
) -> None:
    assert (staging.at_least(amount, targets), staging.at_most(amount, targets)) == (least, most)


@pytest.mark.parametrize("amount", ["", "%", "-1", "1.5", "101%", "1000", "ten", "01", "1%%"])
def test_an_amount_that_makes_no_sense_is_refused(amount: str) -> None:
    assert staging.problem(amount)
