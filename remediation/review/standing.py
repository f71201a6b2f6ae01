"""Where a review stands: what is signed next, by whom it can be signed, and everything that blocks it. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet, prefetch_related_objects

from portal.access import grants
from portal.access.models import Person
from portal.kit.refusals import NotAllowed, Reason, because
from portal.kit.statements import Query, among, given
from portal.signoff import services as signoffs
from portal.signoff.models import Plan, Vote
from portal.signoff.states import LIVE, PlanStatus, Stage
from remediation.drafting.models import Remediation, Revision
from remediation.playbooks import proofs
from remediation.review import looking, proposing, reading
from remediation.review.checklist import ReviewItem, items_of
from remediation.review.models import GateResult, Objection, Take, Tick
from remediation.review.reading import Reading


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
    taken: Take | None
    voided: Plan | None

    @property
    def missing(self) -> list[str]:
        """What still stands between the plan and its completion, in words."""
        votes = signoffs.missing(self.plan) if self.plan else []
        return [*(reason.text for reason in self.blockers), *votes]


def of(remediation: Remediation, *, at: datetime) -> Standing:
    """The standing of a review now."""
    plan = plan_of(remediation)
    read, voided = reading.of(remediation, plan), _voided(remediation, plan)
    if read is None:
        return Standing(None, plan, (), (), (), (), _taken(remediation, at), voided)
    stands = of_reading(read, at=at)
    blockers = [*stands.blockers, *_expiry_blockers(plan, at)]
    return replace(stands, blockers=blockers, taken=_taken(remediation, at), voided=voided)


def of_reading(read: Reading, *, at: datetime) -> Standing:
    """The standing of what was read, as far as the review goes: without who is on it and what was void before.

    Whether the plan itself still leads to anything the sign-off says, when somebody signs it.
    """
    remediation, revision, plan = read.remediation, read.revision, read.plan
    checklist = checklist_of(read)
    gates = sorted(newest_gates([revision]), key=lambda gate: gate.pk)
    objections = _OBJECTIONS.all(revision=revision.pk)
    prefetch_related_objects(objections, "remarks")
    blockers = [
        *_gate_blockers(gates),
        *_absence_blockers(remediation, plan, gates, objections, at),
        *_checklist_blockers(checklist),
        *_objection_blockers(objections),
        *_evidence_blockers(read, at),
        *_drift_blockers(plan),
        *_brake_blockers(plan, read, at),
        *_proof_blockers(plan),
    ]
    return Standing(revision, plan, gates, checklist, objections, blockers, None, None)


def missing_from(plan: Plan, read: Reading, *, at: datetime) -> list[str]:
    """What stands between a plan and its completion where nothing is left to do on the draft that was read."""
    blockers = [*_brake_blockers(plan, read, at), *_proof_blockers(plan)]
    return [*(reason.text for reason in blockers), *signoffs.missing(plan)]


def plan_of(remediation: Remediation) -> Plan | None:
    """The plan that people look at: the open one, else the newest signed one."""
    live = Plan.objects.select_related("category").filter(
        subject_kind=remediation.ref.kind,
        subject_id=remediation.pk,
        status__in=[PlanStatus.OPEN, PlanStatus.SIGNED, PlanStatus.CLAIMED],
    )
    newest = list(live.order_by("-id")[:2])
    return next((plan for plan in newest if plan.status == PlanStatus.OPEN), newest[0] if newest else None)


def signed_by(remediation: Remediation, person: Person) -> Plan | None:
    """The newest live plan that carries this person's signature."""
    ref = remediation.ref
    live = Plan.objects.filter(subject_kind=ref.kind, subject_id=ref.id, status__in=LIVE)
    return live.filter(Q(votes__person=person) | Q(votes__principal=person)).order_by("-id").first()


def newest_gates(revisions: Sequence[Revision]) -> list[GateResult]:
    """What each gate said last about each of these revisions."""
    return _GATES.all(revisions=[revision.pk for revision in revisions])


def _gates() -> QuerySet[GateResult]:
    rows = GateResult.objects.filter(among("revision", "revisions")).order_by("revision_id", "gate", "-id")
    return rows.distinct("revision_id", "gate")


_GATES = Query(_gates)
_OBJECTIONS = Query(lambda: Objection.objects.filter(revision=given("revision")).select_related("person"))


def taken_of(remediations: Sequence[Remediation], *, at: datetime) -> dict[int, Take]:
    """Who is on it now, by remediation."""
    rows = Take.objects.filter(remediation__in=remediations, released_at=None, until__gt=at).select_related("person")
    return {row.remediation_id: row for row in rows}


def why_not(plan: Plan, person: Person) -> list[Reason]:
    """Why this person may not sign this plan; empty if they may."""
    own = signoffs.why_not(plan, person)
    return [*([own] if own else []), *signoffs.lacking(plan, person)]


def takes_part(remediation: Remediation, person: Person) -> bool:
    """Whether a person reviews or signs in the category."""
    granted = grants.of(person)
    return any(granted.may(verb, remediation.category_id) for verb in ("review", "sign_merge", "sign_rollout"))


