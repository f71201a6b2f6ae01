"""What the run page shows: where the run stands, every step with what it said, what this person can do now. Reads only.

A command or call that changes something is part of the page only once its pre-flight was seen to be as expected: what
is not in the page cannot be copied too early.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.audit.models import Event
from portal.estate.models import TargetLock
from portal.signoff import brakes
from portal.signoff import services as signoffs
from portal.signoff.models import Plan, Stop
from portal.signoff.states import PlanStatus, Stage
from remediation.drafting.models import Remediation
from remediation.drafting.states import Status
from remediation.execution import manual, operating, wording
from remediation.execution.models import Run, StepOutput, StepRun
from remediation.execution.records import Phase
from remediation.execution.shift import left_to_people, scopes_of
from remediation.execution.states import StepStatus
from remediation.execution.wording import Part
from remediation.review import plans
from remediation.review.plans import Content, PlanStep
from remediation.tickets.models import Ticket

UNOPENED = frozenset({StepStatus.PENDING, StepStatus.PREFLIGHT, StepStatus.SKIPPED})
"""Steps whose action is not in the page: its pre-flight has to be seen first, also when it is tried again."""


@dataclass(frozen=True, slots=True)
class Card:
    """One step: its parts as far as they are open, its outputs, and the phase that waits for this person's report."""

    number: int
    planned: PlanStep
    step: StepRun
    outputs: Sequence[StepOutput]
    awaits: str
    preflight: Part
    action: Part | None
    verify: Part | None
    way_back: Part | None
    way_back_check: Part | None

    @property
    def seconds(self) -> float | None:
        """How long the action took."""
        if self.step.intended_at is None or self.step.acted_at is None:
            return None
        return round((self.step.acted_at - self.step.intended_at).total_seconds(), 1)

    @property
    def is_current(self) -> bool:
        """Whether something happens here now."""
        moving = {StepStatus.PREFLIGHT, StepStatus.INTENDED, StepStatus.ACTED, StepStatus.UNKNOWN}
        return bool(self.awaits) or self.step.status in moving | {StepStatus.ROLLING_BACK}


@dataclass(frozen=True, slots=True)
class Board:
    """The whole page of one run."""

    ticket: Ticket
    run: Run
    cards: Sequence[Card]
    verbs: frozenset[str]
    stop: Stop | None
    is_held_by_viewer: bool
    seen: str

    @property
    def is_live(self) -> bool:
        """Whether the page keeps itself fresh; not under the hands of somebody who is typing into it."""
        return self.run.finished_at is None and not self.is_held_by_viewer

    def boxes(self, number: str, phase: str) -> frozenset[str]:
        """The names of the boxes that this page has for what was typed about a phase of a step."""
        awaited = any((str(card.number), card.awaits) == (number, phase) for card in self.cards if card.awaits)
        reported = {"output", "check"} if phase == Phase.ROLLBACK else {"output"}
        return frozenset((reported if awaited else set()) | ({"reason"} if "give_up" in self.verbs else set()))


@dataclass(frozen=True, slots=True)
class Waiting:
    """The page before a run: what is signed, why workers leave it, and what stands in the way."""

    ticket: Ticket
    remediation: Remediation | None
    plan: Plan | None
    content: Content | None
    people_only: str
    blockers: Sequence[str]
    may_run: bool
    seen: str


def board_of(run: Run, viewer: Person) -> Board:
    """A run as this person sees it."""
    content = plans.read(run.plan.content)
    may_run = grants.of(viewer).may("run", run.remediation.category_id)
    is_mine = run.mode == Run.Mode.MANUAL and run.held_by_id == viewer.pk and may_run
    awaited = manual.awaited(run, content) if is_mine else None
    outputs = list(StepOutput.objects.filter(run_id=run.pk))
    cards = [
        _card(planned, step, [each for each in outputs if each.step_id == step.pk], awaited)
        for planned, step in zip(content.steps, run.steps.all(), strict=True)
    ]
    return Board(
        ticket=run.remediation.ticket,
        run=run,
        cards=cards,
        verbs=_verbs(run, is_mine=is_mine) if may_run else frozenset(),
        stop=brakes.stopped(scopes_of(content)),
        is_held_by_viewer=is_mine and run.finished_at is None,
        seen=seen_of(run),
    )


