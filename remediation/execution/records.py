"""Every write of a run to the database: hold it, move it, move its steps, keep what was said, end it.

The remediation's row is locked first, then the run's; whoever writes names the fence under which it holds the run, and
an older one is refused. Nothing here touches the world.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.estate.models import TargetLock
from portal.jobs import services as jobs
from portal.kit import redaction, statements
from portal.kit.actors import Actor, system
from portal.kit.moving import move
from portal.kit.refusals import StaleTransition, because
from portal.kit.statements import Query, given
from portal.notices import services as notices
from portal.signoff import services as signoffs
from portal.signoff.models import Plan
from portal.signoff.states import LIVE, Stage
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.drafting.states import NEXT as REMEDIATION_NEXT
from remediation.drafting.states import Status
from remediation.execution import doubting, drifted, recounting, returning
from remediation.execution.controls import LABELS, WAITING, Control
from remediation.execution.models import Run, StepOutput, StepRun
from remediation.execution.planning import ENDED, Move, is_tried_again, remediation_status
from remediation.execution.states import RUN_NEXT, STEP_NEXT, Asked, RunStatus, StepStatus
from remediation.policy import braking
from remediation.policy.braking import Ending
from remediation.review import plans
from remediation.review.plans import Content, OperationStep, PlanStep

WORKERS = system("execution")
LONGEST_OUTPUT = 64 * 1024
CUT = "\n[cut here: longer than 64 KB]"
WITH_RUN = frozenset({Status.EXECUTING, Status.PAUSED, Status.NEEDS_PERSON})
"""Statuses of a remediation that follow its run; any other means that people took it elsewhere meanwhile."""

PARTIAL = frozenset({RunStatus.NEEDS_PERSON, RunStatus.ROLLED_BACK, RunStatus.FAILED})
"""Ends and halts that nobody may miss once something was written."""

BEGUN = Q(status=StepStatus.FAILED) | Q(intended_at__isnull=False)
"""Steps that ran into something or may have changed it; the others of their run say nothing about their targets."""

Phase = StepOutput.Phase


def _numbered() -> QuerySet[StepRun]:
    return StepRun.objects.filter(run=given("run"), number=given("number")).order_by()


# Built once, because workers ask them for every step.
_WORK = Query(lambda: Run.objects.filter(pk=given("id")).only("remediation_id"))
_LOCKED = Query(
    lambda: (
        Run.objects.filter(pk=given("id"))
        .select_for_update(of=("self",))
        .select_related("plan", "held_by", "asked_by")
        .defer("plan__content", "held_by__password", "asked_by__password")
    )
)
_STEP = Query(_numbered)
_STEP_OF_RUN = Query(lambda: _numbered().select_for_update(of=("run",)).select_related("run"))
_STEP_AND_RUN = Query(
    lambda: _numbered().select_for_update(of=("run__remediation", "run")).select_related("run__remediation__ticket")
)


def locked(run_id: int, *, remediation_id: int | None = None) -> Run:
    """The run with its row and its remediation's locked until the transaction ends; some know which one that is."""
    remediation = remediations.locked(remediation_id or _WORK.one(id=run_id).remediation_id)
    run = _LOCKED.one(id=run_id)
    run.remediation = remediation
    return run


def held(run_id: int, *, fence: int, remediation_id: int | None = None) -> Run:
    """The locked run, if nobody took it over since this fence was given out."""
    run = locked(run_id, remediation_id=remediation_id)
    _refuse_replaced(run, fence)
    return run


def held_step(run_id: int, number: int, *, fence: int, moves_run: bool = False) -> StepRun:
    """One step, its run locked and held as above; with its remediation, and before it, for who `moves_run` as well."""
    step = (_STEP_AND_RUN if moves_run else _STEP_OF_RUN).one(run=run_id, number=number)
    _refuse_replaced(step.run, fence)
    return step


def _refuse_replaced(run: Run, fence: int) -> None:
    if run.fence != fence:
        raise StaleTransition(because("taken_over", f"Somebody else holds {run} by now; nothing was changed."))


def take(run: Run, *, actor: Actor, at: datetime, by: Person | None = None) -> int:
    """Give a locked run a new holder: from here on the old one's fence is refused, here and by the servers."""
    run.fence = next_fence()
    run.held_by = by
    run.save(update_fields=["fence", "held_by"])
    _tell_audit("run.taken", run, actor, at, {"fence": run.fence})
    return run.fence


