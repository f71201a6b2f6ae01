"""Applies the pure rules to the rows: limits of a category, assessments, decisions, reservations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from patterns import reads
from patterns.reliability import Inputs, permille, reliability_of
from portal.audit import services as audit
from portal.estate.models import Category, TargetLock
from portal.kit import recall, statements
from portal.kit.actors import Actor
from portal.kit.plain import data_of
from portal.kit.refusals import Refused, because
from portal.kit.statements import Query, among, given
from portal.signoff import brakes
from portal.signoff.brakes import Hold
from remediation.connectors import identities
from remediation.connectors.catalogue import OPERATIONS
from remediation.connectors.operations import Risk
from remediation.drafting import roles
from remediation.drafting.models import Remediation, Revision
from remediation.policy import approving, braking, certified, outcomes
from remediation.policy.certified import Cover
from remediation.policy.decide import decide
from remediation.policy.facts import EVERY_DAY, Action, Facts, Limits, SafetyCheck, Switches
from remediation.policy.facts import Decision as Verdict
from remediation.policy.models import (
    PREFLIGHT_HOLDS,
    Assessment,
    CategoryPolicy,
    Decision,
    FailureBrake,
    Moment,
    Reservation,
)
from remediation.policy.share import place_of
from remediation.policy.staging import Staging
from remediation.wayback import services as waysback
from remediation.wayback.record import Record

HOUR = timedelta(hours=1)
_LAST_HOUR = "SELECT count(*), count(*) FILTER (WHERE category_id = %s) FROM policy_reservation WHERE at > %s"
_POLICY = Query(lambda: CategoryPolicy.objects.filter(category=given("category")))
_LOCKS = Query(
    lambda: TargetLock.objects.filter(among("target__identity", "targets"), released_at=None).select_related("target")
)
_RATE_LOCK = 0x636F756E  # one lock for the global limit: reservations take turns


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a decision is about, as the room that compiled the plan knows it; `role` is the digest of its role."""

    actions: tuple[Action, ...]
    commands: tuple[str, ...]
    connectors: tuple[str, ...]
    safety: tuple[SafetyCheck, ...]
    role: str = ""


def switches() -> Switches:
    """The site's settings as the pure rules see them."""
    mode = {"true": "on", "on": "on", "lab": "lab"}.get(settings.AUTO_REMEDIATION_ENABLED, "off")
    return Switches(
        mode=mode,  # type: ignore[arg-type]  # one of the three literals
        requires_approval=settings.AUTO_REMEDIATION_REQUIRE_APPROVAL,
        max_actions_per_hour=settings.AUTO_REMEDIATION_MAX_ACTIONS_PER_HOUR,
        min_reliability=settings.AUTO_REMEDIATION_MIN_RELIABILITY,
        min_feedback_rate=settings.PATTERN_MIN_POSITIVE_RATE,
    )


def policy_of(category_id: int) -> CategoryPolicy | None:
    """The policy of a category, if it has one."""
    return _POLICY.first(category=category_id)


def preflight_validity(category_id: int) -> timedelta:
    """How long a person who runs a plan by hand may act on a pre-flight."""
    found = CategoryPolicy.objects.filter(category_id=category_id).values_list("preflight_valid_minutes", flat=True)
    return timedelta(minutes=found.first() or PREFLIGHT_HOLDS)


