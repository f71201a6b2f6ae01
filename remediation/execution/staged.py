"""What a run in waves does next: wave after wave, targets given up within the error budget, the way back. Pure.

It is told all steps in the order in which the waves do them, and asks the plan of moves about those of one target or
one wave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from remediation.execution import planning
from remediation.execution.planning import DONE, FORWARD, TURNED, Do, Move, StepView
from remediation.execution.states import Asked, RunStatus, StepStatus

S = StepStatus


@dataclass(frozen=True, slots=True)
class Aimed(StepView):
    """A step with its wave, and with the target of the fan-out that it is for; empty: everything depends on it."""

    wave: int
    target: str


@dataclass(frozen=True, slots=True)
class Course:
    """How far a run may go: `wave` is the last one that is open, `undoes` the one that is taken back (0: all).

    `error_budget` is how many targets may fail.
    """

    wave: int
    undoes: int
    error_budget: int


def next_move(status: RunStatus, steps: Sequence[Aimed], course: Course, asked: Asked | None = None) -> Move:
    """The one thing to do next; `asked` is what a person wants of the run."""
    if status is RunStatus.RUNNING:
        move = _forward(steps, course)
    elif status is RunStatus.ROLLING_BACK:
        move = _backward(steps, course.undoes)
    else:
        return Move(Do.WAIT)
    return planning.heeding(move, status, steps, asked)


def lost(steps: Sequence[Aimed]) -> list[str]:
    """The targets of the fan-out that failed, each once."""
    return list(dict.fromkeys(step.target for step in steps if step.target and step.status in TURNED))


def is_within(steps: Sequence[Aimed], error_budget: int) -> bool:
    """Whether nothing failed but targets of the fan-out, and no more of them than may."""
    depended_on = [step for step in steps if not step.target and step.status in TURNED]
    return not depended_on and len(lost(steps)) <= error_budget


def _forward(steps: Sequence[Aimed], course: Course) -> Move:
    given_up = lost(steps)
    failed = [step for step in steps if step.status is S.FAILED]
    if failed and not is_within(steps, course.error_budget):
        return planning.after_failure(failed[-1], steps)
    for step in steps:
        if step.wave > course.wave:
            return Move(Do.WATCH)
        own = [each for each in steps if each.target == step.target] if step.target in given_up else []
        if move := _give_up(own) if own else planning.onward(step):
            return move
    return _end(steps, given_up)


def _give_up(own: Sequence[Aimed]) -> Move | None:
    """Take back what was done on a target and leave out the rest; None when that is done."""
    move = planning.backward(own)
    if move.to is not RunStatus.ROLLED_BACK:
        return move
    return next((Move(Do.LEAVE_OUT, step.number) for step in own if step.status in FORWARD), None)


def _end(steps: Sequence[Aimed], given_up: Sequence[str]) -> Move:
    if not given_up:
        return planning.at_the_end(steps)
    targets = {step.target for step in steps if step.target}
    words = (
        f"{len(given_up)} of {len(targets)} targets failed, which the error budget allows, and are as before: "
        f"{', '.join(given_up)}."
    )
    is_any_done = any(step.status is S.VERIFIED for step in steps)
    return Move(Do.END, to=RunStatus.FAILED, reason=f"{words} {'The others are done.' if is_any_done else ''}".strip())


def _backward(steps: Sequence[Aimed], undoes: int) -> Move:
    """Take back one wave or everything. What stays in place makes the end a failed run, not a rolled back one."""
    move = planning.backward([step for step in steps if undoes in (0, step.wave)])
    stays = {step.wave for step in steps if undoes not in (0, step.wave) and _is_done(step)}
    if move.to is not RunStatus.ROLLED_BACK or not stays:
        return move
    words = f"Wave {undoes} was taken back; what earlier waves did stays in place."
    return Move(Do.END, to=RunStatus.FAILED, reason=words)


def _is_done(step: Aimed) -> bool:
    return step.status in DONE and step.may_have_changed
