"""What the run page shows: where the run stands, every step with what it said, what this person can do now. Reads only.

A command or call that changes something is part of the page only once its pre-flight was seen to be as expected: what
is not in the page cannot be copied too early.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models.functions import Left, Length

from portal.access import grants
from portal.access.models import Person
from portal.kit.refusals import Reason
from portal.signoff import brakes
from portal.signoff import services as signoffs
from portal.signoff.models import Plan, Stop
from portal.signoff.states import PlanStatus, Stage, is_critical
from remediation.drafting.models import Remediation
from remediation.drafting.states import Status
from remediation.execution import (
    blocking,
    clocks,
    controls,
    lasttime,
    manual,
    playing,
    progress,
    records,
    skipping,
    standings,
    wave_board,
    wording,
)
from remediation.execution.blocking import Blocker
from remediation.execution.clocks import Clocks
from remediation.execution.controls import Answer, Control
from remediation.execution.models import Run, StepOutput, StepRun
from remediation.execution.progress import STEPS_A_PAGE, Progress, Row, Window
from remediation.execution.records import Phase
from remediation.execution.shift import left_to_people, scopes_of
from remediation.execution.skipping import Asked
from remediation.execution.states import RunStatus, StepStatus
from remediation.execution.wave_board import WaveBoard
from remediation.execution.wording import Part
from remediation.playbooks.models import PlayEvent
from remediation.review import plans
from remediation.review.plans import Content, PlanStep
from remediation.tickets.models import Ticket

UNOPENED = frozenset({StepStatus.PENDING, StepStatus.PREFLIGHT, StepStatus.SKIPPED})
"""Steps whose action is not in the page: its pre-flight has to be seen first, also when it is tried again."""
SHOWN = 4_000
"""Characters of an output that the run's page shows; the step's own page has all of it."""


@dataclass(frozen=True, slots=True)
class Output:
    """What was said of a step, as much of it as the page shows."""

    said: StepOutput
    text: str
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Card:
    """One step: its parts as far as they are open, its outputs, and the phase that waits for this person's report.

    `tasks` are those of the role that it plays, as they go.
    """

    number: int
    planned: PlanStep
    step: StepRun
    outputs: Sequence[Output]
    tasks: Sequence[PlayEvent]
    awaits: str
    clocks: Clocks | None
    is_current: bool
    preflight: Part
    action: Part | None
    verify: Part | None
    way_back: Part | None
    way_back_check: Part | None

    @property
    def took(self) -> str:
        """How long the action took."""
        return lasttime.took(self.step)


@dataclass(frozen=True, slots=True)
class Question:
    """A step that somebody asks to leave out: `barred` says why this person does not sign that."""

    plan: Plan
    asked: Asked
    barred: Sequence[Reason]
    is_critical: bool


@dataclass(frozen=True, slots=True)
class Board:
    """The whole page of one run."""

    ticket: Ticket
    run: Run
    cards: Sequence[Card]
    window: Window
    grid: Sequence[Row]
    targets: Window
    progress: Progress
    waves: WaveBoard | None
    current: PlanStep | None
    answers: Sequence[Answer]
    questions: Sequence[Question]
    stop: Stop | None
    may_run: bool
    is_held_by_viewer: bool
    rollback_minutes: int
    seen: str

    @property
    def is_live(self) -> bool:
        """Whether the page keeps itself fresh; not under the hands of somebody who is typing into it."""
        return self.run.finished_at is None and not self.is_held_by_viewer

    @property
    def place(self) -> str:
        """Which steps and targets are on the page, as the address says it."""
        return f"step={self.window.first}&target={self.targets.first}"

    @property
    def here(self) -> Card | None:
        """The step where something happens, if it is on this page."""
        return next((card for card in self.cards if card.is_current), None)

    @property
    def open_step(self) -> int:
        """The step that is to be tried again, or left out."""
        return self.progress.at

    @property
    def verbs(self) -> frozenset[str]:
        """What this person can do with the run now."""
        return frozenset(each.control.value for each in self.answers if each.refusal is None)

    @property
    def asked(self) -> str:
        """What somebody asked of the workers, in words."""
        return controls.LABELS[Control(self.run.asked)] if self.run.asked else ""

    def boxes(self, number: str, phase: str) -> frozenset[str]:
        """The names of the boxes that this page has for what was typed about a phase of a step."""
        awaited = any((str(card.number), card.awaits) == (number, phase) for card in self.cards if card.awaits)
        reported = {"output", "check"} if phase == Phase.ROLLBACK else {"output"}
        reasons = {"give_up": "reason", "retry": "retry_reason", "skip": "skip_reason"}
        offered = {name for verb, name in reasons.items() if verb in self.verbs}
        return frozenset((reported if awaited else set()) | offered)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The page before a run: what is signed, why workers leave it, and what stands in the way."""

    ticket: Ticket
    remediation: Remediation | None
    plan: Plan | None
    content: Content | None
    people_only: str
    blockers: Sequence[Blocker]
    may_run: bool
    seen: str


@dataclass(frozen=True, slots=True)
class _Seat:
    """From where the steps of a run are seen: which one waits for a report, and for whose, if that is the viewer."""

    run: Run
    due: tuple[int, str] | None
    hands: Person | None
    current: int
    at: datetime


