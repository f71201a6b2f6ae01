"""How long the page of a run with 5,000 steps takes, half of them done and every one of those with what it said."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone

from portal.access.models import Person
from portal.dashboard.bench import load, reading
from portal.dashboard.bench.load import Ask
from portal.kit import canonical
from portal.kit.figures import Figure
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus, Stage
from remediation.execution.models import Run, StepOutput, StepRun
from remediation.execution.states import RunStatus, StepStatus
from remediation.review import plans
from remediation.review.plans import OperationStep

STEPS = 5_000
DONE = 2_500
STEPS_OF_A_TARGET = 10
TIMES = 40
READER = "omar"
GOAL_MS = 100.0
PHASES = (StepOutput.Phase.PREFLIGHT, StepOutput.Phase.ACTION, StepOutput.Phase.VERIFY)


def measure(like: str, *, key: str, place: str) -> list[Figure]:
    """For somebody who may run it. It is made from a run whose ticket begins with `like`, and waits in its middle."""
    make_long(Run.objects.filter(remediation__ticket__key__startswith=like).earliest("pk"), key)
    ask = Ask("GET", reverse("run", args=[key]))
    headers = reading.with_session(Person.objects.get(username=READER))
    taken = [seconds * 1000 for seconds in load.one_by_one(place, [ask] * TIMES, headers=headers)]
    return [
        Figure(f"page of a run with {STEPS:,} steps: p50", statistics.median(taken), "ms", at_most=GOAL_MS),
        Figure("  the slowest of them, which reads the plan for the first time", max(taken), "ms"),
    ]


def make_long(like: Run, key: str) -> None:
    """A long run in its middle: ticket, remediation, plan and run are copies, with thousands of steps."""
    at = timezone.now()
    with transaction.atomic():
        remediation, plan = like.remediation, like.plan
        ticket = _copy(remediation.ticket, key=key)
        remediation = _copy(remediation, ticket=ticket, status=RunStatus.PAUSED)
        text = _text(plan)
        digest = canonical.digest_of(text)
        subject = {"subject_id": remediation.pk, "ticket_id": ticket.pk, "ticket_key": key}
        plan = _copy(
            plan, content=text, digest=digest, stage=Stage.MERGE, merge_plan=None, status=PlanStatus.OPEN, **subject
        )
        Plan.objects.filter(pk=plan.pk).update(status=PlanStatus.VOID)
        run = _copy(like, remediation=remediation, plan=plan, status=RunStatus.PAUSED, finished_at=None)
        steps = StepRun.objects.bulk_create(
            StepRun(
                run=run,
                number=number,
                status=StepStatus.VERIFIED if number <= DONE else StepStatus.PENDING,
                status_at=at,
                idempotency_key=f"{key}-{number}",
                intended_at=at if number <= DONE else None,
                acted_at=at if number <= DONE else None,
            )
            for number in range(1, STEPS + 1)
        )
        said = {"run_id": run.pk, "is_good": True, "says": "As the plan says.", "by": "execution", "at": at}
        StepOutput.objects.bulk_create(
            StepOutput(step_id=step.pk, phase=phase, text="replicas: 6\n" * 20, **said)
            for step in steps[:DONE]
            for phase in PHASES
        )


def _text(plan: Plan) -> str:
    """The same plan with thousands of steps on hundreds of targets."""
    content = plans.read(plan.content)
    steps = [step for step in content.steps if isinstance(step, OperationStep)]
    many = (
        replace(steps[n % len(steps)], number=n + 1, target=f"vm:lab-vc1/crowd-{n // STEPS_OF_A_TARGET:04}")
        for n in range(STEPS)
    )
    return plans.text_of(replace(content, steps=tuple(many)))


def _copy(row: Any, **changes: Any) -> Any:
    """Another row like this one."""
    values = {
        field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key
    }
    made: Model = type(row)(**values)
    for name, value in changes.items():
        setattr(made, name, value)
    made.save(force_insert=True)
    return made
