"""Jobs of the room: learning from answers and from runs."""

from __future__ import annotations

from feedback import services
from portal.jobs.registry import Handed, handler


@handler("feedback.learn", queue="general", on=("feedback.given",), about="feedback.feedback")
def learn_feedback(job: Handed) -> str:
    """Count an answer."""
    return services.learn_feedback(job.subject_id or 0)


@handler("feedback.learn_run", queue="general", on=("run.finished",), about="execution.run")
def learn_run(job: Handed) -> str:
    """Count a finished run."""
    return services.learn_run(job.subject_id or 0, at=job.at)
