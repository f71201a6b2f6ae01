"""Tells those who look after the jobs of dead jobs, and of what cannot run by the clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from portal.access import grants
from portal.jobs import mending, schedules
from portal.jobs.models import Job, Schedule
from portal.jobs.states import State
from portal.notices import services as notices

_STORM = timedelta(minutes=5)


def of_dead_job(job_id: int, *, at: datetime) -> int:
    """Operators hear of a dead job, unless one of its kind died just before: one notice leads to all of them.

    The words are the ledger's own; what the error says may be about a category that not everybody sees.
    """
    job = Job.objects.get(pk=job_id)
    if job.state != State.DEAD or job.finished_at is None or _is_one_of_many(job, job.finished_at):
        return 0
    text = f"{job.kind} is dead after {job.attempts} attempts. Read why, mend the cause, try it again."
    people = grants.with_permission(mending.LOOKS)
    return notices.tell(
        people, kind="job", ticket_key="", text=text, path=f"/jobs/{job.pk}", at=at, key=f"job:{job.pk}:{job.fence}"
    )


def of_schedule(schedule_id: int, *, at: datetime) -> int:
    """Operators hear when what ran by the clock cannot run any more."""
    schedule = Schedule.objects.get(pk=schedule_id)
    if not schedule.error:
        return 0
    text = f"{schedule} cannot run by the clock any more: {schedule.error[:200]}"
    people = grants.with_permission(schedules.LOOKS)
    key = f"schedule:{schedule.pk}:{at.isoformat()}"
    return notices.tell(people, kind="job", ticket_key="", text=text, path="/jobs/schedules", at=at, key=key)


def _is_one_of_many(job: Job, died_at: datetime) -> bool:
    """Whether another of its kind died within the minutes before, and still lies there."""
    died_before = Q(finished_at__lt=died_at) | Q(pk__lt=job.pk)
    lately = {"finished_at__range": (died_at - _STORM, died_at)}
    return Job.objects.filter(died_before, kind=job.kind, state=State.DEAD, **lately).exists()
