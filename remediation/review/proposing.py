"""Puts revision, estate and evidence together: what the gates look at, what is decided about, what is signed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from portal.access.models import Person
from portal.estate.models import Service, Signal, Target
from portal.kit.statements import Query, among, given
from portal.signoff import services as signoffs
from portal.signoff.models import Plan
from portal.signoff.services import NewPlan, Requirement, Rule
from portal.signoff.states import Stage
from remediation.connectors import catalogue, providers
from remediation.connectors.families.common import recent_backup
from remediation.connectors.operations import Probe, Risk
from remediation.drafting import roles, schema
from remediation.drafting.models import Remediation, Revision
from remediation.playbooks import proofs
from remediation.policy import services as policies
from remediation.policy.facts import Action, ActionType, SafetyCheck
from remediation.policy.models import CategoryPolicy
from remediation.policy.safety import Subject
from remediation.policy.services import Proposal
from remediation.review import gates, plans, waves
from remediation.review.gates import Report, Surroundings
from remediation.review.plans import CommandStep, Content, GateVerdict, OperationStep, Place, PlanStep
from remediation.review.waves import Stages
from remediation.tickets import services as tickets
from remediation.tickets.models import Evidence

ACTION_TYPES = {
    Risk.READ_ONLY: ActionType.READ_ONLY,
    Risk.SAFE_WRITE: ActionType.SAFE_WRITE,
    Risk.CRITICAL_WRITE: ActionType.CRITICAL_WRITE,
}


_TARGETS = Query(lambda: Target.objects.filter(among("identity", "identities")))
DEFAULT_VALIDITY = 240
"""Minutes that a plan may wait and a signature counts, where no policy says it."""


@dataclass(frozen=True, slots=True)
class World:
    """What a plan is made of beside its draft: policy, evidence, where targets are reached, rules of quorum.

    The gates do without the rules. Of a draft with a role also: which connectors play roles, and what the jailed gates
    said of it, which run programs and are not asked again.
    """

    policy: CategoryPolicy | None
    given: Sequence[Evidence]
    places: Mapping[str, Place]
    rules: Sequence[Rule] = ()
    players: frozenset[str] = frozenset()
    jailed: Sequence[Report] = ()


def world_of(remediation: Remediation, draft: schema.Draft) -> World:
    """The world of a draft before its gates, as the rows say it now."""
    policy, places = policies.policy_of(remediation.category_id), places_of(draft)
    return World(policy, given_for(remediation), places, players=players_for(draft))


def world_again(remediation: Remediation, world: World) -> World:
    """What may have changed of it meanwhile; the steps name the places they were compiled with."""
    policy = policies.policy_of(remediation.category_id)
    return replace(world, policy=policy, given=given_for(remediation), rules=signoffs.rules())


def players_for(draft: schema.Draft) -> frozenset[str]:
    """The connectors that play roles, where the draft has one."""
    return providers.players() if draft.role else frozenset()


def given_for(remediation: Remediation) -> list[Evidence]:
    """The evidence of its ticket, in the order it was given."""
    return tickets.evidence_of(remediation.ticket)


def reports_of(draft: schema.Draft, world: World) -> list[Report]:
    """What the gates say about a draft in this world."""
    forbidden = tuple(world.policy.forbidden_commands) if world.policy else ()
    evidence = frozenset(row.ref for row in world.given)
    return [*gates.check(draft, Surroundings(world.places, evidence, forbidden, world.players)), *world.jailed]


def proposal(draft: schema.Draft, steps: Sequence[PlanStep], safety: Sequence[SafetyCheck]) -> Proposal:
    """What a decision is about."""
    return Proposal(
        actions=tuple(_action(step, draft) for step in steps),
        commands=tuple(command for step in steps if isinstance(step, CommandStep) for command in _commands(step)),
        connectors=tuple(plans.connectors_of(steps)),
        safety=tuple(safety),
        role=roles.part_digest(draft.role) if draft.role else "",
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


def _makers_up_to(revision: Revision) -> list[int]:
    """The makers as of the newest revision; the first one has no others before it to ask for."""
    remediation = revision.remediation
    if revision.number > 1:
        return makers_of(remediation)
    return sorted({remediation.ticket.opened_by_id, *([revision.author_id] if revision.author_id else [])})


def people(ids: Sequence[int]) -> list[Person]:
    """The people behind ids, by name."""
    return list(Person.objects.filter(pk__in=ids))


def content_of(
    revision: Revision, draft: schema.Draft, steps: tuple[PlanStep, ...], reports: Sequence[Report], world: World
) -> Content:
    """The merge plan's content for a revision that passed its gates."""
    remediation, policy = revision.remediation, world.policy
    ticket = remediation.ticket
    risk = plans.risk_of(steps)
    wanted = _quorum(remediation, steps, risk, Stage.MERGE, world.rules)
    return Content(
        stage="merge",
        ticket=ticket.key,
        remediation=remediation.number,
        revision=revision.number,
        draft_digest=revision.digest,
        category=remediation.category.slug,
        environment=ticket.environment,
        severity=ticket.get_severity_display(),
        risk=risk,
        needed=wanted.needed,
        needed_groups=wanted.groups,
        votes_last_minutes=policy.plan_valid_minutes if policy else DEFAULT_VALIDITY,
        steps=steps,
        scope=draft.scope.model_dump(mode="json"),
        evidence=_cited(world.given, draft),
        contradicted_by=tuple(row.ref for row in contradicting(world.given, draft)),
        gates=tuple(GateVerdict(each.gate, each.ruleset, each.has_passed, each.input_digest) for each in reports),
        limits=policies.limits_data(policies.limits_of(policy) if policy else None),
        rollback_owner=draft.rollback_owner,
        rollback_minutes=draft.rollback_minutes,
        makers=tuple(_makers_up_to(revision)),
        stages=_stages(remediation, steps, policy),
        role=plans.role_of(draft, steps),
    )