def limits_of(policy: CategoryPolicy) -> Limits:
    """A policy row as the pure rules see it."""
    hours = (policy.hours_start, policy.hours_end) if policy.hours_start and policy.hours_end else None
    return Limits(
        min_confidence=policy.min_confidence,
        min_reliability=policy.min_reliability,
        min_similar_tickets=policy.min_similar_tickets,
        min_feedback_rate=policy.min_feedback_rate,
        allowed_action_types=_tuple_or_all(policy.allowed_action_types),
        allowed_systems=_tuple_or_all(policy.allowed_systems),
        forbidden_commands=tuple(policy.forbidden_commands),
        hours=hours,
        zone=policy.zone,
        days=frozenset(policy.days) or EVERY_DAY,
        requires_approval=policy.requires_approval,
        auto_approve_threshold=policy.auto_approve_threshold,
        machine_share=policy.machine_share,
        approvers=approving.approvers_of(policy),
        max_actions_per_hour=policy.max_actions_per_hour,
        max_failures_in_a_row=policy.max_failures_in_a_row,
        requires_rollback_plan=policy.requires_rollback_plan,
        requires_backup=policy.requires_backup,
        is_enabled=policy.is_enabled,
    )


def staging_of(policy: CategoryPolicy | None) -> Staging:
    """How a policy wants several targets changed; without a policy all at once."""
    if policy is None:
        return Staging()
    return Staging(policy.canary, policy.wave_growth, policy.watch_minutes, policy.error_budget, policy.side_by_side)


def limits_data(limits: Limits | None) -> dict[str, Any]:
    """The effective limits as plain data: part of the signed text, so no floats (law 3)."""
    if limits is None:
        return {}
    data: dict[str, Any] = data_of(limits)
    data["hours"] = [f"{edge:%H:%M}" for edge in limits.hours] if limits.hours else None
    data["days"] = sorted(limits.days)
    return data


def assess(
    remediation: Remediation,
    *,
    moment: Moment,
    at: datetime,
    pending: reads.Pending | None = None,
    risk: Risk | None = None,
) -> Assessment:
    """Compute and keep the reliability of a remediation; the queue shows the newest. `pending` counts as given.

    The `risk` of a new draft is kept with it.
    """
    reliability = reliability_of(_inputs(remediation, at, pending))
    parts = {f"{name}_permille": permille(score) for name, score in reliability.breakdown.items()}
    row = Assessment(
        remediation=remediation,
        moment=moment,
        overall_permille=permille(reliability.overall),
        level=reliability.level,
        no_data=list(reliability.no_data),
        at=at,
        **parts,
    )
    remediation.reliability_permille, remediation.risk = row.overall_permille, risk or remediation.risk
    shown = {"reliability_permille": row.overall_permille, **({"risk": risk} if risk else {})}
    statements.update(Remediation, {"pk": remediation.pk}, **shown)
    return statements.insert(row)


def decide_now(
    revision: Revision,
    proposal: Proposal,
    *,
    policy: CategoryPolicy | None,
    assessment: Assessment,
    moment: Moment,
    actor: Actor,
    at: datetime,
    runs_at: datetime | None = None,
    hold: Hold | None = None,
) -> Verdict:
    """Decide with the facts of this moment, and keep the answer with every reason.

    Windows and freezes are those of `runs_at`, if somebody approves a run ahead. `hold` is what the caller's
    transaction has read already for that time.
    """
    remediation, when = revision.remediation, runs_at or at
    limits = limits_of(policy) if policy else None
    held = hold or brakes.hold(category=remediation.category, connectors=proposal.connectors, at=when)
    facts = facts_of(revision, proposal, held, reliability=assessment.overall_permille / 10, at=at)
    verdict = decide(facts, limits, when)
    row = _row_of(verdict, revision, assessment=assessment, moment=moment, limits=limits, at=at)
    data = {"allowed": row.allowed, "risk": row.risk, "moment": row.moment, "hard_stops": row.hard_stops}
    ticket = remediation.ticket.ref
    event = audit.to_record("decision.made", actor=actor, at=at, subject=remediation.ref, ticket=ticket, data=data)
    statements.insert_together([row, event])
    return verdict


