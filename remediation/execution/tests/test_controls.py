"""What people can do with a run in which state: the whole table, and what the buttons say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from remediation.execution.controls import DOES, Control, Standing, answers, does, refusal, step_refusal
from remediation.execution.states import Asked, RunStatus, StepStatus

R, S, C = RunStatus, StepStatus, Control
HALTS = {C.PAUSE, C.STOP_AFTER_STEP, C.STOP_NOW}
CHANGED = Standing(R.RUNNING, may_have_changed=True)
FAILED = Standing(R.PAUSED, may_have_changed=True, has_failed=True, has_open=True)

TABLE = [
    (Standing(R.RUNNING), HALTS),
    (Standing(R.RUNNING, asked=Asked.PAUSE), {C.STOP_AFTER_STEP, C.STOP_NOW}),
    (Standing(R.RUNNING, asked=Asked.STOP_NOW), set()),
    (Standing(R.ROLLING_BACK, may_have_changed=True), {C.STOP_AFTER_STEP, C.STOP_NOW}),
    (Standing(R.PAUSED), {C.RESUME, C.SKIP, C.TAKE_OVER, C.GIVE_UP}),
    (Standing(R.PAUSED, may_have_changed=True), {C.RESUME, C.SKIP, C.TAKE_OVER, C.ROLL_BACK, C.GIVE_UP}),
    (Standing(R.PAUSED, stopped="sre stopped it"), {C.SKIP, C.TAKE_OVER, C.GIVE_UP}),
    (Standing(R.PAUSED, people_only="It is off."), {C.SKIP, C.TAKE_OVER, C.GIVE_UP}),
    (FAILED, {C.RETRY, C.SKIP, C.TAKE_OVER, C.ROLL_BACK, C.GIVE_UP}),
    (replace(FAILED, may_have_changed=False), {C.RETRY, C.SKIP, C.GIVE_UP}),
    (replace(FAILED, status=R.NEEDS_PERSON), {C.RETRY, C.SKIP, C.TAKE_OVER, C.ROLL_BACK, C.GIVE_UP}),
    (
        Standing(R.NEEDS_PERSON, may_have_changed=True, has_open=True),
        {C.RESUME, C.RETRY, C.SKIP, C.TAKE_OVER, C.ROLL_BACK, C.GIVE_UP},
    ),
    (replace(FAILED, status=R.NEEDS_PERSON, has_gone_back=True), {C.TAKE_OVER, C.ROLL_BACK, C.GIVE_UP}),
    (Standing(R.RUNNING, is_by_hand=True), {C.SKIP, C.TAKE_OVER, C.GIVE_UP}),
    (Standing(R.RUNNING, is_by_hand=True, may_have_changed=True), {C.SKIP, C.TAKE_OVER, C.ROLL_BACK, C.GIVE_UP}),
    (Standing(R.ROLLING_BACK, is_by_hand=True, may_have_changed=True), {C.TAKE_OVER, C.GIVE_UP}),
    (Standing(R.SUCCEEDED, may_have_changed=True), set()),
    (Standing(R.ROLLED_BACK, may_have_changed=True), set()),
    (replace(FAILED, status=R.FAILED), set()),
]


@pytest.mark.parametrize(("standing", "allowed"), TABLE, ids=lambda value: str(getattr(value, "status", "")))
def test_each_control_only_in_its_state_and_every_no_has_its_words(standing: Standing, allowed: set[Control]) -> None:
    shown = answers(standing)
    assert {each.control for each in shown if each.refusal is None} == allowed
    assert all(each.refusal.text.endswith(".") for each in shown if each.refusal)
    assert [each.control for each in shown] == list(Control)


def test_every_status_is_in_the_table() -> None:
    assert {standing.status for standing, _ in TABLE} == set(RunStatus)


def test_the_button_says_what_it_will_do_in_this_state() -> None:
    assert all(DOES[each] for each in Control)
    stopped = replace(CHANGED, status=R.NEEDS_PERSON, stopped="sre stopped it")
    assert "releases the rollback" in does(C.ROLL_BACK, stopped)
    assert "releases" not in does(C.ROLL_BACK, CHANGED)
    assert "undo what was done" in does(C.TAKE_OVER, FAILED)
    assert "stays undone" in does(C.STOP_NOW, replace(CHANGED, status=R.ROLLING_BACK))


def test_the_emergency_stop_is_named_where_it_holds_the_run() -> None:
    reason = refusal(C.RESUME, Standing(R.PAUSED, stopped="sre stopped everything: smoke"))
    assert reason
    assert (reason.code, "smoke" in reason.text) == ("emergency_stop", True)


STEPS = {
    (C.RETRY, S.FAILED, True): "",
    (C.RETRY, S.UNKNOWN, True): "",
    (C.RETRY, S.VERIFIED, True): "not_open",
    (C.RETRY, S.PENDING, False): "not_open",
    (C.SKIP, S.PENDING, False): "",
    (C.SKIP, S.PREFLIGHT, False): "",
    (C.SKIP, S.FAILED, False): "",
    (C.SKIP, S.FAILED, True): "changed",
    (C.SKIP, S.PENDING, True): "changed",
    (C.SKIP, S.UNKNOWN, True): "unknown",
    (C.SKIP, S.VERIFIED, True): "begun",
    (C.SKIP, S.SKIPPED, False): "begun",
}


@pytest.mark.parametrize(("asked", "code"), STEPS.items())
def test_only_an_open_step_is_retried_and_only_an_untouched_one_skipped(
    asked: tuple[Control, StepStatus, bool], code: str
) -> None:
    control, status, may_have_changed = asked
    reason = step_refusal(control, status, may_have_changed=may_have_changed)
    assert (reason.code if reason else "") == code
