"""Reads what the table of controls needs to know of a run, in a few queries however many steps there are."""

from __future__ import annotations

from django.db.models import Count

from portal.signoff import brakes
from remediation.execution import course, records
from remediation.execution.controls import RETRIABLE, Standing
from remediation.execution.models import Run
from remediation.execution.planning import GONE_BACK
from remediation.execution.shift import left_to_people, scopes_of
from remediation.execution.states import RunStatus, StepStatus


def of(run: Run) -> Standing:
    """Where a run stands, and what keeps workers from going on with it."""
    rows = run.steps.order_by().values("status").annotate(all=Count("pk"), changed=Count("intended_at"))
    counts = {StepStatus(row["status"]): row for row in rows}
    content = records.content_of(run)
    stop = brakes.stopped(scopes_of(content)) if run.finished_at is None else None
    may_fail = course.is_within_budget(run, content)
    gone_back = {StepStatus.ROLLBACK_FAILED} if may_fail else GONE_BACK
    return Standing(
        status=RunStatus(run.status),
        is_by_hand=run.mode == Run.Mode.MANUAL,
        asked=records.asked_of(run),
        may_have_changed=any(row["changed"] for row in counts.values()),
        has_failed=StepStatus.FAILED in counts and not may_fail,
        has_open=not counts.keys().isdisjoint(RETRIABLE),
        has_gone_back=not counts.keys().isdisjoint(gone_back),
        stopped=stop.says if stop else "",
        people_only=left_to_people(content, run.remediation.ticket),
    )