def _row_of(
    verdict: Verdict,
    revision: Revision,
    *,
    assessment: Assessment,
    moment: Moment,
    limits: Limits | None,
    at: datetime,
) -> Decision:
    return Decision(
        remediation=revision.remediation,
        revision=revision,
        assessment=assessment,
        moment=moment,
        allowed=verdict.allowed,
        requires_approval=verdict.requires_approval,
        action_type=verdict.action_type,
        risk=verdict.risk_level,
        reasoning=data_of(verdict.reasoning),
        safety_checks=[data_of(check) | {"at": check.at.isoformat()} for check in verdict.safety_checks],
        hard_stops=data_of(verdict.hard_stops),
        limits=limits_data(limits),
        shadow={"verdict": verdict.shadow, "machine_may_sign": verdict.machine_may_sign},
        at=at,
    )


def facts_of(revision: Revision, proposal: Proposal, hold: Hold, *, reliability: float, at: datetime) -> Facts:
    """Everything decide() looks at, read once; a freeze counts if it holds when the run is to start."""
    remediation = revision.remediation
    cover = _cover_of(revision, proposal.actions, at)
    ticket, pattern, targets = remediation.ticket, remediation.ticket.pattern, _targets_of(proposal.actions)
    stop, freeze = hold.stop, hold.freeze
    everywhere, here = recall.or_ask(
        ("actions", remediation.category_id), lambda: actions_last_hour(remediation.category_id, at=at)
    )
    return Facts(
        switches=switches(),
        ticket_opted_in=ticket.enable_auto_remediation,
        actions=proposal.actions,
        confidence=remediation.confidence_percent,
        reliability=reliability,
        similar_tickets=max(0, pattern.occurrences - 1) if pattern else 0,
        feedback_rate=_percent(pattern.positive_permille) if pattern else None,
        pattern_is_eligible=pattern.is_eligible if pattern else False,
        pattern_reasons=tuple(pattern.reasons) if pattern else (),
        has_certificate=cover.certificate is not None,
        certificate_says=cover.says,
        ticket_place=place_of(remediation.category.slug, ticket.key),
        commands=proposal.commands,
        emergency_stop=stop.says if stop else None,
        freeze=f"{freeze.reason}, until {freeze.ends_at:%Y-%m-%d %H:%M} UTC" if freeze else None,
        actions_last_hour=everywhere,
        actions_last_hour_here=here,
        safety_checks=proposal.safety,
        held_targets=tuple(lock.says for lock in _locks_on(targets)),
        failures_in_a_row=tuple(each.says for each in _brakes_of(remediation, targets)),
        unproven_ways_back=_unproven(proposal.actions, proposal.role),
    )


def _cover_of(revision: Revision, actions: Sequence[Action], at: datetime) -> Cover:
    """The certificate for this draft; drafts of one pattern that do the same have the same one."""
    same = (*((each.operation, each.system) for each in actions), revision.remediation.ticket.pattern_id)
    return recall.or_ask(("cover", revision.origin, same), lambda: certified.cover_of(revision, actions, at=at))


def ways_back_of(operations: Mapping[str, bool], *, role: str = "") -> list[Record]:
    """What is known of the ways back of these operations, each with whether it has one.

    Of the operation that applies roles it is what is known of exactly the role with this digest.
    """
    names = tuple(name for name, has_one in operations.items() if has_one)
    known = recall.or_ask(("ways back", names, role), lambda: _known_of(names, role))
    return [known.get(name) or Record(name, missing="there is none.") for name in operations]


def _known_of(names: Sequence[str], role: str) -> Mapping[str, Record]:
    if not role or roles.OPERATION not in names:
        return waysback.records_of(names)
    others = waysback.records_of(name for name in names if name != roles.OPERATION)
    return others | {roles.OPERATION: waysback.record_of_role(roles.OPERATION, role)}


def _unproven(actions: Sequence[Action], role: str) -> tuple[str, ...]:
    """What is known of the ways back that nobody has seen to work; commands of people have no record."""
    writes = {each.operation: each.has_rollback for each in actions if each.mutates and each.operation in OPERATIONS}
    return tuple(f"{each.operation}: {each.says}" for each in ways_back_of(writes, role=role) if not each.is_proven)


