"""Where a review stands: what is signed next, by whom it can be signed, and everything that blocks it. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.access import grants
from portal.access.models import Person
from portal.kit.refusals import Reason, because
from portal.signoff import brakes
from portal.signoff import services as signoffs
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus, Stage
from remediation.connectors.operations import Risk
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation, Revision
from remediation.policy import services as policies
from remediation.review import plans
from remediation.review.editing import ReviewItem, items_of
from remediation.review.models import GateResult, Objection, Tick


@dataclass(frozen=True, slots=True)
class Ticked:
    """A REVIEW item and who confirmed it."""

    item: ReviewItem
    by: Person | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything the review page and the API say about one remediation's review."""

    revision: Revision | None
    plan: Plan | None
    gates: Sequence[GateResult]
    checklist: Sequence[Ticked]
    objections: Sequence[Objection]
    blockers: Sequence[Reason]

    @property
    def missing(self) -> list[str]:
        """What still stands between the plan and its completion, in words."""
        votes = signoffs.missing(self.plan) if self.plan else []
        return [*(reason.text for reason in self.blockers), *votes]


def of(remediation: Remediation, *, at: datetime) -> Standing:
    """The standing of a review now."""
    revision = remediations.head(remediation)
    plan = plan_of(remediation)
    gates = list(GateResult.objects.filter(revision=revision)) if revision else []
    checklist = _checklist(remediation, revision)
    objections = list(Objection.objects.filter(revision=revision).select_related("person")) if revision else []
    blockers = [
        *_gate_blockers(gates, plan, objections),
        *_checklist_blockers(checklist),
        *_objection_blockers(objections),
        *_age_blockers(remediation, revision, plan, at),
        *_brake_blockers(remediation, plan, at),
    ]
    return Standing(revision, plan, gates, checklist, objections, blockers if revision else ())


def plan_of(remediation: Remediation) -> Plan | None:
    """The plan that people look at: the open one, else the newest signed one."""
    live = Plan.objects.select_related("category").filter(
        subject_kind=remediation.ref.kind,
        subject_id=remediation.pk,
        status__in=[PlanStatus.OPEN, PlanStatus.SIGNED, PlanStatus.CLAIMED],
    )
    newest = list(live.order_by("-id")[:2])
    return next((plan for plan in newest if plan.status == PlanStatus.OPEN), newest[0] if newest else None)


def why_not(plan: Plan, person: Person) -> list[Reason]:
    """Why this person may not sign this plan; empty if they may."""
    own = signoffs.why_not(plan, person)
    return [*([own] if own else []), *lacking(plan, person)]


def lacking(plan: Plan, person: Person) -> list[Reason]:
    """The grants a person needs for this plan and does not have, and whether the policy counts their signature."""
    verbs = [f"sign_{plan.stage}"]
    if plan.stage == Stage.ROLLOUT and plan.risk == Risk.CRITICAL_WRITE:
        verbs.append("sign_critical")
    missing = [grants.lacking(person, verb, plan.category) for verb in verbs]
    return [reason for reason in (*missing, policies.not_counted(person, plan.category)) if reason]


def _checklist(remediation: Remediation, revision: Revision | None) -> list[Ticked]:
    items = items_of(revision)
    wanted = [each.item for each in items]
    rows = Tick.objects.filter(remediation=remediation, item__in=wanted).select_related("person").order_by("id")
    newest = {row.item: row for row in rows}
    return [Ticked(each, _confirmed_by(newest.get(each.item))) for each in items]


def _confirmed_by(row: Tick | None) -> Person | None:
    return row.person if row and row.is_confirmed else None


def _gate_blockers(gates: Sequence[GateResult], plan: Plan | None, objections: Sequence[Objection]) -> list[Reason]:
    failed = [because("gate", f"The gate “{gate.gate}” failed.") for gate in gates if not gate.has_passed]
    if not failed and plan is None and not objections:
        return [because("no_plan", "The draft is being checked; its plan is not ready yet.")]
    return failed


def _checklist_blockers(checklist: Sequence[Ticked]) -> list[Reason]:
    open_items = [each for each in checklist if each.by is None]
    if not open_items:
        return []
    text = f"{len(open_items)} of {len(checklist)} REVIEW items are not confirmed."
    return [because("checklist", text)]


def _objection_blockers(objections: Sequence[Objection]) -> list[Reason]:
    return [
        because("changes_requested", f"{each.person} asked for changes: {each.comment}")
        for each in objections
        if each.kind == Objection.Kind.CHANGES
    ]


def _brake_blockers(remediation: Remediation, plan: Plan | None, at: datetime) -> list[Reason]:
    """A stop or a freeze holds up the rollout; the merge stage runs nothing and goes on."""
    if plan is None or plan.status != PlanStatus.OPEN or plan.stage != Stage.ROLLOUT:
        return []
    connectors = plans.connectors_of(plans.read(plan.content).steps)
    stop = brakes.stopped(brakes.scopes_of(category=remediation.category.slug, connectors=connectors))
    freeze = brakes.frozen(remediation.category_id, at)
    reasons = []
    if stop:
        reasons.append(because("emergency_stop", f"{stop.engaged_by} stopped {stop.covers}: {stop.reason}"))
    if freeze:
        until = f"{freeze.ends_at:%Y-%m-%d %H:%M} UTC"
        reasons.append(because("freeze", f"Frozen until {until}: {freeze.reason}"))
    return reasons


def _age_blockers(remediation: Remediation, revision: Revision | None, plan: Plan | None, at: datetime) -> list[Reason]:
    """An expired plan, and cited evidence that is older than the policy allows."""
    reasons: list[Reason] = []
    if plan and plan.status == PlanStatus.OPEN and plan.valid_until <= at:
        reasons.append(because("expired", "The plan has expired. Ask for a fresh one."))
    policy = policies.policy_of(remediation.category_id)
    if revision and policy:
        oldest = at - timedelta(minutes=policy.evidence_max_age_minutes)
        cited = {ref for fact in schema.from_text(revision.content).facts for ref in fact.evidence}
        newest = max((row.observed_at for row in remediation.ticket.evidence.all() if row.ref in cited), default=None)
        if newest and newest < oldest:
            text = "The newest evidence it cites is older than the policy allows. Add fresh evidence and revise."
            reasons.append(because("stale_evidence", text))
    return reasons
