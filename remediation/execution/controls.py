"""What people can do with a run in which state, why not, and what each button will do: a table. Pure.

Page, API and services ask the same functions, so that no button promises what its verb then refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from portal.kit.refusals import Reason, because
from remediation.execution.states import MOVING, Asked, RunStatus, StepStatus


class Control(StrEnum):
    """What a person can do with a run, in the order of the page."""

    RESUME = "resume"
    RETRY = "retry"
    PAUSE = "pause"
    STOP_AFTER_STEP = "stop_after_step"
    STOP_NOW = "stop_now"
    ROLL_BACK = "roll_back"
    TAKE_OVER = "take_over"
    SKIP = "skip"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the table needs to know of a run. `stopped` and `people_only` say what keeps workers from going on.

    `has_open` means that a step has failed or its outcome is unknown, `has_gone_back` that one has been undone or is.
    """

    status: RunStatus
    is_by_hand: bool = False
    asked: Asked | None = None
    may_have_changed: bool = False
    has_failed: bool = False
    has_open: bool = False
    has_gone_back: bool = False
    stopped: str = ""
    people_only: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the table says of one control: its name, what it does, and why it cannot be used now (None: it can)."""

    control: Control
    label: str
    does: str
    refusal: Reason | None

    @property
    def address(self) -> str:
        """The last part of its address."""
        return self.control.value.replace("_", "-")


R, S, C = RunStatus, StepStatus, Control
WAITING = frozenset({R.PAUSED, R.NEEDS_PERSON})
"""Statuses in which a run of workers stands still until a person says how it goes on."""
HALTS = {C.PAUSE: Asked.PAUSE, C.STOP_AFTER_STEP: Asked.STOP_AFTER_STEP, C.STOP_NOW: Asked.STOP_NOW}
SKIPPABLE = frozenset({S.PENDING, S.PREFLIGHT, S.FAILED})
RETRIABLE = frozenset({S.FAILED, S.UNKNOWN})
WHO_WAITS = frozenset({"emergency_stop", "people_only"})
"""Codes of refusals that are not about the run's own state: whoever asks, it cannot be done (422)."""

LABELS: dict[Control, str] = {
    C.RESUME: "Let it go on",
    C.RETRY: "Retry from here",
    C.SKIP: "Ask to skip a step",
    C.PAUSE: "Pause",
    C.STOP_AFTER_STEP: "Stop after this step",
    C.STOP_NOW: "Stop now",
    C.TAKE_OVER: "Go on by hand",
    C.ROLL_BACK: "Roll back",
    C.GIVE_UP: "Give it up as it stands",
}
DOES: dict[Control, str] = {
    C.RESUME: "What is open is found out first; nothing is done twice.",
    C.RETRY: "The pre-flight looks first; only if the target is as before is the action asked for again.",
    C.SKIP: "Somebody else has to sign it. Only then is the step left out; nothing else happens by itself.",
    C.PAUSE: "No further write. What was done is still verified; the targets stay locked until you let it go on.",
    C.STOP_AFTER_STEP: "The step in hand is finished and verified, no other is begun. The targets stay locked.",
    C.STOP_NOW: "No further write. What became of one in flight is only looked at. The targets stay locked.",
    C.TAKE_OVER: "You take the keyboard; workers no longer touch it.",
    C.ROLL_BACK: "Every step that may have changed something is undone, the last one first, and each is verified.",
    C.GIVE_UP: "Nothing is undone: the run ends as failed, the targets stay as they are and are free for other runs.",
}


def answers(standing: Standing) -> list[Answer]:
    """What the table says of every control, in the order of the page."""
    return [Answer(each, LABELS[each], does(each, standing), refusal(each, standing)) for each in Control]


def does(control: Control, standing: Standing) -> str:
    """What the button will do, in this very state."""
    if control is C.ROLL_BACK and standing.stopped:
        return f"{DOES[control]} This releases the rollback under the emergency stop."
    if control is C.TAKE_OVER and standing.has_failed and standing.status in WAITING:
        return "You take the keyboard to undo what was done, step by step. To go forward, retry or skip first."
    if control is C.TAKE_OVER and standing.is_by_hand:
        return "You take the keyboard; whoever has it now no longer can."
    if control in HALTS and standing.status is R.ROLLING_BACK:
        return f"{DOES[control]} What has been undone stays undone."
    return DOES[control]


def refusal(control: Control, standing: Standing) -> Reason | None:
    """Why this cannot be done with the run now; None if it can."""
    if standing.status not in MOVING | WAITING:
        return because("over", f"The run is over: it has {_word(standing.status)}.")
    return _RULES[control](standing)