def board_of(run: Run, viewer: Person, *, at: datetime, step: int = 0, target: int = 1, whole: bool = False) -> Board:
    """A run as this person sees it: the page of steps that holds `step`, else the one where something happens.

    `whole` shows that step alone, with all that was said of it.
    """
    content = records.content_of(run)
    may_run = grants.of(viewer).may("run", run.remediation.category_id)
    is_mine = run.mode == Run.Mode.MANUAL and run.held_by_id == viewer.pk and may_run
    statuses = dict(run.steps.order_by("number").values_list("number", "status"))
    far = progress.progress(
        statuses, RunStatus(run.status), started_at=run.started_at, finished_at=run.finished_at, at=at
    )
    shown = progress.window(step or far.at, len(content.steps), size=1 if whole else STEPS_A_PAGE)
    seat = _Seat(run, manual.awaited(run, content, at=at), viewer if is_mine else None, far.at, at)
    asked = skipping.waiting(run)
    grid, targets = progress.rows(content.steps, statuses, target)
    return Board(
        ticket=run.remediation.ticket,
        run=run,
        cards=[_card(seat, *each) for each in _steps(run, content, shown, whole=whole)],
        window=shown,
        grid=grid,
        targets=targets,
        progress=far,
        waves=wave_board.of(run, content, statuses),
        current=content.steps[far.at - 1] if far.at else None,
        answers=_answers(run, is_mine=is_mine) if may_run else (),
        questions=[_question(plan, viewer) for plan in asked],
        stop=brakes.stopped(scopes_of(content)),
        may_run=may_run,
        is_held_by_viewer=is_mine and run.finished_at is None,
        rollback_minutes=content.rollback_minutes,
        seen=seen_of(run, asked=asked),
    )


def seen_of(run: Run, *, asked: Sequence[Plan] | None = None) -> str:
    """A short text that changes whenever anything on the page does; `asked` if the questions are at hand."""
    last = StepOutput.objects.filter(run_id=run.pk).order_by("-id").values_list("pk", flat=True).first()
    moved = run.steps.order_by("-status_at").values_list("status_at", flat=True).first()
    asked = skipping.waiting(run) if asked is None else asked
    signed = sum(len(plan.votes.all()) for plan in asked)
    stops = [stop.pk for stop in brakes.live()] if run.finished_at is None else []
    numbers = [
        run.fence,
        last or 0,
        playing.newest(run),
        f"{moved:%H%M%S%f}" if moved else "",
        *[plan.pk for plan in asked],
        signed,
        *stops,
    ]
    return ".".join(map(str, [run.status, run.asked, *numbers, *wave_board.seen_of(run)]))


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
        blockers=blocking.of(plan, content, ticket) if plan and content else (),
        may_run=remediation is not None and grants.of(viewer).may("run", remediation.category_id),
        seen=f"{remediation.status}.{remediation.status_at:%H%M%S%f}" if remediation else "none",
    )


def newest_run(remediation: Remediation) -> Run | None:
    """The run that counts, with everything its page needs at hand."""
    rows = Run.objects.select_related("plan", "held_by", "asked_by", "remediation__ticket", "remediation__category")
    return rows.defer("plan__content").filter(remediation=remediation).order_by("-id").first()


def _answers(run: Run, *, is_mine: bool) -> list[Answer]:
    """What the table says; nobody takes over what they have in hand."""
    found = controls.answers(standings.of(run))
    has_it = is_mine and run.status in manual.IN_HAND
    return [each for each in found if not (has_it and each.control is Control.TAKE_OVER)]


def _question(plan: Plan, viewer: Person) -> Question:
    own = signoffs.why_not(plan, viewer)
    barred = [own] if own else signoffs.lacking(plan, viewer)
    return Question(plan, skipping.asked(plan), barred=barred, is_critical=is_critical(plan.risk))


def _steps(
    run: Run, content: Content, shown: Window, *, whole: bool
) -> list[tuple[PlanStep, StepRun, Sequence[Output], Sequence[PlayEvent]]]:
    planned = content.steps[shown.first - 1 : shown.last]
    steps = list(run.steps.filter(number__range=(shown.first, shown.last)))
    outputs, tasks = _outputs(run, steps, whole=whole), playing.tasks_of(planned, steps)
    return [
        (each, step, outputs.get(step.pk, []), tasks.get(step.pk, []))
        for each, step in zip(planned, steps, strict=True)
    ]


def _outputs(run: Run, steps: Sequence[StepRun], *, whole: bool) -> dict[int, list[Output]]:
    """What was said of some steps, by step; only as much of each text is read as is shown."""
    rows = StepOutput.objects.filter(run_id=run.pk, step_id__in=[step.pk for step in steps])
    if not whole:
        rows = rows.defer("text").annotate(shown=Left("text", SHOWN), length=Length("text"))
    found: dict[int, list[Output]] = {}
    for row in rows:
        text = row.text if whole else vars(row)["shown"]
        is_cut = not whole and vars(row)["length"] > SHOWN
        found.setdefault(row.step_id, []).append(Output(row, text, is_cut=is_cut))
    return found


def _card(seat: _Seat, planned: PlanStep, step: StepRun, outputs: Sequence[Output], tasks: Sequence[PlayEvent]) -> Card:
    phase = seat.due[1] if seat.due and seat.due[0] == planned.number else ""
    was_begun = step.intended_at is not None or any(each.said.phase != Phase.PREFLIGHT for each in outputs)
    is_open = was_begun and step.status not in UNOPENED and phase != Phase.PREFLIGHT
    return Card(
        number=planned.number,
        planned=planned,
        step=step,
        outputs=outputs,
        tasks=tasks,
        awaits=phase if seat.hands else "",
        clocks=clocks.of(seat.run, step, planned, viewer=seat.hands, at=seat.at) if phase and seat.hands else None,
        is_current=step.number == seat.current,
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
