"""Drives a run to its end, or until a person has to come: move after move, each in its own transactions.

A job that takes a run over gets a new fence first; whatever its predecessor left open is found out before anything else
is done. So a redelivery, a second worker or a crash never repeats an action (law 7). Where the plan says so, moves on
several targets of a wave are made side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from portal.kit import side_by_side
from remediation.execution import advancing, course, deciding, records, resolving, stepping, undoing, watching
from remediation.execution.models import Run
from remediation.execution.planning import Do, Move
from remediation.execution.records import WORKERS
from remediation.execution.shift import Shift
from remediation.execution.states import MOVING

ONE_JOB = timedelta(minutes=5)
"""A run that takes longer goes on in another job."""

MOVES: dict[Do, Callable[[Shift, int], None]] = {
    Do.STEP: stepping.carry_out,
    Do.VERIFY: stepping.verify,
    Do.RESOLVE: resolving.resolve,
    Do.TURN_BACK: undoing.turn_back,
    Do.UNDO: undoing.undo,
    Do.RESOLVE_UNDO: undoing.resolve_undo,
    Do.LEAVE_OUT: undoing.leave_out,
}
BEGINNINGS = frozenset({Do.STEP, Do.UNDO})
"""What a worker does not begin any more when it is told to stop; a step that has been taken is verified first."""
STEPS_FORWARD = frozenset({Do.STEP, Do.VERIFY, Do.UNDO})
"""After these a worker that is lost did not work in vain."""


def drive(
    run_id: int,
    *,
    clock: Callable[[], datetime],
    keeps_lease: Callable[[], bool],
    is_stopping: Callable[[], bool] = lambda: False,
    came_further: Callable[[], object] = lambda: None,
    released_stop: int | None = None,
) -> str:
    """Make moves until the run ends or waits; says in a few words where it stands then.

    A worker that `is_stopping` finishes the step in hand and leaves the next one to another.
    """
    shift = take_over(run_id, clock=clock, keeps_lease=keeps_lease, released_stop=released_stop)
    if shift is None:
        return f"Run {run_id} is not for workers to drive now."
    started = clock()
    while (moves := _next(shift))[0].do is not Do.WAIT:
        wanted = {move.do for move in moves}
        if clock() - started > ONE_JOB or (wanted & BEGINNINGS and is_stopping()):
            return _go_on_later(shift)
        if Do.WATCH in wanted:
            if look_again_at := watching.watch(shift):
                return _go_on_later(shift, look_again_at)
            continue
        side_by_side.each(partial(_make, shift), moves, at_once=len(moves))
        if wanted & STEPS_FORWARD:
            came_further()
    run = Run.objects.get(pk=run_id)
    return f"{run} is {run.outcome}. {run.status_reason}".strip()


def take_over(
    run_id: int,
    *,
    clock: Callable[[], datetime],
    keeps_lease: Callable[[], bool],
    released_stop: int | None = None,
) -> Shift | None:
    """Begin a turn at a run under a new fence; None if it is over, waits for a person or is run by hand."""
    with transaction.atomic():
        run = records.locked(run_id)
        if run.mode != Run.Mode.WORKERS or run.status not in MOVING:
            return None
        fence = records.take(run, actor=WORKERS, at=clock())
    return Shift(run_id, fence, run.remediation, records.content_of(run), clock, keeps_lease, released_stop)


def _next(shift: Shift) -> Sequence[Move]:
    run, ahead = deciding.standing(shift.run_id)
    return course.next_moves(run, shift.content, ahead)


def _go_on_later(shift: Shift, due_at: datetime | None = None) -> str:
    """No worker is held between two looks at what is watched: the next is a job of its own."""
    with shift.writing() as run:
        advancing.ask_for(run, at=shift.clock(), due_at=due_at, released_stop=shift.released_stop)
    return f"{run} goes on in another job."


def _make(shift: Shift, move: Move) -> None:
    if move.do in MOVES:
        MOVES[move.do](shift, move.number)
        return
    stand_still = records.halt if move.do is Do.HALT else records.conclude
    with shift.writing() as run:
        stand_still(run, shift.content, move, actor=WORKERS, at=shift.clock())
