"""Takes a signed rollout plan for its one run: for workers, if law 1 allows it, or for a person in guided manual mode.

decide() speaks again, the digest is computed again, targets are locked and actions counted: all of it in one
transaction, or nothing. What stands in the way for the moment is said, and workers try again later.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from portal.audit import services as audit
from portal.estate.models import Target, TargetLock
from portal.jobs import services as jobs
from portal.kit.actors import Actor
from portal.kit.refusals import Reason, Refused, because
from portal.signoff import services as signoffs
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus, Stage
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.drafting.states import Status
from remediation.execution import advancing, records
from remediation.execution.models import Run, StepRun
from remediation.execution.records import WORKERS
from remediation.execution.shift import left_to_people
from remediation.playbooks.repository import requests
from remediation.policy import safety
from remediation.policy import services as policies
from remediation.policy.facts import Decision as Verdict
from remediation.policy.facts import SafetyCheck
from remediation.policy.models import Moment
from remediation.review import drifting, plans, preparing, proposing, reading, standing, voiding
from remediation.review.changing import Change
from remediation.review.plans import Content

PASSING = frozenset(
    {
        "emergency_stop",
        "freeze",
        "time_window_ok",
        "rate_limit_ok",
        "targets_free",
        "system_healthy",
        "backup_available",
    }
    | {"locked", "rate_limit", "not_yet", "failures_in_a_row", "not_merged"}
)
"""What may stand in the way now and not later; workers wait for it. Anything else is final."""
FIRST_REST = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=10)


def start(plan_id: int, *, tries: int, at: datetime) -> str:
    """Claim a signed plan for workers; says in a sentence what came of it."""
    plan = Plan.objects.get(pk=plan_id)
    if plan.stage != Stage.ROLLOUT or plan.status != PlanStatus.SIGNED:
        return f"Nothing to start: the {plan.stage} plan is {plan.status}."
    remediation = Remediation.objects.select_related("ticket", "category").get(pk=plan.subject_id)
    content = plans.read(plan.content)
    if reason := left_to_people(content, remediation.ticket):
        return _leave_to_people(plan, remediation, reason, at)
    if wait := signoffs.not_yet(plan, at=at):
        return _hold(plan, remediation, [wait], tries=tries, at=at)
    if content.role and (unmerged := requests.merged_exactly(remediation, content.role.digest, at=at)):
        return _hold(plan, remediation, [unmerged], tries=tries, at=at)  # no host is asked before the role is merged
    if found := _found_changed(plan, remediation, content, at):
        return f"Back in review: {voiding.reason_of(found)}"
    return _start(plan, remediation, content, tries=tries, at=at)


def _found_changed(plan: Plan, remediation: Remediation, content: Content, at: datetime) -> list[Change]:
    """What is not as it was signed; the targets are asked side by side where they are changed so."""
    at_once = content.stages.side_by_side if content.stages else 1
    changes = voiding.settle(remediation.pk, actor=WORKERS, at=at)
    return changes or drifting.settle(plan, actor=WORKERS, at=at, at_once=at_once)


def _start(plan: Plan, remediation: Remediation, content: Content, *, tries: int, at: datetime) -> str:
    checks = _ask_world(remediation, content, at)
    with transaction.atomic():
        remediation = remediations.locked(remediation.pk)
        if remediation.status != Status.APPROVED_FOR_ROLLOUT:
            return f"Nothing to start: the remediation is {remediation.status}."
        if lapsed := signoffs.lapsed(plan, at=at):
            preparing.return_to_review(remediation, reason=lapsed.text, actor=WORKERS, at=at)
            return f"Back in review: {lapsed.text}"
        return _try(plan, remediation, content, checks, tries=tries, at=at)


def claim(
    plan: Plan,
    remediation: Remediation,
    content: Content,
    *,
    checks: Sequence[SafetyCheck],
    mode: Run.Mode,
    actor: Actor,
    at: datetime,
) -> Run:
    """The run of a signed plan of a locked remediation; Refused with everything that stands in the way."""
    if stops := _hard_stops(remediation, content, checks=checks, mode=mode, actor=actor, at=at):
        raise Refused(*stops)
    with transaction.atomic():
        plan = signoffs.claim(plan.pk, actor=actor, at=at)
        run = _open(plan, remediation, mode, at)
        _open_steps(run, content, at)
        _lock_targets(run, remediation, content, at)
        if mode == Run.Mode.WORKERS:
            numbers = [step.number for step in content.steps]
            policies.reserve(category=remediation.category, run_id=run.pk, step_numbers=numbers, at=at)
        remediations.move(remediation, Status.EXECUTING, actor=actor, at=at)
        data = {"plan": plan.digest, "mode": str(mode), "steps": len(content.steps)}
        audit.record("run.started", actor=actor, at=at, subject=run.ref, ticket=remediation.ticket.ref, data=data)
    return run


def _try(
    plan: Plan, remediation: Remediation, content: Content, checks: Sequence[SafetyCheck], *, tries: int, at: datetime
) -> str:
    try:
        run = claim(plan, remediation, content, checks=checks, mode=Run.Mode.WORKERS, actor=WORKERS, at=at)
    except Refused as refusal:
        return _hold(plan, remediation, refusal.reasons, tries=tries, at=at)
    advancing.ask_for(run, at=at)
    return f"Claimed as {run}."


def _hold(plan: Plan, remediation: Remediation, reasons: Sequence[Reason], *, tries: int, at: datetime) -> str:
    """Say what stands in the way; what may pass is waited for, longer every time, the rest is for people."""
    words = " ".join(reason.text for reason in reasons)
    data = {"reasons": [reason.text for reason in reasons]}
    ticket = remediation.ticket
    with transaction.atomic():
        audit.record("run.held", actor=WORKERS, at=at, subject=signoffs.ref(plan), ticket=ticket.ref, data=data)
        if all(reason.code in PASSING for reason in reasons):
            due_at = _try_again_at(plan, tries, at)
            payload, key = {"tries": tries + 1, "waits_for": _holders(plan)}, f"plan:{plan.pk}"
            jobs.enqueue("execution.start", subject_id=plan.pk, payload=payload, key=key, at=at, due_at=due_at)
            return f"Waits for {due_at - at}: {words}"
        _tell(plan, remediation, f"{ticket.key} cannot be run as signed: {words}", at)
    return f"Refused: {words}"


def _holders(plan: Plan) -> list[str]:
    """Who holds targets of the plan now: when one of them lets go, the job need not rest any longer."""
    targets = {step.target for step in plans.read(plan.content).steps}
    held = TargetLock.objects.filter(target__identity__in=targets, released_at=None)
    return sorted({lock.held_by for lock in held})


def _try_again_at(plan: Plan, tries: int, at: datetime) -> datetime:
    """After a rest that grows, and not before the time the run was approved for."""
    rested = at + min(FIRST_REST * (1 << tries), LONGEST_REST)
    ahead = signoffs.window_of(plan)
    return max(rested, ahead.runs_from) if ahead else rested


def _leave_to_people(plan: Plan, remediation: Remediation, reason: str, at: datetime) -> str:
    """The machine keeps its hands off (law 1); people may follow the steps by hand."""
    ticket = remediation.ticket
    with transaction.atomic():
        data = {"reasons": [reason]}
        audit.record(
            "run.left_to_people", actor=WORKERS, at=at, subject=signoffs.ref(plan), ticket=ticket.ref, data=data
        )
        _tell(plan, remediation, f"{ticket.key} is signed and waits for a person to run it. {reason}", at)
    return f"Left to people: {reason}"


def _tell(plan: Plan, remediation: Remediation, text: str, at: datetime) -> None:
    """A notice for those who may run it: the same words about the same plan once, however often the job comes."""
    words = hashlib.sha256(text.encode()).hexdigest()[:16]
    records.tell(
        records.operators(remediation),
        kind="run",
        ticket_key=remediation.ticket.key,
        text=text,
        at=at,
        key=f"plan:{plan.pk}:start:{words}",
    )


def _ask_world(remediation: Remediation, content: Content, at: datetime) -> tuple[SafetyCheck, ...]:
    symptom = preparing.symptom_of(remediation.ticket, proposing.given_for(remediation))
    return safety.collect(proposing.subjects(content.steps), symptom=symptom, at=at)


def _hard_stops(
    remediation: Remediation,
    content: Content,
    *,
    checks: Sequence[SafetyCheck],
    mode: Run.Mode,
    actor: Actor,
    at: datetime,
) -> list[Reason]:
    """decide() at the claim. The hourly limit and the brake on failures hold workers; all else binds people as well."""
    read = reading.of(remediation, standing.plan_of(remediation))
    if read is None or read.revision.digest != content.draft_digest:
        return [because("changed", "The draft changed after the plan was signed.")]
    if found := voiding.differences(read):
        return [because("changed", voiding.reason_of(found))]
    if content.role and (unmerged := requests.merged_exactly(remediation, content.role.digest, at=at)):
        return [unmerged]
    verdict = policies.decide_now(
        read.revision,
        proposing.proposal(read.draft, content.steps, checks),
        policy=read.policy,
        assessment=policies.assess(remediation, moment=Moment.CLAIM, at=at),
        moment=Moment.CLAIM,
        actor=actor,
        at=at,
    )
    if mode == Run.Mode.MANUAL:
        return [stop for stop in verdict.hard_stops if stop.code != "rate_limit_ok"]
    return [*verdict.hard_stops, *verdict.holds, *_closed_to_machine(remediation, verdict)]


def _closed_to_machine(remediation: Remediation, verdict: Verdict) -> list[Reason]:
    """What a machine signed is not run by one once its way is closed, for instance by a way back that failed."""
    plan = standing.plan_of(remediation)
    if plan is None or verdict.allowed or not plan.votes.filter(certificate__isnull=False).exists():
        return []
    return [because("machine_closed", " ".join(verdict.leaves_to_people))]


def _open(plan: Plan, remediation: Remediation, mode: Run.Mode, at: datetime) -> Run:
    run = Run.objects.create(remediation=remediation, plan=plan, mode=mode, status_at=at, started_at=at)
    run.remediation = remediation
    return run


def _open_steps(run: Run, content: Content, at: datetime) -> None:
    """Every step with the key of its write: unguessable, so that no other installation ever sends the same."""
    StepRun.objects.bulk_create(
        StepRun(
            run=run,
            number=step.number,
            status_at=at,
            idempotency_key=f"run-{run.pk}-step-{step.number}-{secrets.token_hex(8)}",
        )
        for step in content.steps
    )


def _lock_targets(run: Run, remediation: Remediation, content: Content, at: datetime) -> None:
    """Hold every target of the plan that the estate knows, or refuse and say who holds it."""
    targets = Target.objects.filter(identity__in={step.target for step in content.steps})
    blocked = TargetLock.objects.filter(target__in=targets, released_at=None).select_related("target")
    if reasons := [because("locked", lock.says) for lock in blocked]:
        raise Refused(*reasons)
    key = remediation.ticket.key
    try:
        with transaction.atomic():
            TargetLock.objects.bulk_create(
                TargetLock(target=target, run_id=run.pk, ticket_key=key, taken_at=at) for target in targets
            )
    except IntegrityError as error:
        raise Refused(because("locked", "Another run took one of the targets at this moment.")) from error
