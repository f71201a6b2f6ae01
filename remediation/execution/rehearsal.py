"""Carries out a rehearsal in the lab: every step forward, then every way back in reverse, each with its look.

The same rules as in a run: fences and idempotency keys go with every write, nothing is written inside a transaction,
the emergency stop is read before every write. An interrupted write is sent again under its key, which the lab's servers
carry out once (law 7). Whatever was begun is taken back; under a stop that waits until the stop is released.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from portal.estate.models import Target, TargetLock
from portal.jobs import services as jobs
from portal.kit.actors import Ref, system
from portal.kit.moving import move
from portal.kit.refusals import StaleTransition, because
from remediation.connectors import client
from remediation.connectors.operations import Call
from remediation.connectors.probes import Outcome
from remediation.execution import looking, records, rehearsing
from remediation.execution.looking import Look
from remediation.review import plans
from remediation.review.plans import OperationStep
from remediation.tickets.models import Ticket
from remediation.wayback import services as waysback
from remediation.wayback.models import Rehearsal, RehearsalOutput, RehearsalStep
from remediation.wayback.services import NewTaken
from remediation.wayback.states import REHEARSAL_NEXT, STEP_NEXT, RehearsalStatus, StepStatus

WORKERS = system("execution")
REST = timedelta(seconds=10)
"""How long a rehearsal waits that the emergency stop holds, until it looks again."""
R, S, Phase = RehearsalStatus, StepStatus, RehearsalOutput.Phase
TO_TAKE_BACK = frozenset({S.INTENDED, S.ACTED, S.SPOILED, S.RETURNING})
TURNED = frozenset({S.SKIPPED, S.SPOILED, S.RETURNING, S.RETURNED, S.STUCK})
"""With a step in one of these, a rehearsal only goes back."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One worker's turn at a rehearsal."""

    rehearsal_id: int
    fence: int
    ticket_id: int
    category: str
    connectors: frozenset[str]
    clock: Callable[[], datetime]
    keeps_lease: Callable[[], bool]

    @contextmanager
    def writing(self) -> Iterator[Rehearsal]:
        """One transaction in which this worker holds the rehearsal; one that was replaced gets StaleTransition."""
        with transaction.atomic():
            rehearsal = rehearsing.locked(self.rehearsal_id)
            if rehearsal.fence != self.fence or not rehearsal.is_open:
                raise StaleTransition(because("taken_over", "Somebody else holds this rehearsal by now."))
            yield rehearsal

    def steps(self) -> list[RehearsalStep]:
        """The steps as they stand now."""
        return list(RehearsalStep.objects.filter(rehearsal_id=self.rehearsal_id))

    @property
    def is_turned(self) -> bool:
        """Whether a step went wrong or back, so that no other is begun."""
        return RehearsalStep.objects.filter(rehearsal_id=self.rehearsal_id, status__in=TURNED).exists()

    def held_back(self) -> str:
        """The emergency stop or the switch that holds workers now; asked before every write (law 9)."""
        ticket = Ticket.objects.get(pk=self.ticket_id)
        return rehearsing.held_back(self.category, self.connectors, ticket)

    def move(self, step: RehearsalStep, to: StepStatus, *, detail: str = "") -> None:
        """Move one step, in a transaction of its own."""
        with self.writing():
            self.moved(step, to, detail=detail)

    def moved(self, step: RehearsalStep, to: StepStatus, *, detail: str = "") -> None:
        """Move one step of the held rehearsal. What went wrong first stays said."""
        words = detail or step.detail
        is_proof = step.is_proof or to is S.ACTED
        move(step, to, next_states=STEP_NEXT, status_at=self.clock(), detail=words, is_proof=is_proof)

    def keep(
        self, step: RehearsalStep, phase: RehearsalOutput.Phase, says: str, *, is_good: bool | None, text: str
    ) -> None:
        """Keep what was said, in the transaction at hand."""
        kept, at = records.storable(text), self.clock()
        RehearsalOutput.objects.create(step=step, phase=phase, is_good=is_good, says=says, text=kept, at=at)

    def write(self, planned: OperationStep, call: Call, *, key: str) -> Outcome:
        """Change the lab, once per key; never anything that is not the lab (law 1)."""
        if not self.keeps_lease():
            raise StaleTransition(because("lost_lease", "Another worker has this job by now."))
        if not rehearsing.is_in_lab(planned):
            return Outcome(ok=False, error=f"{planned.target} does not belong to the lab any more.")
        return client.write(
            planned.connector,
            call.tool,
            call.arguments,
            idempotency_key=key,
            fence=self.fence,
            timeout=settings.RUN_WRITE_SECONDS,
            until=lambda: bool(self.held_back()),
        )