def _targets_of(actions: Sequence[Action]) -> tuple[str, ...]:
    """The targets of these actions, each once; a host is its own target under commands."""
    systems = {each.system if each.operation in OPERATIONS else identities.host(each.system) for each in actions}
    return tuple(sorted(systems))


def _locks_on(targets: tuple[str, ...]) -> list[TargetLock]:
    """What other runs hold of these targets now."""
    return recall.or_ask(("locks", targets), lambda: _LOCKS.all(targets=list(targets)))


def _brakes_of(remediation: Remediation, targets: tuple[str, ...]) -> list[FailureBrake]:
    """The brakes on these targets and on the ticket's pattern."""
    pattern = remediation.ticket.pattern_id
    return recall.or_ask(("brakes", targets, pattern), lambda: braking.engaged(targets=targets, pattern_id=pattern))


def actions_last_hour(category_id: int, *, at: datetime) -> tuple[int, int]:
    """Mutating steps reserved in the hour before `at`: in all categories, and of these in one."""
    with statements.cursor() as cursor:
        cursor.execute(_LAST_HOUR, [category_id, at - HOUR])
        everywhere, here = cursor.fetchone()
    return everywhere, here


def reserve(*, category: Category, run_id: int, step_numbers: Sequence[int], at: datetime) -> None:
    """Count a run's mutating steps against both hourly limits, or refuse; in the claim's transaction, one at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_RATE_LOCK])
    policy = policy_of(category.pk)
    everywhere, here = actions_last_hour(category.pk, at=at)
    _refuse_beyond(settings.AUTO_REMEDIATION_MAX_ACTIONS_PER_HOUR, everywhere, len(step_numbers), "all categories")
    if policy and policy.max_actions_per_hour is not None:
        _refuse_beyond(policy.max_actions_per_hour, here, len(step_numbers), category.name)
    Reservation.objects.bulk_create(
        [Reservation(category=category, run_id=run_id, step_number=number, at=at) for number in step_numbers]
    )


def _refuse_beyond(most: int, used: int, wanted: int, where: str) -> None:
    if used + wanted > most:
        text = f"{used} actions in the last hour and {wanted} asked for; at most {most} for {where}."
        raise Refused(because("rate_limit", text))


def _inputs(remediation: Remediation, at: datetime, pending: reads.Pending | None) -> Inputs:
    ticket, pattern, category_id = remediation.ticket, remediation.ticket.pattern, remediation.category_id
    resolved, finished = recall.or_ask(("outcomes", category_id), lambda: outcomes.recent(category_id, at=at))
    similarity = ticket.pattern_similarity
    of_pattern = reads.feedback_of_pattern(pattern.pk, at, pending=pending) if pattern else []
    return Inputs(
        at=at,
        ai_confidence=remediation.confidence_percent,
        pattern_feedback=of_pattern,
        category_feedback=[]
        if of_pattern
        else reads.feedback_of_category(remediation.category_id, at, pending=pending),
        resolved=resolved,
        finished=finished,
        is_same_pattern=pattern is not None and similarity in (None, 100),  # None: it founded the pattern
        similarity=similarity,
        similar_tickets=max(0, pattern.occurrences - 1) if pattern else 0,
    )


def _tuple_or_all(values: Sequence[str] | None) -> tuple[str, ...] | None:
    return tuple(values) if values else None


def _percent(value: int | None) -> float | None:
    return None if value is None else value / 10


def reliability_data(assessment: Assessment) -> dict[str, Any]:
    """The shape the API and the pages show."""
    names = ("ai_confidence", "human_validation", "success_history", "pattern_recognition")
    return {
        "overall_score": assessment.overall_permille / 10,
        "confidence_level": assessment.level,
        "breakdown": {
            name: None if name in assessment.no_data else getattr(assessment, f"{name}_permille") / 10 for name in names
        },
        "no_data": assessment.no_data,
    }
