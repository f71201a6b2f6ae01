"""The jobs that drive runs: asks for one, and finds the runs that lost theirs."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from portal.jobs import services as jobs
from portal.jobs.models import Job
from portal.jobs.states import State
from portal.kit.actors import system
from portal.signoff.states import PlanStatus, Stage
from remediation.drafting.models import Remediation
from remediation.execution import records
from remediation.execution.models import Run
from remediation.execution.states import MOVING, RunStatus
from remediation.review import standing

KIND = "execution.advance"


def ask_for(run: Run, *, at: datetime, due_at: datetime | None = None, released_stop: int | None = None) -> None:
    """Ask for the job that drives this run, at once or when it is due; of one run only one is driven at a time.

    `released_stop` is the emergency stop that a person released for a rollback.
    """
    payload = {"released_stop": released_stop} if released_stop else {}
    jobs.enqueue(KIND, subject_id=run.pk, payload=payload, key=_key(run), at=at, due_at=due_at)


def hurry(run: Run, *, at: datetime) -> None:
    """Have a job that waits for the next look at what is watched come at once: a person asked for something."""
    jobs.hasten(KIND, key=_key(run), at=at)


def wake(remediation_id: int, *, at: datetime) -> str:
    """Have the signed rollout plan of a remediation tried now; the job that rests will find it claimed."""
    plan = standing.plan_of(Remediation.objects.get(pk=remediation_id))
    if plan is None or plan.stage != Stage.ROLLOUT or plan.status != PlanStatus.SIGNED:
        return "Nothing is signed yet."
    jobs.enqueue("execution.start", subject_id=plan.pk, key=f"plan:{plan.pk}:now", at=at)
    return f"{plan} is tried now."


def give_up_on_lost(*, at: datetime) -> int:
    """Runs that no job drives any more, because it died with every attempt, are a person's; returns how many."""
    candidates = Run.objects.filter(mode=Run.Mode.WORKERS, status__in=MOVING)
    return sum(_give_up(run.pk, at) for run in candidates)


def _give_up(run_id: int, at: datetime) -> bool:
    general = system("general")
    with transaction.atomic():
        run = records.locked(run_id)
        if run.status not in MOVING or _is_driven(run):
            return False
        records.take(run, actor=general, at=at)
        reason = "Its worker was lost several times. Look at the targets, then resume it or roll it back."
        records.move_run(run, RunStatus.NEEDS_PERSON, actor=general, at=at, reason=reason)
    return True


def _is_driven(run: Run) -> bool:
    return Job.objects.filter(kind=KIND, key=_key(run), state__in=[State.WAITING, State.RUNNING]).exists()


def _key(run: Run) -> str:
    return f"run:{run.pk}"