def next_fence() -> int:
    """A fence newer than every one before it, of runs and rehearsals alike."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('execution_fence')")
        (fence,) = cursor.fetchone()
    return int(fence)


def refuse_elsewhere(run: Run) -> None:
    """Refuse to go forward with a run whose remediation people have taken elsewhere, for instance back to drafting."""
    if run.remediation.status not in WITH_RUN:
        text = f"The remediation is {run.remediation.status} by now: roll the run back or give it up."
        raise StaleTransition(because("elsewhere", text))


def step_of(run: Run, number: int) -> StepRun:
    """One step of a run."""
    step = _STEP.one(run=run.pk, number=number)
    step.run = run
    return step


def content_of(run: Run) -> Content:
    """What the run's plan says. A plan never changes, so that a process reads its text once."""
    return _read(_Text(run.plan))


class _Text:
    """The text of a plan, known by its digest, so that what is at hand already is not even fetched."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def __hash__(self) -> int:
        return hash(self._plan.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Text) and other._plan.digest == self._plan.digest

    def read(self) -> Content:
        """The content behind the text."""
        return plans.read(self._plan.content)


_read = lru_cache(maxsize=1)(_Text.read)  # one of 5,000 steps takes 23 MB


def is_reversible(step: PlanStep) -> bool:
    """Whether the plan names a way back."""
    return step.way_back is not None if isinstance(step, OperationStep) else bool(step.rollback_command)


def move_step(
    run: Run,
    step: StepRun,
    to: StepStatus,
    *,
    actor: Actor,
    at: datetime,
    detail: str = "",
    said: StepOutput | None = None,
    **fields: Any,
) -> None:
    """Move one step of a held run, and keep what was `said`; the event says why."""
    before = step.status
    data = {"step": step.number, "before": str(before), "after": to.value, "detail": detail}
    ticket = run.remediation.ticket.ref
    event = audit.to_record("step.moved", actor=actor, at=at, subject=step.ref, ticket=ticket, data=data)
    beside = [said, event] if said else [event]
    move(step, to, next_states=STEP_NEXT, beside=beside, status_at=at, detail=detail, **fields)
    doubting.step_moved(run, str(before), to, number=step.number, actor=actor, at=at)
    if to in returning.DECIDED:
        returning.keep(run, step, content_of(run).steps[step.number - 1], actor=actor, at=at)


def intend(run: Run, step: StepRun, *, actor: Actor, at: datetime, said: StepOutput | None = None) -> None:
    """Write down that the step is about to change something; once committed, it may have (law 7)."""
    move_step(run, step, StepStatus.INTENDED, actor=actor, at=at, said=said, intended_at=at)
    if not run.remediation.has_written:
        _note_written(run.remediation, has_written=True)


def disprove(run: Run, step: StepRun, to: StepStatus, *, actor: Actor, at: datetime, detail: str) -> None:
    """Move a step whose intent turned out to have changed nothing; an earlier try of it still may have."""
    fields = {} if is_tried_again(step.idempotency_key) else {"intended_at": None}
    move_step(run, step, to, actor=actor, at=at, detail=detail, **fields)
    others = StepRun.objects.filter(run__remediation=run.remediation, intended_at__isnull=False)
    _note_written(run.remediation, has_written=others.exists())


def keep(
    step: StepRun, phase: StepOutput.Phase, *, is_good: bool | None, says: str, text: str, by: str, at: datetime
) -> None:
    """Keep what was said: without secrets, and at most 64 KB of it."""
    statements.insert(output(step, phase, is_good=is_good, says=says, text=text, by=by, at=at))


def output(
    step: StepRun, phase: StepOutput.Phase, *, is_good: bool | None, says: str, text: str, by: str, at: datetime
) -> StepOutput:
    """The same, to be kept by the statement that moves the step."""
    said = {"phase": phase, "is_good": is_good, "says": says, "text": storable(text), "by": by, "at": at}
    return StepOutput(step_id=step.pk, run_id=step.run_id, **said)


def storable(text: str) -> str:
    """Text without secrets or NUL characters, cut at 64 KB with a mark; withheld where redaction fails."""
    try:
        clean = redaction.redact(text.replace("\x00", "\ufffd")).text
    except redaction.RedactionFailed:
        return "[withheld: secrets could not be looked for]"
    raw = clean.encode()
    if len(raw) <= LONGEST_OUTPUT:
        return clean
    return raw[: LONGEST_OUTPUT - len(CUT)].decode(errors="ignore") + CUT


def move_run(run: Run, to: RunStatus, *, actor: Actor, at: datetime, reason: str = "", undoes: int = 0) -> None:
    """Move a held run; its remediation follows, and where people have to know they are told.

    `undoes` is the wave that is taken back; 0: everything. What was watched is watched anew.
    """
    before = run.status
    fields: dict[str, Any] = {"finished_at": at if to in ENDED else None, "watch_until": None}
    if to in {RunStatus.RUNNING, RunStatus.ROLLING_BACK}:
        fields["undoes"] = undoes if to is RunStatus.ROLLING_BACK else None
    if to in ENDED | WAITING:
        fields |= {"asked": "", "asked_by": None, "asked_at": None}
    if to is RunStatus.SUCCEEDED:
        fields["left_out"] = run.steps.filter(status=StepStatus.SKIPPED).count()
    move(run, to, next_states=RUN_NEXT, status_at=at, status_reason=reason, **fields)
    if before in WAITING or run.mode == Run.Mode.MANUAL:
        _void_open_skips(run, actor=actor, at=at)
    _tell_audit("run.moved", run, actor, at, {"before": str(before), "after": to.value, "reason": reason})
    doubting.run_moved(run, to, actor=actor, at=at)
    _follow(run.remediation, remediation_status(to), actor=actor, at=at, reason=reason)
    if to in {RunStatus.PAUSED, RunStatus.NEEDS_PERSON}:
        _tell_people(run, at)


def call_person(run: Run, *, actor: Actor, at: datetime, reason: str) -> None:
    """Bring a held run before a person. One that a step beside this one has halted already says this as well."""
    if run.status not in WAITING:
        move_run(run, RunStatus.NEEDS_PERSON, actor=actor, at=at, reason=reason)
        return
    run.status_reason = f"{run.status_reason} {reason}"
    run.save(update_fields=["status_reason"])
    _tell_audit("run.moved", run, actor, at, {"before": run.status, "after": run.status, "reason": reason})


def end(run: Run, to: RunStatus, content: Content, *, actor: Actor, at: datetime, reason: str) -> None:
    """End a held run for good: what was not begun is skipped, targets are free, people and patterns hear of it."""
    for step in run.steps.filter(status__in=[StepStatus.PENDING, StepStatus.PREFLIGHT]):
        move_step(run, step, StepStatus.SKIPPED, actor=actor, at=at, detail="The run ended before it.")
    move_run(run, to, actor=actor, at=at, reason=reason)
    TargetLock.objects.filter(run_id=run.pk, released_at=None).update(released_at=at)
    jobs.hasten_waiting_for(f"run:{run.pk}", queue="execution", at=at)
    braking.count(_ending(run, to, content), actor=actor, at=at)
    data = {"succeeded": to is RunStatus.SUCCEEDED, "action": doubting.fix_of(content)[0]}
    _tell_audit("run.finished", run, actor, at, data | {"left_out": run.left_out})
    jobs.publish("run.finished", subject_id=run.pk, at=at, payload=data)
    _tell_people(run, at)


def _ending(run: Run, to: RunStatus, content: Content) -> Ending:
    """What the brake on failures in a row has to know of a run that ends. It failed only where a step was begun."""
    ticket, has_succeeded = run.remediation.ticket, to is RunStatus.SUCCEEDED
    begun = set() if has_succeeded else set(run.steps.filter(BEGUN).values_list("number", flat=True))
    return Ending(
        run_id=run.pk,
        ticket=ticket.ref,
        category=run.remediation.category,
        targets=[step.target for step in content.steps if has_succeeded or step.number in begun],
        pattern=(ticket.pattern.pk, ticket.pattern.title) if ticket.pattern else None,
        has_succeeded=has_succeeded,
    )


def state_of(run: Run, content: Content) -> str:
    """Where every step stands, in words, for people who have to go on from here."""
    return recounting.standing(content.steps, _statuses(run))


def asked_of(run: Run) -> Asked | None:
    """What a person wants of the run, if anything."""
    return Asked(run.asked) if run.asked else None


def ask(run: Run, asked: Asked, *, person: Person, actor: Actor, at: datetime) -> None:
    """Keep what a person wants of a locked run that workers drive; they heed it at the next boundary."""
    run.asked, run.asked_by, run.asked_at = asked, person, at
    run.save(update_fields=["asked", "asked_by", "asked_at"])
    _tell_audit("run.asked", run, actor, at, {"asked": asked.value})


def halt(run: Run, content: Content, move: Move, *, actor: Actor, at: datetime) -> None:
    """Make the move HALT of a held run: it stands still as a person asked, and keeps its targets."""
    if run.asked_by is None or move.to is None:
        raise StaleTransition(because("moved_on", "Nobody asks for a halt any more."))
    what = LABELS[Control(run.asked)].lower()
    planned = content.steps[move.number - 1] if move.number else None
    where = f" It stands at step {move.number} ({planned.title})." if planned else ""
    move_run(run, move.to, actor=actor, at=at, reason=f"{run.asked_by} asked for it: {what}.{where}")


def conclude(run: Run, content: Content, move: Move, *, actor: Actor, at: datetime) -> None:
    """Make the move END of a held run."""
    reason = _conclusion(run, content, move)
    if move.to is RunStatus.NEEDS_PERSON:
        move_run(run, RunStatus.NEEDS_PERSON, actor=actor, at=at, reason=reason)
    elif move.to is RunStatus.FAILED and move.number and drifted.is_why(step_of(run, move.number)):
        end(run, move.to, content, actor=actor, at=at, reason=f"{reason} {drifted.SAYS}")
        drifted.bring_back(run, actor=actor, at=at)
    elif move.to:
        end(run, move.to, content, actor=actor, at=at, reason=reason)


def _conclusion(run: Run, content: Content, move: Move) -> str:
    """Why a run ends as it does, in words; on success this becomes the ticket's resolution."""
    if move.to is RunStatus.SUCCEEDED:
        return recounting.success(content.steps, _statuses(run))
    if move.to is RunStatus.NEEDS_PERSON:
        return f"{move.reason} {state_of(run, content)}"
    if move.to is RunStatus.ROLLED_BACK:
        return f"{run.status_reason} Everything that was done has been undone."
    if move.number == 0:
        return f"{run.status_reason} {move.reason}" if run.status == RunStatus.ROLLING_BACK else move.reason
    return f"Step {move.number} failed. {step_of(run, move.number).detail} {move.reason}"


