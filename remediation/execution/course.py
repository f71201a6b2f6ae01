"""Reads what decides the next moves of a run: of one in waves all steps and how far it may go, else one or two."""

from __future__ import annotations

from collections.abc import Sequence

from portal.kit import statements
from remediation.execution import deciding, planning, records, staged
from remediation.execution.models import Run, StepRun
from remediation.execution.planning import Move
from remediation.execution.staged import Aimed, Course
from remediation.execution.states import RunStatus, StepStatus
from remediation.review.plans import Content
from remediation.review.waves import Stages

_STANDING = "SELECT number, status, intended_at IS NOT NULL FROM execution_steprun WHERE run_id = %s"
_STATUSES = {status.value: status for status in StepStatus}


def next_moves(run: Run, content: Content, ahead: StepRun | None) -> Sequence[Move]:
    """What workers do next with a run, side by side; `ahead` is its first step that is not behind, if it was read."""
    status, asked, stages = RunStatus(run.status), records.asked_of(run), content.stages
    if stages is None:
        return [planning.next_move(status, deciding.steps(run, content, ahead), asked)]
    course = Course(run.wave, run.undoes or 0, stages.error_budget, stages.side_by_side)
    return staged.next_moves(status, aimed(run, content, stages), course, asked)


def has_failed_beside(run: Run, content: Content) -> bool:
    """Whether more failed on other targets than may, while a step was about to begin: then it is left alone."""
    stages = content.stages
    if stages is None or stages.side_by_side == 1:
        return False
    return not staged.is_within(aimed(run, content, stages), stages.error_budget)


def aimed(run: Run, content: Content, stages: Stages) -> list[Aimed]:
    """All steps in the order of the waves."""
    stands = _standing(run.pk)
    found = []
    for wave in stages.waves:
        targets = frozenset(wave.targets)
        for number in wave.steps:
            (status, changed), planned = stands[number], content.steps[number - 1]
            target = planned.target if planned.target in targets else ""
            found.append(Aimed(number, status, changed, records.is_reversible(planned), wave.number, target))
    return found


def _standing(run_id: int) -> dict[int, tuple[StepStatus, bool]]:
    """Where every step stands and whether it may have changed something: of 5,000, before every move, no more."""
    with statements.cursor() as cursor:
        cursor.execute(_STANDING, [run_id])
        return {number: (_STATUSES[status], changed) for number, status, changed in cursor.fetchall()}


def is_within_budget(run: Run, content: Content) -> bool:
    """Whether what failed in a run of workers is no more than its plan lets fail: then it can still go on."""
    stages = content.stages
    if stages is None or not stages.error_budget or run.undoes is not None or run.mode != Run.Mode.WORKERS:
        return False
    return staged.is_within(aimed(run, content, stages), stages.error_budget)
