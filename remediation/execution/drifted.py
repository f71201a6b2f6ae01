"""A run that met a target which is no longer as it was when its plan was signed, and wrote nothing: back in review."""

from __future__ import annotations

from datetime import datetime

from portal.jobs import services as jobs
from portal.kit.actors import Actor
from remediation.drafting import services as remediations
from remediation.drafting.states import Status
from remediation.execution.models import Run, StepOutput, StepRun

SAYS = "The draft is checked again and comes back to review."


def is_why(step: StepRun) -> bool:
    """Whether workers failed at this step because its pre-flight did not hold; that nobody could look is no drift."""
    looks = StepOutput.objects.filter(run_id=step.run_id, step_id=step.pk, phase=StepOutput.Phase.PREFLIGHT)
    last = looks.order_by("-id").values_list("is_good", flat=True).first()
    return step.run.mode == Run.Mode.WORKERS and last is False


def bring_back(run: Run, *, actor: Actor, at: datetime) -> None:
    """Have the draft of a run that has just failed checked again, unless people have taken it elsewhere meanwhile."""
    revision = remediations.head(run.remediation)
    if revision and run.remediation.status == Status.FAILED:
        remediations.move(run.remediation, Status.DRAFTING, actor=actor, at=at, reason=run.status_reason)
        jobs.publish("revision.created", subject_id=revision.pk, at=at)
