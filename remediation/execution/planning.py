"""What a run does next, and what an interrupted step turns out to have been: tables and pure functions.

Workers and guided manual mode follow the same plan of moves; they differ only in whose hands make them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from remediation.drafting.states import Status
from remediation.execution.states import Asked, RunStatus, StepStatus


class Do(StrEnum):
    """What can come next in a run."""

    STEP = "step"
    """Look, then act."""
    VERIFY = "verify"
    RESOLVE = "resolve"
    """An action may or may not have happened: find out."""
    TURN_BACK = "turn_back"
    """Stop going forward and undo what was done."""
    UNDO = "undo"
    RESOLVE_UNDO = "resolve_undo"
    LEAVE_OUT = "leave_out"
    """The step is of a target that was given up."""
    WATCH = "watch"
    """Between two waves: see whether all is well."""
    END = "end"
    HALT = "halt"
    """A person asked for it: stand still and keep what is held."""
    WAIT = "wait"
    """For a person, or for nothing: the run is over."""


@dataclass(frozen=True, slots=True)
class StepView:
    """What the plan of moves needs to know of a step. It `may_have_changed` something from the intent on."""

    number: int
    status: StepStatus
    may_have_changed: bool
    is_reversible: bool


@dataclass(frozen=True, slots=True)
class Move:
    """The next move: of which step, and for END and HALT to which status, with the reason."""

    do: Do
    number: int = 0
    to: RunStatus | None = None
    reason: str = ""


S = StepStatus
FORWARD = (S.PENDING, S.PREFLIGHT)
OPEN_OUTCOME = (S.INTENDED, S.UNKNOWN)
AHEAD = frozenset({*FORWARD, *OPEN_OUTCOME, S.ACTED, S.FAILED})
"""On the way forward every other step is behind."""
DONE = (S.ACTED, S.VERIFIED, S.FAILED)
GOING_BACK = (S.ROLLING_BACK, S.ROLLBACK_FAILED)
GONE_BACK = frozenset({S.ROLLING_BACK, S.ROLLED_BACK, S.ROLLBACK_FAILED})
"""With a step in one of these, a run can only go back."""
TURNED = GONE_BACK | {S.FAILED}
"""With a step in one of these, a run does not go on by itself."""
HEEDED: dict[Asked, frozenset[Do]] = {
    Asked.PAUSE: frozenset({Do.VERIFY, Do.RESOLVE}),
    Asked.STOP_AFTER_STEP: frozenset({Do.VERIFY, Do.RESOLVE, Do.RESOLVE_UNDO}),
    Asked.STOP_NOW: frozenset({Do.RESOLVE}),
}
"""The moves that are still made after a person asked for a halt; and none that begins a write but of a step in hand."""
HOLDS_WRITES = frozenset({Asked.PAUSE, Asked.STOP_NOW})


def next_move(status: RunStatus, steps: Sequence[StepView], asked: Asked | None = None) -> Move:
    """The one thing to do next. `steps` are those that decide it, or all, in the plan's order.

    `asked` is what a person wants of the run.
    """
    if status is RunStatus.RUNNING:
        move = _forward(steps)
    elif status is RunStatus.ROLLING_BACK:
        move = backward(steps)
    else:
        return Move(Do.WAIT)
    return heeding(move, status, steps, asked)


def heeding(move: Move, status: RunStatus, steps: Sequence[StepView], asked: Asked | None) -> Move:
    """The move, or the halt that a person asked for in its place."""
    return _halt(move, status, asked) if asked and not _is_heeded(move, steps, asked) else move


def _is_heeded(move: Move, steps: Sequence[StepView], asked: Asked) -> bool:
    """Whether the move may still be made. A failure before any change ends nothing now: a person has come."""
    if move.do is Do.END:
        return move.to is not RunStatus.FAILED
    in_hand = (move.number, S.PREFLIGHT)
    is_in_hand = move.do is Do.STEP and any((step.number, step.status) == in_hand for step in steps)
    return move.do in HEEDED[asked] or (is_in_hand and asked is Asked.STOP_AFTER_STEP)


def _halt(move: Move, status: RunStatus, asked: Asked) -> Move:
    is_pause = asked is Asked.PAUSE and status is RunStatus.RUNNING
    return Move(Do.HALT, move.number, RunStatus.PAUSED if is_pause else RunStatus.NEEDS_PERSON)


def _forward(steps: Sequence[StepView]) -> Move:
    for step in steps:
        if step.status is S.FAILED:
            return after_failure(step, steps)
        if move := onward(step):
            return move
    return at_the_end(steps)


def onward(step: StepView) -> Move | None:
    """What comes next with a step on the way forward; None where it is behind."""
    if step.status in OPEN_OUTCOME:
        return Move(Do.RESOLVE, step.number)
    if step.status is S.ACTED:
        return Move(Do.VERIFY, step.number)
    return Move(Do.STEP, step.number) if step.status in FORWARD else None


def at_the_end(steps: Sequence[StepView]) -> Move:
    """The end of a run of which every step is behind."""
    if all(step.status is S.SKIPPED for step in steps):
        return Move(Do.END, to=RunStatus.FAILED, reason="Every step was skipped, so nothing was done.")
    return Move(Do.END, to=RunStatus.SUCCEEDED)


def after_failure(failed: StepView, steps: Sequence[StepView]) -> Move:
    """Back, where any of the steps may have changed something; else the end."""
    if any(step.may_have_changed for step in steps):
        return Move(Do.TURN_BACK, failed.number)
    return Move(Do.END, failed.number, RunStatus.FAILED, "Nothing was changed.")


def backward(steps: Sequence[StepView]) -> Move:
    """The next move on the way back of these steps, the last one first; at its end they are as before."""
    for step in reversed(steps):
        if step.status is S.ROLLING_BACK:
            return Move(Do.RESOLVE_UNDO, step.number)
        if step.status is S.ROLLBACK_FAILED:
            reason = f"The way back of step {step.number} did not work: its state is not what it was before."
            return Move(Do.END, step.number, RunStatus.NEEDS_PERSON, reason)
        if step.status in DONE and step.may_have_changed:
            return _undo(step)
    return Move(Do.END, to=RunStatus.ROLLED_BACK)


def _undo(step: StepView) -> Move:
    if step.is_reversible:
        return Move(Do.UNDO, step.number)
    reason = f"Step {step.number} was done and has no way back; the steps before it are still in place as well."
    return Move(Do.END, step.number, RunStatus.NEEDS_PERSON, reason)


class Found(StrEnum):
    """What an interrupted action turns out to have been."""

    DONE = "done"
    NOT_STARTED = "not_started"
    REFUSED = "refused"
    """The server refused it and nothing changed."""
    PARTIAL = "partial"
    UNCLEAR = "unclear"


def found(server_says: str | None, *, is_as_after: bool | None, is_as_before: bool | None) -> Found:
    """What happened, from the server's book of requests and two looks; None: could not be asked.

    `is_as_after`: the verify holds. `is_as_before`: the pre-flight holds. The server's word alone is never enough to
    say that nothing happened, unless the state is not as after the action.
    """
    if server_says == "done":
        return Found.DONE
    if server_says == "not_performed" and is_as_after is False:
        return Found.NOT_STARTED
    if server_says == "failed":
        return Found.REFUSED if is_as_before else Found.PARTIAL
    return Found.UNCLEAR


def remediation_status(status: RunStatus) -> Status:
    """The remediation follows its run."""
    if status in {RunStatus.RUNNING, RunStatus.ROLLING_BACK}:
        return Status.EXECUTING
    return Status(status.value)


ENDED = frozenset({RunStatus.SUCCEEDED, RunStatus.ROLLED_BACK, RunStatus.FAILED})
"""Statuses in which a run holds nothing any more."""


LONGEST_PAUSE = 2.0
"""Seconds between two looks: a server that is back is found soon, and one that is away is not kept busy."""


def next_key(key: str) -> str:
    """The key of the next request for the same step: another number behind what nobody can guess."""
    base, _, count = key.partition(".")
    return f"{base}.{int(count or 1) + 1}"


def is_tried_again(key: str) -> bool:
    """Whether this is the key of a second or later request."""
    return "." in key


def pauses(seconds: float) -> Iterator[float]:
    """Pauses between looks, each twice the last but none too long, `seconds` in all; none for 0."""
    pause = 0.2
    while seconds > 0:
        yield min(pause, seconds)
        seconds -= pause
        pause = min(pause * 2, LONGEST_PAUSE)


def why_people(*, mode: str, is_lab: bool, has_opted_in: bool, is_for_people: bool) -> str:
    """Why workers must leave a signed plan to people (law 1); empty: they may run it."""
    if is_for_people:
        return "The plan contains commands; people run those."
    if mode == "off":
        return "Auto-remediation is switched off for this site, so workers execute nothing."
    if mode == "lab" and not is_lab:
        return "Auto-remediation is switched on for the lab only, and a target lies outside it."
    if not has_opted_in:
        return "The ticket did not opt in to auto-remediation."
    return ""