def refuse_outsider(remediation: Remediation, person: Person) -> None:
    """Refuse those who neither review nor sign in the category."""
    if not takes_part(remediation, person):
        raise NotAllowed(because("review", f"You do not review the category {remediation.category.name}."))


def _taken(remediation: Remediation, at: datetime) -> Take | None:
    return taken_of([remediation], at=at).get(remediation.pk)


def checklist_of(read: Reading) -> list[Ticked]:
    """The REVIEW items of what was read, and who confirmed each."""
    items = items_of(read.revision)
    wanted = [each.item for each in items]
    rows = Tick.objects.filter(remediation=read.remediation, item__in=wanted).select_related("person").order_by("id")
    newest = {row.item: row for row in rows}
    return [Ticked(each, _confirmed_by(newest.get(each.item))) for each in items]


def _confirmed_by(row: Tick | None) -> Person | None:
    return row.person if row and row.is_confirmed else None


def _gate_blockers(gates: Sequence[GateResult]) -> list[Reason]:
    return [because("gate", f"The gate “{gate.gate}” failed.") for gate in gates if not gate.has_passed]


def _absence_blockers(
    remediation: Remediation,
    plan: Plan | None,
    gates: Sequence[GateResult],
    objections: Sequence[Objection],
    at: datetime,
) -> list[Reason]:
    """Why there is no plan, where no failed gate and no objection says it: it expired, or is being made."""
    if plan or objections or not all(gate.has_passed for gate in gates):
        return []
    ref = remediation.ref
    last = Plan.objects.filter(subject_kind=ref.kind, subject_id=ref.id).order_by("-id").first()
    expired = signoffs.lapsed(last, at=at) if last else None
    return [expired or because("no_plan", "The draft is being checked; its plan is not ready yet.")]


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


def _brake_blockers(plan: Plan | None, read: Reading, at: datetime) -> list[Reason]:
    """A stop or a freeze holds up the rollout; the merge stage runs nothing and goes on."""
    if plan is None or plan.status != PlanStatus.OPEN or plan.stage != Stage.ROLLOUT:
        return []
    hold, reasons = read.hold(at), []
    if hold.stop:
        reasons.append(because("emergency_stop", hold.stop.says))
    if hold.freeze:
        until = f"{hold.freeze.ends_at:%Y-%m-%d %H:%M} UTC"
        reasons.append(because("freeze", f"Frozen until {until}: {hold.freeze.reason}"))
    return reasons


def _proof_blockers(plan: Plan | None) -> list[Reason]:
    """After the merge stage of a role its proof is waited for; the rollout plan that it leads to is another one."""
    if plan is None or plan.stage != Stage.MERGE or plan.status != PlanStatus.SIGNED:
        return []
    proof = proofs.newest(plan.pk)
    if proof is None:
        return []
    if proof.is_open:
        return [because("proof", f"The role is being proven on {proof.host}. {proof.says}".strip())]
    return [because("proof", f"The role is not proven on {proof.host}. {proof.says}")]


def _expiry_blockers(plan: Plan | None, at: datetime) -> list[Reason]:
    reason = signoffs.lapsed(plan, at=at) if plan and plan.status == PlanStatus.OPEN else None
    return [reason] if reason else []


def _evidence_blockers(read: Reading, at: datetime) -> list[Reason]:
    """Evidence that speaks against the draft, and cited evidence older than the policy allows."""
    against = proposing.contradicting(read.evidence, read.draft)
    text = "{} contradicts the hypothesis. Revise the draft so that it takes it into account, or reject it."
    reasons = [because("contradicted", text.format(each.ref)) for each in against]
    minutes = read.policy.evidence_max_age_minutes if read.policy else None
    newest = proposing.observed_at(read.evidence, read.draft)
    if minutes is not None and newest and newest < at - timedelta(minutes=minutes):
        text = "The newest evidence it cites is older than the policy allows. Look again, or add what you see now."
        reasons.append(because("stale_evidence", text))
    return reasons


def _drift_blockers(plan: Plan | None) -> list[Reason]:
    """What the last look at the targets of an open plan did not find as the draft says."""
    if plan is None or plan.status != PlanStatus.OPEN:
        return []
    looks = looking.newest(plan.merge_plan_id or plan.pk)
    text = "The pre-flight of step {} does not hold: {} Edit the draft, or check again once it holds."
    return [
        because("drift", text.format(step, look.text)) for step, look in sorted(looks.items()) if look.holds is False
    ]


def _voided(remediation: Remediation, plan: Plan | None) -> Plan | None:
    """The plan that somebody had signed and that is void, until somebody signs the one in its place."""
    ref = remediation.ref
    void = Plan.objects.filter(subject_kind=ref.kind, subject_id=ref.id, status=PlanStatus.VOID, votes__isnull=False)
    last = void.order_by("-id").first()
    since = plan.merge_plan_id or plan.pk if plan else None
    is_old = last is None or (since is not None and (since < last.pk or Vote.objects.filter(plan=since).exists()))
    return None if is_old else last
