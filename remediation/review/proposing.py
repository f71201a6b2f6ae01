"""Puts revision, estate and evidence together: what the gates look at, what is decided about, what is signed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from portal.access.models import Person
from portal.estate.models import Target
from remediation.connectors import catalogue
from remediation.connectors.families.common import recent_backup
from remediation.connectors.operations import Probe, Risk
from remediation.drafting import schema
from remediation.drafting.models import Remediation, Revision
from remediation.policy.facts import Action, ActionType, SafetyCheck
from remediation.policy.safety import Subject
from remediation.policy.services import Proposal
from remediation.review import plans
from remediation.review.gates import Surroundings
from remediation.review.models import GateResult
from remediation.review.plans import CommandStep, Content, OperationStep, Place, PlanStep

ACTION_TYPES = {
    Risk.READ_ONLY: ActionType.READ_ONLY,
    Risk.SAFE_WRITE: ActionType.SAFE_WRITE,
    Risk.CRITICAL_WRITE: ActionType.CRITICAL_WRITE,
}


def places_of(draft: schema.Draft) -> dict[str, Place]:
    """Where the targets of a draft are reached, for those the estate knows."""
    identities = {identity for step in draft.steps if (identity := _identity(step.action))}
    rows = Target.objects.filter(identity__in=identities)
    return {row.identity: Place(row.connector, row.is_lab, row.environment) for row in rows}


def surroundings(revision: Revision, draft: schema.Draft, *, forbidden: Sequence[str]) -> Surroundings:
    """What the gates know of the world."""
    evidence = revision.remediation.ticket.evidence.values_list("number", flat=True)
    return Surroundings(places_of(draft), frozenset(f"E{number}" for number in evidence), tuple(forbidden))


def proposal(draft: schema.Draft, steps: Sequence[PlanStep], safety: Sequence[SafetyCheck]) -> Proposal:
    """What a decision is about."""
    return Proposal(
        actions=tuple(_action(step, draft) for step in steps),
        commands=tuple(command for step in steps if isinstance(step, CommandStep) for command in _commands(step)),
        connectors=tuple(plans.connectors_of(steps)),
        safety=tuple(safety),
    )


def subjects(steps: Sequence[PlanStep]) -> list[Subject]:
    """The targets that safety checks ask about, each once."""
    found = {step.target: Subject(step.target, step.connector, backup_probe(step)) for step in steps}
    return list(found.values())


def backup_probe(step: PlanStep) -> Probe | None:
    """How to see whether the step's target was backed up; for a host that is every read server's own question."""
    if isinstance(step, CommandStep):
        return recent_backup(step.target)
    operation = catalogue.get(step.operation)
    return operation.backup(catalogue.validated(step.operation, step.parameters)) if operation.backup else None


def makers_of(remediation: Remediation) -> list[int]:
    """Requester and everyone who authored any revision (law 4)."""
    authors = remediation.revisions.exclude(author=None).values_list("author_id", flat=True)
    return sorted({remediation.ticket.opened_by_id, *authors})


def people(ids: Sequence[int]) -> list[Person]:
    """The people behind ids, by name."""
    return list(Person.objects.filter(pk__in=ids))


def content_of(
    revision: Revision, draft: schema.Draft, steps: tuple[PlanStep, ...], *, limits: dict[str, Any]
) -> Content:
    """The merge plan's content for a revision that passed its gates."""
    remediation = revision.remediation
    ticket = remediation.ticket
    return Content(
        stage="merge",
        ticket=ticket.key,
        remediation=remediation.number,
        revision=revision.number,
        draft_digest=revision.digest,
        category=remediation.category.slug,
        environment=ticket.environment,
        risk=plans.risk_of(steps),
        steps=steps,
        scope=draft.scope.model_dump(mode="json"),
        evidence=_cited(revision, draft),
        gates=_verdicts(revision),
        limits=limits,
        rollback_owner=draft.rollback_owner,
        rollback_minutes=draft.rollback_minutes,
        makers=tuple(makers_of(remediation)),
    )


def _cited(revision: Revision, draft: schema.Draft) -> tuple[tuple[str, str], ...]:
    cited = {ref for fact in draft.facts for ref in fact.evidence}
    rows = revision.remediation.ticket.evidence.order_by("number")
    return tuple(
        (row.ref, hashlib.sha256(f"{row.command}\n{row.text}".encode()).hexdigest()) for row in rows if row.ref in cited
    )


def _verdicts(revision: Revision) -> tuple[plans.GateVerdict, ...]:
    rows = GateResult.objects.filter(revision=revision).order_by("id")
    return tuple(plans.GateVerdict(row.gate, row.ruleset, row.has_passed, row.input_digest) for row in rows)


def _identity(action: schema.OperationAction | schema.CommandAction) -> str:
    if action.kind == "command":
        return f"hosts:{action.system}"
    try:
        operation = catalogue.get(action.operation)
        return operation.target(catalogue.validated(action.operation, schema.parameters_of(action)))
    except Exception:  # noqa: BLE001 - the catalogue gate says what is wrong; here it only means "no target"
        return ""


def _action(step: PlanStep, draft: schema.Draft) -> Action:
    is_operation = isinstance(step, OperationStep)
    change = step.operation if isinstance(step, OperationStep) else "command"
    system = step.target if is_operation else step.target.removeprefix("hosts:")
    return Action(
        operation=change,
        system=system,
        action_type=ACTION_TYPES[step.risk],
        is_lab=step.is_lab,
        is_in_scope=change in draft.scope.allowed_changes and system in draft.scope.systems,
        has_rollback=not step.irreversible,
    )


def _commands(step: CommandStep) -> tuple[str, ...]:
    every = (step.preflight_command, step.command, step.verify_command, step.rollback_command)
    return tuple(command for command in every if command)
