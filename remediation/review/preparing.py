"""Makes a revision ready for people: gates, safety checks, assessment, decision, plan. A job of the probe cluster.

The world is asked between two transactions, never inside one; if the revision is no longer the newest by then, nothing
is kept of it but its gate results.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.jobs import services as jobs
from portal.kit import statements
from portal.kit.actors import Actor, Door, system
from portal.kit.refusals import StaleTransition, because
from portal.kit.statements import Query, given
from portal.signoff import services as signoffs
from portal.signoff.models import Plan
from remediation.connectors import client
from remediation.connectors.asking import Ask
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation, Revision
from remediation.drafting.states import Status
from remediation.playbooks.repository import requests
from remediation.policy import safety
from remediation.policy import services as policies
from remediation.policy.facts import SafetyCheck
from remediation.policy.models import Moment
from remediation.review import jailing, looking, plans, proposing
from remediation.review.gates import Report
from remediation.review.looking import Seen
from remediation.review.plans import PlanStep
from remediation.review.proposing import World
from remediation.review.reading import Reading
from remediation.tickets.models import Evidence, Ticket

PROBE = system("probe")
UNDER_REVIEW = frozenset({Status.DRAFTING, Status.NEEDS_PERSON, Status.IN_REVIEW})
APPROVED = frozenset({Status.APPROVED_FOR_MERGE, Status.PROVEN, Status.APPROVED_FOR_ROLLOUT})
CHECKABLE = APPROVED | {Status.IN_REVIEW, Status.NEEDS_PERSON}


def _unless_newer() -> QuerySet[Revision]:
    newer = Revision.objects.filter(remediation=OuterRef("remediation"), number__gt=OuterRef("number"))
    rows = Revision.objects.select_related("remediation__ticket__pattern", "remediation__category")
    return rows.filter(~Exists(newer), pk=given("id"))


_NEWEST = Query(_unless_newer)


@dataclass(frozen=True, slots=True)
class _Made:
    """Everything that was made of a revision before its plan is opened."""

    revision: Revision
    draft: schema.Draft
    world: World
    steps: tuple[PlanStep, ...]
    reports: list[Report]
    checks: tuple[SafetyCheck, ...]
    seen: list[Seen]


def prepare(revision_id: int, *, at: datetime, ask: Ask = client.read) -> str:
    """Take the newest revision through gates and decision to an open plan; says in a sentence how far it came."""
    revision = _NEWEST.first(id=revision_id)
    if revision is None:
        return "A newer revision took its place."
    draft = schema.from_text(revision.content)
    world = proposing.world_of(revision.remediation, draft)
    reports = _pass_gates(revision, draft, world, at)
    if draft.role and all(report.has_passed for report in reports):  # what failed there is shown to no Ansible program
        world = replace(world, jailed=jailing.check(revision, draft.role, at=at))
        reports = [*reports, *world.jailed]
    if not all(report.has_passed for report in reports):
        return _stop(revision, reports, at)
    steps = plans.compile_steps(draft, world.places)
    symptom = symptom_of(revision.remediation.ticket, world.given)
    checks = safety.collect(proposing.subjects(steps), symptom=symptom, at=at, ask=ask)
    made = _Made(revision, draft, world, steps, reports, checks, looking.look(steps, ask))
    return _open(made, at)


def prepare_again(remediation_id: int, *, person: Person, door: Door, at: datetime) -> None:
    """A person asks for fresh gates, checks and a fresh plan, because the old one expired or the world changed."""
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        grants.require(person, "review", remediation.category)
        revision = remediations.head(remediation)
        if revision is None or remediation.status not in CHECKABLE:
            text = f"The remediation is {remediation.status}; there is no draft to check again."
            raise StaleTransition(because("not_in_review", text))
        remediations.refuse_while_run_waits(remediation)
        return_to_review(remediation, reason="A fresh plan was asked for.", actor=person.at(door), at=at)
        jobs.publish("revision.created", subject_id=revision.pk, at=at)


def return_to_review(remediation: Remediation, *, reason: str, actor: Actor, at: datetime) -> None:
    """Void the live plans of a locked remediation and bring it back to review if it was approved already."""
    for plan in signoffs.live_plans(remediation.ref):
        signoffs.void(plan, reason=reason, actor=actor, at=at)
    if remediation.status in APPROVED:
        requests.take_back(remediation, reason=reason, actor=actor, at=at)
        remediations.move(remediation, Status.IN_REVIEW, actor=actor, at=at, reason=reason)


def open_rollout_plan(merge: Plan, read: Reading, *, actor: Actor, at: datetime) -> Plan:
    """The rollout plan that follows a signed merge plan. Its signers do not sign this one, unless the team is small.

    A machine that signed under a certificate may sign again: two people stand behind that (law 4).
    """
    content = proposing.as_rollout(plans.read(merge.content), merge, read.remediation, read.world.rules)
    by_people = [vote for vote in signoffs.votes_of(merge) if vote.certificate_id is None]
    both = {pk for vote in by_people for pk in (vote.person_id, vote.principal_id)}
    signers = set() if settings.SMALL_TEAM else both
    new = proposing.new_plan(content, read.remediation, at=at, excluded=signers, merge=merge)
    return signoffs.open_plan(new, actor=actor, at=at)


def _is_newest(revision: Revision) -> bool:
    return remediations.head(revision.remediation) == revision


def symptom_of(ticket: Ticket, given: Iterable[Evidence]) -> str:
    """The ticket's own words: alerts they name are under repair."""
    return "\n".join([ticket.title, ticket.description, *(row.text for row in given)])