def as_rollout(content: Content, merge: Plan, remediation: Remediation, rules: Sequence[Rule]) -> Content:
    """What the rollout plan says that follows a merge plan: the same steps, naming that plan's digest and the proof."""
    wanted = _quorum(remediation, content.steps, content.risk, Stage.ROLLOUT, rules)
    return replace(
        content,
        stage="rollout",
        merge_digest=merge.digest,
        needed=wanted.needed,
        needed_groups=wanted.groups,
        proof=proofs.digest_of(merge.pk) if content.role else "",
    )


def new_plan(
    content: Content,
    remediation: Remediation,
    *,
    at: datetime,
    excluded: Collection[int] = (),
    merge: Plan | None = None,
) -> NewPlan:
    """What the plan with this content is opened with."""
    return NewPlan(
        stage=Stage(content.stage),
        subject=remediation.ref,
        ticket=remediation.ticket.ref,
        category_id=remediation.category_id,
        risk=content.risk,
        severity=content.severity,
        content=plans.text_of(content),
        makers=content.makers,
        excluded=excluded,
        needed=content.needed,
        needed_groups=content.needed_groups,
        votes_last_minutes=content.votes_last_minutes,
        valid_until=at + timedelta(minutes=content.votes_last_minutes),
        merge_plan=merge,
    )


def _quorum(
    remediation: Remediation, steps: Sequence[PlanStep], risk: Risk, stage: Stage, rules: Sequence[Rule]
) -> Requirement:
    """How many sign; a rollout with the owners of the sensitive services among them, the ticket's and the targets'."""
    ticket = remediation.ticket
    touched = _touched(remediation, steps) if stage == Stage.ROLLOUT else []
    return signoffs.requirement(
        among=rules,
        stage=stage,
        category_id=remediation.category_id,
        risk=risk,
        severity=ticket.get_severity_display(),
        owner_groups=signoffs.owners_of(touched),
    )


def _stages(remediation: Remediation, steps: Sequence[PlanStep], policy: CategoryPolicy | None) -> Stages | None:
    """The waves of a plan, and what the services it touches have watched between them."""
    stages = waves.stages_of(plans.aims_of(steps), policies.staging_of(policy))
    if stages is None or len(stages.waves) == 1:
        return stages
    rows = Signal.objects.filter(service__in=_touched(remediation, steps)).select_related("service")
    return replace(stages, signals=tuple(_watched(row) for row in rows.order_by("service__slug", "name")))


def _touched(remediation: Remediation, steps: Sequence[PlanStep]) -> list[Service]:
    """The services of the ticket and of the targets."""
    return _SERVICES.all(service=remediation.ticket.service_id, targets=[step.target for step in steps])


def _of_both() -> QuerySet[Service]:
    of_targets = Q(among("targets__identity", "targets"))
    return Service.objects.filter(Q(pk=given("service")) | of_targets).distinct()


_SERVICES = Query(_of_both)


def _watched(row: Signal) -> waves.Signal:
    return waves.Signal(
        service=row.service.slug,
        name=row.name,
        about=row.about,
        kind=row.kind,  # type: ignore[arg-type]  # one of the two, as the database checks
        query=row.query,
        connector=row.connector,
        tool=row.tool,
        arguments=row.arguments,
        field=row.field,
        relation=row.relation,  # type: ignore[arg-type]  # as above
        threshold=f"{row.threshold.normalize():f}",
        unit=row.unit,
    )


def cited_in(draft: schema.Draft) -> set[str]:
    """The refs that the facts of a draft cite."""
    return {ref for fact in draft.facts for ref in fact.evidence}


def contradicting(given: Sequence[Evidence], draft: schema.Draft) -> list[Evidence]:
    """Evidence that somebody says speaks against the hypothesis, and that the draft does not take into account."""
    cited = cited_in(draft)
    return [row for row in given if row.contradicts and row.ref not in cited]


def observed_at(given: Sequence[Evidence], draft: schema.Draft) -> datetime | None:
    """When what the draft cites was last observed: the evidence itself, or what was added to refresh it."""
    cited = cited_in(draft)
    own = {row.pk for row in given if row.ref in cited}
    return max((row.observed_at for row in given if own & {row.pk, row.refreshes_id}), default=None)


def newest_cited(given: Iterable[Evidence], revision: Revision) -> str:
    """The ref of the newest evidence that a revision cites; empty if it cites none of the ticket's."""
    cited = cited_in(schema.from_text(revision.content))
    rows = [row for row in given if row.ref in cited]
    return max(rows, key=lambda row: row.observed_at).ref if rows else ""


def _cited(given: Sequence[Evidence], draft: schema.Draft) -> tuple[tuple[str, str], ...]:
    cited = cited_in(draft)
    return tuple((row.ref, _digest(row)) for row in given if row.ref in cited)


def _digest(row: Evidence) -> str:
    return hashlib.sha256(f"{row.command}\n{row.text}".encode()).hexdigest()


def places_of(draft: schema.Draft) -> dict[str, Place]:
    """Where the targets of a draft are reached, for those the estate knows."""
    identities = {identity for step in draft.steps if (identity := _identity(step.action))}
    rows = _TARGETS.all(identities=sorted(identities))
    return {row.identity: Place(row.connector, row.is_lab, row.environment) for row in rows}


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
