"""One worker's turn at a run: under which fence it writes, whether it still may, and what holds it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from portal.kit.refusals import StaleTransition, because
from portal.kit.statements import Query, among
from portal.signoff import brakes
from portal.signoff.models import Stop
from remediation.connectors import client
from remediation.connectors.models import Connector
from remediation.connectors.operations import Call
from remediation.connectors.probes import Outcome
from remediation.drafting.models import Remediation
from remediation.execution import records
from remediation.execution.models import Run, StepRun
from remediation.execution.planning import why_people
from remediation.execution.states import Asked
from remediation.policy import services as policies
from remediation.review import plans
from remediation.review.plans import Content, OperationStep
from remediation.tickets.models import Ticket

_OUTSIDE = Query(lambda: Connector.objects.filter(among("slug", "slugs"), is_lab=False)[:1])


@dataclass(frozen=True, slots=True)
class Shift:
    """A worker's turn. `keeps_lease` says whether its job is still its own; `released_stop` is what a person released.

    Of the remediation only what never changes is asked here: which ticket it is about, in which category.
    """

    run_id: int
    fence: int
    remediation: Remediation
    content: Content
    clock: Callable[[], datetime]
    keeps_lease: Callable[[], bool]
    released_stop: int | None = None

    @contextmanager
    def writing(self) -> Iterator[Run]:
        """One transaction in which this worker holds the run; a worker that was replaced gets StaleTransition."""
        with transaction.atomic():
            yield records.held(self.run_id, fence=self.fence, remediation_id=self.remediation.pk)

    @contextmanager
    def at_step(self, number: int) -> Iterator[StepRun]:
        """The same for what is written about one step alone: the run is locked, the remediation stays as it is."""
        with transaction.atomic():
            step = records.held_step(self.run_id, number, fence=self.fence)
            step.run.remediation = self.remediation
            yield step

    @contextmanager
    def writing_at(self, number: int) -> Iterator[StepRun]:
        """The same for what may move the run as well: it and its remediation are locked."""
        with transaction.atomic():
            yield records.held_step(self.run_id, number, fence=self.fence, moves_run=True)

    def planned(self, number: int) -> OperationStep:
        """What the plan says about a step. Workers run operations only."""
        step = self.content.steps[number - 1]
        if not isinstance(step, OperationStep):
            raise StaleTransition(because("for_people", f"Step {number} is a command; people run those."))
        return step

    def write(self, connector: str, call: Call, *, key: str) -> Outcome:
        """Change the world, once per key, if this worker still has its job."""
        if not self.keeps_lease():
            raise StaleTransition(because("lost_lease", "Another worker has this job by now."))
        return client.write(
            connector,
            call.tool,
            call.arguments,
            idempotency_key=key,
            fence=self.fence,
            timeout=settings.RUN_WRITE_SECONDS,
            until=self.is_to_break_off,
        )

    def is_to_stop(self) -> bool:
        """Whether a person said to stop now; asked while something is given time to settle."""
        return Run.objects.filter(pk=self.run_id, asked=Asked.STOP_NOW).exists()

    def is_to_break_off(self) -> bool:
        """Whether a write that this worker does itself is to end where it is: a person or the emergency stop says so.

        A way back goes on under the stop that a person released for it.
        """
        stop = self.stop()
        return self.is_to_stop() or (stop is not None and stop.pk != self.released_stop)

    def stop(self) -> Stop | None:
        """The emergency stop that concerns this run, if one is engaged now (law 9)."""
        return brakes.stopped(scopes_of(self.content))

    def held_back(self, run: Run) -> str:
        """Why no worker may write now: an emergency stop, or law 1; empty if nothing keeps it."""
        stop = self.stop()
        return stop.says if stop else left_to_people(self.content, run.remediation.ticket)


def scopes_of(content: Content) -> list[str]:
    """The scopes whose emergency stop concerns a plan."""
    return brakes.scopes_of(category=content.category, connectors=plans.connectors_of(content.steps))


def left_to_people(content: Content, ticket: Ticket) -> str:
    """Why workers must not run this now (law 1), empty if they may; asked at the claim and before every write.

    That a target belongs to the lab must be true of its connector today, not only when the plan was signed.
    """
    mode = policies.switches().mode
    slugs = {step.connector for step in content.steps if isinstance(step, OperationStep)}
    return why_people(
        mode=mode,
        is_lab=mode == "lab" and content.is_lab_only and _OUTSIDE.first(slugs=list(slugs)) is None,
        has_opted_in=ticket.enable_auto_remediation,
        is_for_people=content.is_for_people,
    )