def _pass_gates(revision: Revision, draft: schema.Draft, world: World, at: datetime) -> list[Report]:
    reports = proposing.reports_of(draft, world)
    statements.insert_all([jailing.result_of(revision, report, at=at) for report in reports])
    return reports


def _stop(revision: Revision, reports: list[Report], at: datetime) -> str:
    """A draft that fails a gate goes no further: people see the line and the mend, and no plan exists."""
    findings = [f"{report.gate}: {each.place}: {each.text}" for report in reports for each in report.findings]
    with transaction.atomic():
        remediation = remediations.locked(revision.remediation_id)
        reason = "\n".join(findings)
        if remediation.status == Status.DRAFTING:
            remediations.move(remediation, Status.NEEDS_PERSON, actor=PROBE, at=at, reason=reason)
        elif remediation.status == Status.NEEDS_PERSON:
            remediations.explain(remediation, reason)
        ticket = remediation.ticket
        subject = remediations.ref(revision, ticket)
        audit.record(
            "gates.failed", actor=PROBE, at=at, subject=subject, ticket=ticket.ref, data={"findings": findings}
        )
    return f"Stopped at the gates: {findings[0]}"


def _open(made: _Made, at: datetime) -> str:
    revision = made.revision
    with transaction.atomic():
        remediation = remediations.locked(revision.remediation_id)
        if remediation.status not in UNDER_REVIEW or not _is_newest(revision):
            return "Somebody was faster; nothing is left to prepare."
        revision.remediation = remediation
        risk = plans.risk_of(made.steps)
        world = proposing.world_again(remediation, made.world)  # evidence may have come while targets were asked
        policies.decide_now(
            revision,
            proposing.proposal(made.draft, made.steps, made.checks),
            policy=world.policy,
            assessment=policies.assess(remediation, moment=Moment.DRAFT, at=at, risk=risk),
            moment=Moment.DRAFT,
            actor=PROBE,
            at=at,
        )
        content = proposing.content_of(revision, made.draft, made.steps, made.reports, world)
        plan = signoffs.open_plan(proposing.new_plan(content, remediation, at=at), actor=PROBE, at=at)
        looking.begin(plan, made.seen, at=at)
        if remediation.status != Status.IN_REVIEW:
            remediations.move(remediation, Status.IN_REVIEW, actor=PROBE, at=at)
    return f"Ready for review: {len(made.steps)} steps, {risk}."