def _statuses(run: Run) -> dict[int, str]:
    return dict(run.steps.order_by("number").values_list("number", "status"))


def _void_open_skips(run: Run, *, actor: Actor, at: datetime) -> None:
    """Nobody signs any more that a step is left out of a run that has gone on, another way."""
    kind = StepRun._meta.label_lower
    steps = run.steps.values("pk")
    live = Plan.objects.filter(subject_kind=kind, subject_id__in=steps, stage=Stage.SKIP, status__in=LIVE)
    for plan in live.select_for_update().order_by("id"):
        signoffs.void(plan, reason="The run went on without it.", actor=actor, at=at)


def _note_written(remediation: Remediation, *, has_written: bool) -> None:
    Remediation.objects.filter(pk=remediation.pk).update(has_written=has_written)
    remediation.has_written = has_written


def _follow(remediation: Remediation, to: Status, *, actor: Actor, at: datetime, reason: str) -> None:
    """Move the remediation to where its run is, by way of `executing` where the table has no direct road."""
    if remediation.status == to or remediation.status not in WITH_RUN:
        return
    if to not in REMEDIATION_NEXT[Status(remediation.status)]:
        remediations.move(remediation, Status.EXECUTING, actor=actor, at=at)
    remediations.move(remediation, to, actor=actor, at=at, reason=reason)


