"""What a run in waves does next: which targets side by side, which are given up within the error budget. Pure.

It is told all steps in the order in which the waves do them, and asks the plan of moves about those of one target or
one wave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from remediation.execution import planning
from remediation.execution.planning import DONE, FORWARD, OPEN_OUTCOME, TURNED, Do, Move, StepView
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

    `error_budget` is how many targets may fail, `side_by_side` how many are worked on at the same time.
    """

    wave: int
    undoes: int
    error_budget: int
    side_by_side: int = 1


def next_moves(status: RunStatus, steps: Sequence[Aimed], course: Course, asked: Asked | None = None) -> Sequence[Move]:
    """What to do next, side by side where it is more than one thing; `asked` is what a person wants of the run."""
    if status is RunStatus.RUNNING:
        moves = _forward(steps, course)
    elif status is RunStatus.ROLLING_BACK:
        moves = [_backward(steps, course.undoes)]
    else:
        return [Move(Do.WAIT)]
    heeding = [planning.heeding(move, status, steps, asked) for move in moves]
    return [move for move in heeding if move.do is not Do.HALT] or heeding[:1]


def lost(steps: Sequence[Aimed]) -> list[str]:
    """The targets of the fan-out that failed, each once."""
    return list(dict.fromkeys(step.target for step in steps if step.target and step.status in TURNED))


def is_within(steps: Sequence[Aimed], error_budget: int) -> bool:
    """Whether nothing failed but targets of the fan-out, and no more of them than may."""
    depended_on = [step for step in steps if not step.target and step.status in TURNED]
    return not depended_on and len(lost(steps)) <= error_budget


def _forward(steps: Sequence[Aimed], course: Course) -> Sequence[Move]:
    """First of all what nobody knows is found out: no target is left behind that may have changed."""
    if in_doubt := [Move(Do.RESOLVE, step.number) for step in steps if step.status in OPEN_OUTCOME]:
        return in_doubt[: course.side_by_side]
    given_up = lost(steps)
    failed = [step for step in steps if step.status is S.FAILED]
    if failed and not is_within(steps, course.error_budget):
        return [planning.after_failure(failed[-1], steps)]
    return _together(_onward(steps, course, given_up)) or [_end(steps, given_up)]


def _onward(steps: Sequence[Aimed], course: Course, given_up: Sequence[str]) -> Sequence[Move]:
    """The next move of each of the targets that are worked on: one at most of what everything depends on."""
    moves: dict[str, Move] = {}
    for step in steps:
        if step.wave > course.wave:
            return [*moves.values()] or [Move(Do.WATCH)]
        if len(moves) == course.side_by_side:
            break
        own = [each for each in steps if each.target == step.target] if step.target in given_up else []
        if step.target in moves or not (move := _give_up(own) if own else planning.onward(step)):
            continue
        if not step.target:
            return [*moves.values()] or [move]
        moves[step.target] = move
    return [*moves.values()]


def _together(moves: Sequence[Move]) -> Sequence[Move]:
    """Those that are made side by side. What was done is verified first; the way back of a target is taken alone."""
    if done := [move for move in moves if move.do is Do.VERIFY]:
        return done
    alone = [move for move in moves if move.do is not Do.STEP]
    return alone[:1] or moves


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
