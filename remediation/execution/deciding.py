"""Reads what decides the next move of a run: its row as it is now, and one or two steps of however many it has."""

from __future__ import annotations

from django.db.models import Q

from portal.kit.statements import Query, given
from remediation.execution import records
from remediation.execution.models import Run, StepRun
from remediation.execution.planning import AHEAD, DONE, GOING_BACK, StepView
from remediation.execution.states import RunStatus, StepStatus
from remediation.review.plans import Content

_TO_UNDO = Q(status__in=GOING_BACK) | Q(status__in=DONE, intended_at__isnull=False)

# Built once, because workers ask them between all moves.
_RUN = Query(lambda: Run.objects.filter(pk=given("id")))
_AHEAD = Query(
    lambda: StepRun.objects.select_related("run").filter(run=given("run"), status__in=AHEAD).order_by("number")[:1]
)
_INTENDED = Query(lambda: StepRun.objects.filter(run=given("run"), intended_at__isnull=False).order_by("number")[:1])
_LAST = Query(lambda: StepRun.objects.filter(_TO_UNDO, run=given("run")).order_by("-number")[:1])


def standing(run_id: int) -> tuple[Run, StepRun | None]:
    """The run as it is now, with what a person wants of it, and its first step that is not behind; nothing is locked.

    Without such a step the run is read alone, and its steps are looked at after it.
    """
    ahead = _AHEAD.first(run=run_id)
    return (ahead.run, ahead) if ahead else (_RUN.one(id=run_id), None)


def steps(run: Run, content: Content, ahead: StepRun | None = None) -> list[StepView]:
    """The steps that decide what comes next, as the plan of moves sees them; `ahead` was read with the run.

    Forward that is the first which is not behind, and after a failure or at the end whether any may have changed
    something; on the way back the last which is not undone.
    """
    if run.status == RunStatus.ROLLING_BACK:
        return [_view(step, content) for step in _LAST.all(run=run.pk)]
    if run.status != RunStatus.RUNNING:
        return []
    found = [ahead] if ahead else _AHEAD.all(run=run.pk)
    if not found or (found[0].status == StepStatus.FAILED and found[0].intended_at is None):
        found += _INTENDED.all(run=run.pk)
    return [_view(step, content) for step in sorted(found, key=lambda step: step.number)]


def _view(step: StepRun, content: Content) -> StepView:
    reversible = records.is_reversible(content.steps[step.number - 1])
    return StepView(step.number, StepStatus(step.status), step.intended_at is not None, reversible)
