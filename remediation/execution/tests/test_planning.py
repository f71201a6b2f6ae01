"""What comes next in a run, what an interrupted step was, and who may run: tables over pure functions."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kit.transitions import can
from remediation.drafting.states import Status
from remediation.execution.planning import (
    GONE_BACK,
    LONGEST_PAUSE,
    Do,
    Found,
    Move,
    StepView,
    found,
    is_tried_again,
    next_key,
    next_move,
    pauses,
    remediation_status,
    why_people,
)
from remediation.execution.states import STEP_NEXT, Asked, RunStatus, StepStatus

R, S = RunStatus, StepStatus
TOUCHED = frozenset(S) - {S.PENDING, S.PREFLIGHT, S.SKIPPED}


def step(number: int, status: StepStatus, *, touched: bool | None = None, reversible: bool = True) -> StepView:
    return StepView(number, status, status in TOUCHED if touched is None else touched, reversible)


FORWARD = [
    ([S.PENDING, S.PENDING], Do.STEP, 1),
    ([S.PREFLIGHT, S.PENDING], Do.STEP, 1),
    ([S.INTENDED, S.PENDING], Do.RESOLVE, 1),
    ([S.UNKNOWN, S.PENDING], Do.RESOLVE, 1),
    ([S.ACTED, S.PENDING], Do.VERIFY, 1),
    ([S.VERIFIED, S.PENDING], Do.STEP, 2),
    ([S.VERIFIED, S.UNKNOWN], Do.RESOLVE, 2),
    ([S.VERIFIED, S.FAILED], Do.TURN_BACK, 2),
    ([S.VERIFIED, S.VERIFIED], Do.END, 0),
    ([S.VERIFIED, S.SKIPPED], Do.END, 0),
]


@pytest.mark.parametrize(("statuses", "do", "number"), FORWARD)
def test_a_running_run_goes_forward(statuses: list[StepStatus], do: Do, number: int) -> None:
    move = next_move(R.RUNNING, [step(n, status) for n, status in enumerate(statuses, start=1)])
    assert (move.do, move.number) == (do, number)


def test_all_steps_verified_is_success() -> None:
    assert next_move(R.RUNNING, [step(1, S.VERIFIED)]).to is R.SUCCEEDED


def test_a_failure_before_any_change_ends_the_run() -> None:
    move = next_move(R.RUNNING, [step(1, S.FAILED, touched=False), step(2, S.PENDING)])
    assert (move.do, move.to) == (Do.END, R.FAILED)


BACKWARD = [
    ([S.VERIFIED, S.FAILED], Do.UNDO, 2, None),
    ([S.VERIFIED, S.ACTED], Do.UNDO, 2, None),
    ([S.VERIFIED, S.ROLLING_BACK], Do.RESOLVE_UNDO, 2, None),
    ([S.VERIFIED, S.ROLLED_BACK], Do.UNDO, 1, None),
    ([S.ROLLED_BACK, S.ROLLED_BACK], Do.END, 0, R.ROLLED_BACK),
    ([S.VERIFIED, S.ROLLBACK_FAILED], Do.END, 2, R.NEEDS_PERSON),
]


@pytest.mark.parametrize(("statuses", "do", "number", "to"), BACKWARD)
def test_a_run_goes_back_from_its_last_step(
    statuses: list[StepStatus], do: Do, number: int, to: RunStatus | None
) -> None:
    move = next_move(R.ROLLING_BACK, [step(n, status) for n, status in enumerate(statuses, start=1)])
    assert (move.do, move.number, move.to) == (do, number, to)


def test_a_step_that_changed_nothing_is_not_undone() -> None:
    steps = [step(1, S.VERIFIED), step(2, S.FAILED, touched=False)]
    assert next_move(R.ROLLING_BACK, steps) == Move(Do.UNDO, 1)


def test_a_step_without_a_way_back_is_a_persons() -> None:
    move = next_move(R.ROLLING_BACK, [step(1, S.VERIFIED), step(2, S.FAILED, reversible=False)])
    assert move.to is R.NEEDS_PERSON
    assert "no way back" in move.reason


@pytest.mark.parametrize("status", sorted(set(R) - {R.RUNNING, R.ROLLING_BACK}))
def test_any_other_run_waits(status: RunStatus) -> None:
    assert next_move(status, [step(1, S.PENDING)]).do is Do.WAIT


steps_of_any_kind = st.lists(
    st.tuples(st.sampled_from(sorted(S)), st.booleans(), st.booleans()), min_size=1, max_size=6
)


@given(steps_of_any_kind, st.sampled_from([R.RUNNING, R.ROLLING_BACK]))
def test_no_step_is_asked_for_what_its_state_does_not_allow(
    drawn: list[tuple[StepStatus, bool, bool]], status: RunStatus
) -> None:
    steps = [StepView(n, S(value), touched, back) for n, (value, touched, back) in enumerate(drawn, start=1)]
    move = next_move(status, steps)
    begins = {Do.STEP: S.PREFLIGHT, Do.UNDO: S.ROLLING_BACK, Do.VERIFY: S.VERIFIED}
    if move.do in begins:
        now = steps[move.number - 1].status
        assert now == begins[move.do] or can(STEP_NEXT, now, begins[move.do])
    if move.do is Do.UNDO:
        assert steps[move.number - 1].may_have_changed
        later = [each for each in steps[move.number :] if each.may_have_changed]
        assert not any(each.status in {S.ACTED, S.VERIFIED, S.FAILED} for each in later)


@given(steps_of_any_kind)
def test_a_run_goes_forward_past_no_open_or_failed_step(drawn: list[tuple[StepStatus, bool, bool]]) -> None:
    steps = [StepView(n, S(value), touched, back) for n, (value, touched, back) in enumerate(drawn, start=1)]
    move = next_move(R.RUNNING, steps)
    if move.do is Do.STEP:
        before = {each.status for each in steps[: move.number - 1]}
        assert not before & {S.FAILED, S.INTENDED, S.UNKNOWN, S.ACTED, S.PENDING}


FOUND = {
    ("done", True, False): Found.DONE,
    ("done", False, True): Found.DONE,
    ("done", None, None): Found.DONE,
    ("not_performed", False, True): Found.NOT_STARTED,
    ("not_performed", False, False): Found.NOT_STARTED,
    ("not_performed", True, False): Found.UNCLEAR,
    ("not_performed", None, True): Found.UNCLEAR,
    ("failed", False, True): Found.REFUSED,
    ("failed", False, False): Found.PARTIAL,
    ("failed", False, None): Found.PARTIAL,
}


@pytest.mark.parametrize(("seen", "expected"), FOUND.items())
def test_an_interrupted_action_is_judged_by_book_and_look(
    seen: tuple[str, bool | None, bool | None], expected: Found
) -> None:
    state, after, before = seen
    assert found(state, is_as_after=after, is_as_before=before) is expected


def test_without_the_servers_word_nothing_is_clear() -> None:
    for after, before in itertools.product((True, False, None), repeat=2):
        assert found(None, is_as_after=after, is_as_before=before) is Found.UNCLEAR


def test_the_remediation_follows_every_status_of_a_run() -> None:
    assert {status: remediation_status(status) for status in R} == {
        R.RUNNING: Status.EXECUTING,
        R.PAUSED: Status.PAUSED,
        R.ROLLING_BACK: Status.EXECUTING,
        R.NEEDS_PERSON: Status.NEEDS_PERSON,
        R.SUCCEEDED: Status.SUCCEEDED,
        R.ROLLED_BACK: Status.ROLLED_BACK,
        R.FAILED: Status.FAILED,
    }


def test_workers_run_only_what_is_switched_on_and_opted_in() -> None:
    both = (True, False)
    for mode, is_lab, opted_in, commands in itertools.product(("off", "lab", "on"), both, both, both):
        may = opted_in and not commands and (mode == "on" or (mode == "lab" and is_lab))
        reason = why_people(mode=mode, is_lab=is_lab, has_opted_in=opted_in, is_for_people=commands)
        assert (reason == "") is may


@given(st.floats(min_value=0, max_value=120))
def test_pauses_grow_up_to_a_limit_and_add_up_to_the_time_given(seconds: float) -> None:
    made = list(pauses(seconds))
    assert sum(made) == pytest.approx(seconds)
    assert all(pause <= LONGEST_PAUSE for pause in made)
    assert made[:-1] == sorted(made[:-1])


def test_a_step_that_was_taken_back_never_becomes_a_good_one() -> None:
    reachable = set(GONE_BACK)
    for _ in S:
        reachable |= {after for before in reachable for after in STEP_NEXT[before]}
    assert reachable == GONE_BACK


def test_a_run_of_which_every_step_was_skipped_did_nothing_and_says_so() -> None:
    move = next_move(R.RUNNING, [step(1, S.SKIPPED), step(2, S.SKIPPED)])
    assert (move.do, move.to, move.number) == (Do.END, R.FAILED, 0)
    assert "nothing was done" in move.reason


HALTING = [
    (Asked.PAUSE, R.RUNNING, [S.VERIFIED, S.PENDING], Do.HALT, R.PAUSED),
    (Asked.PAUSE, R.RUNNING, [S.PREFLIGHT], Do.HALT, R.PAUSED),
    (Asked.PAUSE, R.RUNNING, [S.INTENDED], Do.RESOLVE, None),
    (Asked.PAUSE, R.RUNNING, [S.ACTED, S.PENDING], Do.VERIFY, None),
    (Asked.PAUSE, R.RUNNING, [S.FAILED, S.PENDING], Do.HALT, R.PAUSED),
    (Asked.PAUSE, R.RUNNING, [S.VERIFIED], Do.END, R.SUCCEEDED),
    (Asked.PAUSE, R.ROLLING_BACK, [S.VERIFIED], Do.HALT, R.NEEDS_PERSON),
    (Asked.STOP_AFTER_STEP, R.RUNNING, [S.VERIFIED, S.PENDING], Do.HALT, R.NEEDS_PERSON),
    (Asked.STOP_AFTER_STEP, R.RUNNING, [S.PREFLIGHT, S.PENDING], Do.STEP, None),
    (Asked.STOP_AFTER_STEP, R.RUNNING, [S.ACTED, S.PENDING], Do.VERIFY, None),
    (Asked.STOP_AFTER_STEP, R.RUNNING, [S.FAILED, S.PENDING], Do.HALT, R.NEEDS_PERSON),
    (Asked.STOP_AFTER_STEP, R.ROLLING_BACK, [S.VERIFIED, S.ROLLING_BACK], Do.RESOLVE_UNDO, None),
    (Asked.STOP_AFTER_STEP, R.ROLLING_BACK, [S.VERIFIED, S.ROLLED_BACK], Do.HALT, R.NEEDS_PERSON),
    (Asked.STOP_NOW, R.RUNNING, [S.PREFLIGHT], Do.HALT, R.NEEDS_PERSON),
    (Asked.STOP_NOW, R.RUNNING, [S.INTENDED], Do.RESOLVE, None),
    (Asked.STOP_NOW, R.RUNNING, [S.ACTED], Do.HALT, R.NEEDS_PERSON),
    (Asked.STOP_NOW, R.ROLLING_BACK, [S.ROLLING_BACK], Do.HALT, R.NEEDS_PERSON),
    (Asked.STOP_NOW, R.ROLLING_BACK, [S.ROLLED_BACK], Do.END, R.ROLLED_BACK),
]


@pytest.mark.parametrize(("asked", "status", "statuses", "do", "to"), HALTING)
def test_what_a_person_asked_for_comes_at_the_next_boundary(
    asked: Asked, status: RunStatus, statuses: list[StepStatus], do: Do, to: RunStatus | None
) -> None:
    move = next_move(status, [step(n, each) for n, each in enumerate(statuses, start=1)], asked)
    assert (move.do, move.to) == (do, to)


def test_a_request_made_again_has_a_key_of_its_own_behind_the_same_secret() -> None:
    again = next_key("run-7-step-2-c0ffee")
    assert (again, next_key(again)) == ("run-7-step-2-c0ffee.2", "run-7-step-2-c0ffee.3")
    assert [is_tried_again(key) for key in ("run-7-step-2-c0ffee", again)] == [False, True]