def step_refusal(control: Control, status: StepStatus, *, may_have_changed: bool) -> Reason | None:
    """Why a step cannot be retried or skipped, whatever the run allows; None if it can."""
    if control is C.RETRY and status not in RETRIABLE:
        return because("not_open", f"The step is {_said(status)}: only one that failed or is unknown is tried again.")
    if control is C.SKIP and status is S.UNKNOWN:
        return because("unknown", "Nobody knows whether it was done: find that out before anybody skips it.")
    if control is C.SKIP and status not in SKIPPABLE:
        return because("begun", f"The step is {_said(status)}: only one that has changed nothing is skipped.")
    if control is C.SKIP and may_have_changed:
        return because("changed", "The step may have changed something: retry it, or roll the run back.")
    return None


def _halt(wanted: Asked, standing: Standing) -> Reason | None:
    if standing.status in WAITING:
        return because("not_from_here", f"The run is {_said(standing.status)}: it stands still already.")
    if standing.is_by_hand:
        text = "A person has the keyboard, so nothing happens without them. Take the run over instead."
        return because("by_hand", text)
    if wanted is Asked.PAUSE and standing.status is R.ROLLING_BACK:
        return because("not_from_here", "A rollback is not paused: stop it, after this step or now.")
    if standing.asked in (wanted, Asked.STOP_NOW):
        return because("asked", f"“{LABELS[C(standing.asked)]}” has been asked for; it comes at the next boundary.")
    return None


def _resume(standing: Standing) -> Reason | None:
    if reason := _forward(standing):
        return reason
    if standing.has_failed:
        return because("turned", "A step of this run has failed: retry it, skip it, roll it back or give it up.")
    return _held_back(standing)


def _retry(standing: Standing) -> Reason | None:
    if reason := _forward(standing):
        return reason
    if not standing.has_open:
        return because("nothing_open", "No step has failed, and no outcome is unknown: let it go on.")
    return _held_back(standing)


def _forward(standing: Standing) -> Reason | None:
    """Why the run cannot go on forward at a person's word."""
    if standing.status is R.RUNNING:
        return because("not_from_here", "The run is running.")
    if standing.status is R.ROLLING_BACK or standing.has_gone_back:
        return because("gone_back", "Steps of this run are undone, so it can only go back: roll it back or give it up.")
    return None


def _held_back(standing: Standing) -> Reason | None:
    if standing.stopped:
        return because("emergency_stop", f"{standing.stopped}. Nothing goes on before that is released.")
    if standing.people_only and not standing.is_by_hand:
        return because("people_only", f"{standing.people_only} Take the run over and go on by hand.")
    return None


def _skip(standing: Standing) -> Reason | None:
    return None if standing.is_by_hand and standing.status is R.RUNNING else _forward(standing)


def _take_over(standing: Standing) -> Reason | None:
    if standing.status in WAITING and standing.has_failed and not standing.may_have_changed:
        return because("nothing_done", "A step failed before anything was changed: retry it, skip it or give it up.")
    return None if standing.is_by_hand else _while_workers_drive(standing)


def _roll_back(standing: Standing) -> Reason | None:
    if standing.status is R.ROLLING_BACK:
        return because("not_from_here", "The run is rolling back.")
    if not standing.is_by_hand and (reason := _while_workers_drive(standing)):
        return reason
    if not standing.may_have_changed:
        return because("nothing_done", "Nothing was changed, so there is nothing to roll back. Give it up.")
    return None


def _give_up(standing: Standing) -> Reason | None:
    return None if standing.is_by_hand else _while_workers_drive(standing)


def _while_workers_drive(standing: Standing) -> Reason | None:
    if standing.status in WAITING:
        return None
    return because("not_from_here", f"The run is {_said(standing.status)}: pause or stop it first.")


_RULES: dict[Control, Callable[[Standing], Reason | None]] = {
    C.RESUME: _resume,
    C.RETRY: _retry,
    C.SKIP: _skip,
    C.PAUSE: lambda standing: _halt(Asked.PAUSE, standing),
    C.STOP_AFTER_STEP: lambda standing: _halt(Asked.STOP_AFTER_STEP, standing),
    C.STOP_NOW: lambda standing: _halt(Asked.STOP_NOW, standing),
    C.TAKE_OVER: _take_over,
    C.ROLL_BACK: _roll_back,
    C.GIVE_UP: _give_up,
}


def _word(status: RunStatus) -> str:
    return {R.SUCCEEDED: "succeeded", R.ROLLED_BACK: "been rolled back", R.FAILED: "failed"}[status]


def _said(status: str) -> str:
    return status.replace("_", " ")