def rehearse(
    rehearsal_id: int,
    *,
    clock: Callable[[], datetime],
    keeps_lease: Callable[[], bool],
    is_stopping: Callable[[], bool] = lambda: False,
) -> str:
    """Carry a rehearsal to its end, or until a stop is released; says in a sentence how it went.

    A worker that `is_stopping` finishes the step in hand and leaves the next one to another.
    """
    turn = _begin(rehearsal_id, clock, keeps_lease)
    if turn is None:
        rehearsal = Rehearsal.objects.get(pk=rehearsal_id)
        return f"{rehearsal} is {rehearsal.status}. {rehearsal.says}".strip()
    for step in turn.steps():
        if is_stopping():
            return _go_on_later(turn)
        if turn.is_turned or not _forward(turn, step):
            break
    turn = _renewed(turn)
    for step in reversed(turn.steps()):
        if is_stopping():
            return _go_on_later(turn)
        if step.status in TO_TAKE_BACK and not _back(turn, step):
            return _go_on_later(turn, rest=REST)
    return _end(turn)


def _begin(rehearsal_id: int, clock: Callable[[], datetime], keeps_lease: Callable[[], bool]) -> Turn | None:
    """Take it over under a new fence; the first time with its steps chosen and its targets locked."""
    rehearsal = Rehearsal.objects.select_related("plan").get(pk=rehearsal_id)
    chosen = _choose(rehearsal) if rehearsal.status == R.ASKED else []
    with transaction.atomic():
        rehearsal, at = rehearsing.locked(rehearsal_id), clock()
        if not rehearsal.is_open:
            return None
        if rehearsal.status == R.ASKED and (problem := _open(rehearsal, chosen, at)):
            rehearsing.end(rehearsal, R.INCONCLUSIVE, says=f"It could not begin. {problem}", actor=WORKERS, at=at)
            return None
        rehearsal.fence = records.next_fence()
        rehearsal.save(update_fields=["fence"])
        contents = rehearsal.steps.values_list("content", flat=True)
        connectors = frozenset(plans.read_step(content).connector for content in contents)
    about = rehearsal.ticket_id, rehearsal.category.slug, connectors
    return Turn(rehearsal_id, rehearsal.fence, *about, clock, keeps_lease)


def _renewed(turn: Turn) -> Turn:
    """The same turn under a newer fence: a write of the way forward that is still under way comes too late."""
    with turn.writing() as rehearsal:
        rehearsal.fence = records.next_fence()
        rehearsal.save(update_fields=["fence"])
    return replace(turn, fence=rehearsal.fence)


def _choose(rehearsal: Rehearsal) -> list[tuple[OperationStep, OperationStep]]:
    """Each step that the lab can rehearse, with what is done for it: of several stand-ins the first that may begin."""
    found = []
    steps = plans.read(rehearsal.plan.content).steps
    for step, candidates in zip(steps, rehearsing.candidates(steps), strict=True):
        if candidates and isinstance(step, OperationStep):
            fits = (each for each in candidates if looking.look(each.connector, each.preflight).holds)
            found.append((step, candidates[0] if len(candidates) == 1 else next(fits, candidates[0])))
    return found