def _tell_people(run: Run, at: datetime) -> None:
    """The ticket's opener, whoever may run in the category, and of partial results its policy admins; nobody twice."""
    ticket = run.remediation.ticket
    is_partial = run.status in PARTIAL and run.remediation.has_written
    admins = grants.holders("configure", run.remediation.category) if is_partial else []
    people = {person.pk: person for person in [*operators(run.remediation), *admins, ticket.opened_by]}
    how = "is" if run.finished_at is None else "ended:"
    text = f"The run of {ticket.key} {how} {run.outcome}. {run.status_reason}".strip()
    tell(
        list(people.values()),
        kind="partial" if is_partial else "run",
        ticket_key=ticket.key,
        text=text,
        at=at,
        key=f"run:{run.pk}:{run.fence}:{run.status}",
    )


def operators(remediation: Remediation) -> list[Person]:
    """Who may run and roll back here."""
    return grants.holders("run", remediation.category)


def tell(people: Sequence[Person], *, kind: str, ticket_key: str, text: str, at: datetime, key: str) -> None:
    """A notice about a run, with the way to its page; under one key it is given once."""
    path = f"/tickets/{ticket_key}/run"
    notices.tell(people, kind=kind, ticket_key=ticket_key, text=text, path=path, at=at, key=key)


def _tell_audit(kind: str, run: Run, actor: Actor, at: datetime, data: dict[str, Any]) -> None:
    audit.record(kind, actor=actor, at=at, subject=run.ref, ticket=run.remediation.ticket.ref, data=data)