def seen_of(run: Run) -> str:
    """A short text that changes whenever anything on the page does."""
    last = StepOutput.objects.filter(run_id=run.pk).order_by("-id").values_list("pk", flat=True).first()
    moved = run.steps.order_by("-status_at").values_list("status_at", flat=True).first()
    return f"{run.status}.{run.fence}.{last or 0}.{moved:%H%M%S%f}" if moved else run.status


def waiting_of(ticket: Ticket, remediation: Remediation | None, viewer: Person) -> Waiting:
    """The page of a ticket without a run."""
    plan = _signed_plan(remediation) if remediation else None
    content = plans.read(plan.content) if plan else None
    return Waiting(
        ticket=ticket,
        remediation=remediation,
        plan=plan,
        content=content,
        people_only=left_to_people(content, ticket) if content else "",
        blockers=_blockers(plan, content) if plan and content else (),
        may_run=remediation is not None and grants.of(viewer).may("run", remediation.category_id),
        seen=f"{remediation.status}.{remediation.status_at:%H%M%S%f}" if remediation else "none",
    )


def newest_run(remediation: Remediation) -> Run | None:
    """The run that counts, with everything its page needs at hand."""
    rows = Run.objects.select_related("plan", "held_by", "remediation__ticket", "remediation__category")
    return rows.filter(remediation=remediation).order_by("-id").first()


def _verbs(run: Run, *, is_mine: bool) -> frozenset[str]:
    verbs = operating.allowed(run)
    return verbs - {"take_over"} if is_mine and run.status in manual.IN_HAND else verbs


def _card(planned: PlanStep, step: StepRun, outputs: Sequence[StepOutput], awaited: tuple[int, str] | None) -> Card:
    was_begun = step.intended_at is not None or any(each.phase != Phase.PREFLIGHT for each in outputs)
    is_open = was_begun and step.status not in UNOPENED
    return Card(
        number=planned.number,
        planned=planned,
        step=step,
        outputs=outputs,
        awaits=awaited[1] if awaited and awaited[0] == planned.number else "",
        preflight=wording.preflight_of(planned),
        action=wording.action_of(planned) if is_open else None,
        verify=wording.verify_of(planned) if is_open else None,
        way_back=wording.way_back_of(planned) if is_open else None,
        way_back_check=wording.way_back_check_of(planned) if is_open else None,
    )


def _signed_plan(remediation: Remediation) -> Plan | None:
    subject = remediation.ref
    rows = Plan.objects.filter(subject_kind=subject.kind, subject_id=subject.id, stage=Stage.ROLLOUT)
    is_ready = remediation.status == Status.APPROVED_FOR_ROLLOUT
    return rows.filter(status=PlanStatus.SIGNED).first() if is_ready else None


def _blockers(plan: Plan, content: Content) -> list[str]:
    """What stands in the way now, and what the workers met when they last tried."""
    locks = TargetLock.objects.filter(target__identity__in={step.target for step in content.steps}, released_at=None)
    found = [
        f"{lock.target.identity} is held by the run of {lock.ticket_key}." for lock in locks.select_related("target")
    ]
    if stop := brakes.stopped(scopes_of(content)):
        found.append(stop.says)
    subject = signoffs.ref(plan)
    held = Event.objects.filter(subject_kind=subject.kind, subject_id=subject.id, kind="run.held").order_by("id").last()
    last = audit.body_of(held).get("reasons", []) if held else []
    return [*found, *(reason for reason in last if reason not in found)]