def _open(rehearsal: Rehearsal, chosen: list[tuple[OperationStep, OperationStep]], at: datetime) -> str:
    """Write down the steps and lock their targets; why not, where something stands in the way."""
    ticket = Ticket.objects.get(pk=rehearsal.ticket_id)
    connectors = {planned.connector for _, planned in chosen}
    if reason := rehearsing.fallen(rehearsal.plan):
        return reason
    if reason := rehearsing.held_back(rehearsal.category.slug, connectors, ticket):
        return reason
    if not chosen:
        return "The lab has nothing to rehearse it on."
    if reason := _lock(rehearsal, {planned.target for _, planned in chosen}, at):
        return reason
    RehearsalStep.objects.bulk_create(_row(rehearsal, step, planned, at) for step, planned in chosen)
    move(rehearsal, R.UNDER_WAY, next_states=REHEARSAL_NEXT, status_at=at)
    return ""


def _row(rehearsal: Rehearsal, step: OperationStep, planned: OperationStep, at: datetime) -> RehearsalStep:
    return RehearsalStep(
        rehearsal=rehearsal,
        number=step.number,
        title=step.title,
        operation=step.operation,
        target=planned.target,
        stands_in_for=step.target if planned.target != step.target else "",
        content=plans.step_text(planned),
        status_at=at,
        key=f"rehearsal-{rehearsal.pk}-step-{step.number}-{secrets.token_hex(8)}",
    )


def _lock(rehearsal: Rehearsal, identities: set[str], at: datetime) -> str:
    targets = Target.objects.filter(identity__in=identities)
    held = TargetLock.objects.filter(target__in=targets, released_at=None).select_related("target")
    if reasons := [lock.says for lock in held]:
        return " ".join(reasons)
    key = rehearsal.ticket_key
    try:
        with transaction.atomic():
            TargetLock.objects.bulk_create(
                TargetLock(target=target, rehearsal_id=rehearsal.pk, ticket_key=key, taken_at=at) for target in targets
            )
    except IntegrityError:
        return "A run took one of the targets at this moment."
    return ""


def _forward(turn: Turn, step: RehearsalStep) -> bool:
    """Look, act, look again; whether the next step may follow."""
    if step.status == S.ACTED:
        return True
    planned = plans.read_step(step.content)
    if step.status == S.PENDING and not _may_begin(turn, step, planned):
        return False
    if turn.held_back():
        return False
    outcome = turn.write(planned, planned.call, key=step.key)
    seen = looking.look(planned.connector, planned.verify, settles_in=looking.settling(planned))
    with turn.writing():
        _keep_outcome(turn, step, Phase.ACTION, planned.says, outcome)
        turn.keep(step, Phase.VERIFY, planned.verify.says, is_good=seen.holds, text=seen.text)
        has_worked = outcome.ok and seen.holds is True
        turn.moved(step, S.ACTED if has_worked else S.SPOILED, detail="" if has_worked else _why(outcome, seen))
    return has_worked


def _may_begin(turn: Turn, step: RehearsalStep, planned: OperationStep) -> bool:
    seen = looking.look(planned.connector, planned.preflight)
    with turn.writing() as rehearsal:
        held = turn.held_back() or rehearsing.fallen(rehearsal.plan)
        turn.keep(step, Phase.PREFLIGHT, planned.preflight.says, is_good=seen.holds, text=seen.text)
        if held or not seen.holds:
            turn.moved(step, S.SKIPPED, detail=held or f"The pre-flight did not hold: {seen.misses}")
            return False
        turn.moved(step, S.INTENDED)
    return True


