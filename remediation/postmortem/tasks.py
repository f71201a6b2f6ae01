"""Jobs of the room: a postmortem is drafted when a run ends, and again while nobody has edited it."""

from __future__ import annotations

from feedback.models import Feedback
from portal.jobs.registry import Handed, handler
from portal.kit.actors import system
from remediation.execution.models import Run
from remediation.postmortem import services as postmortems


@handler("postmortem.draft", queue="general", on=("run.finished",), about="execution.run")
def draft(job: Handed) -> str:
    """The record of a ticket whose run ended."""
    run = Run.objects.select_related("remediation").get(pk=job.subject_id or 0)
    return postmortems.follow(run.remediation.ticket_id, actor=system("general"), at=job.at)


@handler("postmortem.follow", queue="general", on=("feedback.given",), about="feedback.feedback")
def follow(job: Handed) -> str:
    """What people said since belongs to the record."""
    answer = Feedback.objects.get(pk=job.subject_id or 0)
    return postmortems.follow(answer.ticket_id, actor=system("general"), at=job.at, is_first=False)
