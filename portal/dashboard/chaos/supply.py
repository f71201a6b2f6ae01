"""Runs without end: opens tickets, drafts five steps for each, and signs what the probe cluster has prepared.

Everything goes through the services that pages and API call. Each round looks at the rows and does what is missing, so
that a broken connection at any point costs a round and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import cycle
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from portal.access.models import Person
from portal.estate import seed as estate
from portal.jobs import mending
from portal.jobs.models import Job
from portal.jobs.states import State
from portal.kit.actors import system
from portal.kit.refusals import Refusal, StaleTransition
from portal.signoff.models import Plan
from portal.signoff.services import Ballot
from portal.signoff.states import PlanStatus, Stage
from remediation.connectors import identities, seed
from remediation.connectors.lab import first_day
from remediation.connectors.operations import Family
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Drafter
from remediation.execution import services as runs
from remediation.execution.models import Run
from remediation.execution.states import RunStatus
from remediation.policy.models import CategoryPolicy
from remediation.review import services as reviews
from remediation.review import sheets
from remediation.review.models import Sheet
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket
from remediation.tickets.services import NewEvidence, NewTicket
from remediation.tickets.states import TicketStatus

PREFIX = "CHAOS-"
CATEGORY = "virtualization"
STEPS = 5
SIGNED_AT_ONCE = 4
WAITING = (RunStatus.PAUSED, RunStatus.NEEDS_PERSON)
UNFINISHED = (
    TicketStatus.PROCESSING,
    TicketStatus.AWAITING_REVIEW,
    TicketStatus.AWAITING_APPROVAL,
    TicketStatus.EXECUTING,
    TicketStatus.NEEDS_PERSON,
)


@dataclass(frozen=True, slots=True)
class Cast:
    """Who opens, who signs which stage, who is called when a run waits for a person, and who looks after dead jobs."""

    engineer: Person
    merge: Person
    rollout: Person
    operator: Person
    admin: Person


class Supply:
    """So many runs, at most `at_once` of them between ticket and end."""

    def __init__(self, cast: Cast, *, count: int, at_once: int, machines: int) -> None:
        self._cast = cast
        self._count = count
        self._at_once = at_once
        self._machines = machines
        self.opened = 0
        self.people_called = 0
        self.jobs_tried_again = 0

    @property
    def unfinished(self) -> QuerySet[Ticket]:
        """Tickets whose run has not ended."""
        return Ticket.objects.filter(key__startswith=PREFIX, status__in=UNFINISHED)

    def is_done(self) -> bool:
        """Whether every ticket was opened and its run has ended."""
        return self.opened == self._count and not self.unfinished.exists()

    def turn(self, at: datetime) -> None:
        """Whatever people and the drafter have to do now."""
        self._sign(at)
        self._answer_calls(at)
        at_work = set(self.unfinished.values_list("key", flat=True))
        for _ in range(min(self._at_once - len(at_work), SIGNED_AT_ONCE, self._count - self.opened)):
            machines = machines_of(self.opened + 1, self._machines)
            if any(machines_of(_number_of(key), self._machines) == machines for key in at_work):
                return  # nobody could sign it before the other one has ended
            self._open(self.opened + 1, machines, at)
            self.opened += 1

    def _open(self, number: int, machines: Sequence[str], at: datetime) -> None:
        key = f"{PREFIX}{number:05}"
        if Ticket.objects.filter(key=key).exists():
            return  # the connection broke after the commit
        open_run(key, machines, steps=STEPS, engineer=self._cast.engineer, at=at)

    def _sign(self, at: datetime) -> None:
        signers = {Stage.MERGE: self._cast.merge, Stage.ROLLOUT: self._cast.rollout}
        for stage, person in signers.items():
            ready = Plan.objects.filter(status=PlanStatus.OPEN, stage=stage, ticket_key__startswith=PREFIX)
            for plan in ready.order_by("pk")[:SIGNED_AT_ONCE]:
                sign(plan, person, at)

    def _answer_calls(self, at: datetime) -> None:
        """An operator decides about runs that wait; a job that lost all its workers is tried again."""
        for run in Run.objects.filter(status__in=WAITING):
            self.people_called += 1
            self._answer(run, at)
        for job in Job.objects.filter(state=State.DEAD, queue__in=["execution", "probe"]):
            self.jobs_tried_again += 1
            with suppress(StaleTransition):  # a newer one waits under its key
                mending.retry(job.pk, person=self._cast.admin, door="command", at=at)

    def _answer(self, run: Run, at: datetime) -> None:
        """Let it go on, else have it rolled back, else give it up."""
        acting: dict[str, Any] = {"person": self._cast.operator, "door": "command", "at": at}
        for verb in (runs.resume, runs.roll_back, partial(runs.give_up, reason="Neither on nor back.")):
            with suppress(Refusal):
                verb(run.pk, **acting)
                return


def _number_of(key: str) -> int:
    return int(key.removeprefix(PREFIX))


def machines_of(number: int, machines: int) -> list[str]:
    """Of every two runs one does all its steps on one machine, the other one on machines of their own, side by side."""
    half, nth = machines // 2, number // 2
    if number % 2:
        return [first_day.crowd_name(nth % half)]
    begin = half + nth % (half // STEPS) * STEPS
    return [first_day.crowd_name(begin + each) for each in range(STEPS)]


def furnish(machines: int) -> None:
    """The machines that the runs work on, and limits that so many runs do not reach."""
    names = [first_day.crowd_name(number) for number in range(machines)]
    slug = seed.slug_of(Family.VMWARE)
    estate.load_lab(estate.LabTarget(identities.vm(first_day.VCENTER, name), name, slug) for name in names)
    CategoryPolicy.objects.filter(category__slug=CATEGORY).update(
        max_actions_per_hour=30_000, canary="1", wave_growth=STEPS, watch_minutes=0, side_by_side=STEPS
    )


def open_run(key: str, machines: Sequence[str], *, steps: int, engineer: Person, at: datetime) -> None:
    """A ticket about machines, and the draft of so many snapshots, by turns of each."""
    them = " and ".join(machines)
    new = NewTicket(
        key=key,
        title=f"Snapshots of {them} before a change",
        description="A change is due.",
        category_slug=CATEGORY,
        severity=4,
        enable_auto_remediation=True,
        evidence=[NewEvidence("command", f"{them} run", at - timedelta(minutes=1), f"vm.info {machines[0]}")],
    )
    with transaction.atomic():
        opened = tickets.open_ticket(opener=engineer, new=new, door="command", at=at).ticket
        actor = system("drafting")
        remediation = remediations.begin(opened.pk, actor=actor, at=at)
        remediations.add_revision(
            remediations.locked(remediation.pk),
            draft=schema.parse(draft(machines, key.lower(), steps)),
            drafter=Drafter.RUNBOOK,
            author=None,
            base=None,
            actor=actor,
            at=at,
        )


def draft(machines: Sequence[str], name: str, steps: int) -> dict[str, Any]:
    """Snapshots of machines, under names that nothing else has; of several machines under the same one."""
    number_of = [1 + step // len(machines) for step in range(steps)]
    return {
        "summary": f"Take {steps} snapshots.",
        "hypothesis": "The change may have to be taken back.",
        "facts": [{"text": f"{machines[0]} has one snapshot.", "evidence": ["E1"]}],
        "guesses": [],
        "scope": {
            "service": None,
            "systems": [identities.vm(first_day.VCENTER, machine) for machine in machines],
            "allowed_changes": ["snapshot_vm"],
            "out_of_scope": [],
        },
        "steps": [
            _step(machine, f"{name}-{number}") for machine, number in zip(cycle(machines), number_of, strict=False)
        ],
        "rollback_owner": "operators",
        "rollback_minutes": 5,
        "confidence_percent": 90,
    }


def _step(machine: str, snapshot: str) -> dict[str, Any]:
    parameters = {"vcenter": first_day.VCENTER, "vm": machine, "snapshot": snapshot}
    return {
        "title": f"Snapshot {snapshot} of {machine}",
        "preflight": {"expects": "There is none.", "command": None, "stop_if": "There is one."},
        "action": {
            "kind": "operation",
            "operation": "snapshot_vm",
            "parameters": [{"name": name, "value": value} for name, value in parameters.items()],
        },
        "blast_radius": f"{machine} pauses for moments.",
        "verify": {"expects": "There is one.", "command": None},
        "rollback": {"kind": "catalogue", "says": "Remove it.", "command": None},
        "review": None,
        "source": "chaos",
    }


def sign(plan: Plan, person: Person, at: datetime) -> None:
    """Sign what the API would show; one that changed meanwhile, or cannot be signed yet, comes again."""
    shown = sheets.document_of({"number": plan.pk, "digest": plan.digest, "content": plan.content})
    sheet = sheets.keep(plan, shown, kind=Sheet.Kind.API, at=at)
    ballot = Ballot(typed=plan.ticket_key, authenticated_at=at, sheet=sheet)
    with suppress(Refusal):
        reviews.sign(plan.pk, digest=plan.digest, stage=plan.stage, person=person, ballot=ballot, door="command", at=at)