def _back(turn: Turn, step: RehearsalStep) -> bool:
    """Take one step back and look whether it worked; False while something holds the workers."""
    planned = plans.read_step(step.content)
    if turn.held_back() or planned.way_back is None:
        return False
    if step.status == S.INTENDED:
        turn.move(step, S.SPOILED, detail="Nobody saw whether the action worked.")
    if step.status != S.RETURNING:
        turn.move(step, S.RETURNING)
    outcome = turn.write(planned, planned.way_back.call, key=f"{step.key}-back")
    seen = looking.look(planned.connector, planned.way_back.verify, settles_in=looking.settling(planned))
    with turn.writing() as rehearsal:
        _keep_outcome(turn, step, Phase.ROLLBACK, planned.way_back.says, outcome)
        says = planned.way_back.verify.says
        turn.keep(step, Phase.ROLLBACK_VERIFY, says, is_good=seen.holds, text=seen.text)
        _decide(turn, rehearsal, step, has_worked=seen.holds is True, why=_why(outcome, seen))
    return True


def _decide(turn: Turn, rehearsal: Rehearsal, step: RehearsalStep, *, has_worked: bool, why: str) -> None:
    """Only looking says whether it worked, and only what was seen to be done proves that it can be undone."""
    turn.moved(step, S.RETURNED if has_worked else S.STUCK, detail="" if has_worked else why)
    if has_worked and not step.is_proof:
        return
    new = NewTaken(
        operation=step.operation,
        category_id=rehearsal.category_id,
        source=f"rehearsal:{rehearsal.pk}:{step.number}",
        has_worked=has_worked,
        target=step.target,
        is_lab=True,
        ticket=Ref("tickets.ticket", rehearsal.ticket_id, rehearsal.ticket_key),
        says=why,
        is_rehearsal=True,
        stands_in_for=step.stands_in_for,
        playbook=plans.role_in(plans.read_step(step.content)),
    )
    waysback.keep(new, actor=WORKERS, at=turn.clock())


def _go_on_later(turn: Turn, *, rest: timedelta = timedelta()) -> str:
    """Keep the targets, and let another job go on; under a stop, once it is released the lab is put back."""
    with turn.writing() as rehearsal:
        at, key = turn.clock(), rehearsing.key_of(rehearsal)
        jobs.enqueue(rehearsing.KIND, subject_id=rehearsal.pk, key=key, at=at, due_at=at + rest)
    return f"{rehearsal} goes on in another job." if not rest else f"{rehearsal} waits until workers may write again."


def _end(turn: Turn) -> str:
    steps = turn.steps()
    if any(step.status == S.STUCK for step in steps):
        to = R.FAILED
    else:
        to = R.WORKED if all(step.status == S.RETURNED and step.is_proof for step in steps) else R.INCONCLUSIVE
    with turn.writing() as rehearsal:
        says = " ".join(_words(step) for step in steps)
        missing = len(plans.read(rehearsal.plan.content).steps) - len(steps)
        if missing:
            to = R.INCONCLUSIVE if to is R.WORKED else to
            says = f"{says} The lab has nothing to rehearse {missing} of the steps on."
        rehearsing.end(rehearsal, to, says=says, actor=WORKERS, at=turn.clock())
    return f"{rehearsal} {to.value}. {says}"


def _words(step: RehearsalStep) -> str:
    where = f" on {step.target}, a stand-in for {step.stands_in_for}" if step.stands_in_for else ""
    ends = {S.RETURNED: "done and undone" if step.is_proof else "not done, and put back", S.STUCK: "not put back"}
    word = ends.get(StepStatus(step.status), "not begun")
    return f"Step {step.number}{where}: {word}. {step.detail}".strip()


def _keep_outcome(turn: Turn, step: RehearsalStep, phase: RehearsalOutput.Phase, says: str, outcome: Outcome) -> None:
    is_good = outcome.ok if outcome.is_answered else None
    turn.keep(step, phase, says, is_good=is_good, text=outcome.text if outcome.ok else outcome.error)


def _why(outcome: Outcome, seen: Look) -> str:
    return " ".join(part for part in ("" if outcome.ok else outcome.error, seen.misses) if part)
