"""Signs: decide first, then the sign-off, then the state, all in one transaction (laws 2 to 4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from portal.access.models import Person
from portal.jobs import services as jobs
from portal.kit.actors import Actor, Door, system
from portal.kit.refusals import NotAllowed, Reason, Refused, StaleTransition, because
from portal.kit.statements import Query, given
from portal.signoff import delegating
from portal.signoff import services as signoffs
from portal.signoff.models import Plan
from portal.signoff.services import Ballot
from portal.signoff.states import PlanStatus, Stage
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation, Revision
from remediation.drafting.states import Status
from remediation.playbooks import proofs
from remediation.policy import services as policies
from remediation.policy.facts import Decision as Verdict
from remediation.policy.facts import SafetyCheck
from remediation.policy.models import Decision, Moment
from remediation.review import comparing, plans, proposing, reading, sheets, standing, taking, voiding
from remediation.review.preparing import open_rollout_plan, return_to_review
from remediation.review.reading import Reading
from remediation.review.standing import Standing

REVIEW = system("review")
_SUBJECT = Query(lambda: Plan.objects.filter(pk=given("id")).only("subject_id"))
_DECIDED = Query(lambda: Decision.objects.filter(revision=given("revision")).order_by("-id")[:1])
OPERATIONAL = frozenset(
    {"emergency_stop", "freeze", "time_window_ok", "rate_limit_ok", "targets_free", "system_healthy"}
)
"""Hard stops of this moment. The merge stage runs nothing, so only the rollout stage waits for them."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed, and what is still missing."""

    stage: Stage
    plan: Plan
    missing: list[str]


def sign(plan_id: int, *, digest: str, stage: str, person: Person, ballot: Ballot, door: Door, at: datetime) -> Signed:
    """Sign the plan a person has read: its stage and digest must be the ones on their page.

    What is no longer true voids the plan before anybody signs it. StaleTransition says what changed since they looked.
    """
    to = _Signing(digest, stage, person, ballot, door, at)
    try:
        with signoffs.refusals_kept(plan_id, person=person, door=door, at=at), transaction.atomic():
            plan, read = locked(plan_id)
            found = voiding.differences(read)
            if found:
                voiding.void(read.remediation, found, actor=REVIEW, at=at)
            signed = None if found else _sign(to, plan, read)
    except StaleTransition as stale:
        raise comparing.explained(stale, Remediation.objects.get(pk=subject_of(plan_id)), digest) from None
    if signed is None:
        raise StaleTransition(because("changed", voiding.reason_of(found), "digest"), more=comparing.members(found))
    return signed


def withdraw(remediation_id: int, *, reason: str, person: Person, door: Door, at: datetime) -> None:
    """Take back one's signature while nothing has claimed the plan; the draft is back in review with a fresh plan."""
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        plan = standing.signed_by(remediation, person)
        if plan is None:
            raise StaleTransition(because("not_signed", "You have signed nothing here that is still in force."))
        signoffs.withdraw(plan.pk, person=person, reason=reason, door=door, at=at)
        text = f"{person} withdrew their signature: {reason.strip()}"
        return_to_review(remediation, reason=text, actor=person.at(door), at=at)
        revision = remediations.head(remediation)
        if revision:
            jobs.publish("revision.created", subject_id=revision.pk, at=at)


def subject_of(plan_id: int) -> int:
    """The remediation a plan is about."""
    return _SUBJECT.one(id=plan_id).subject_id


@dataclass(frozen=True, slots=True)
class _Signing:
    """Who signs what, through which door, when."""

    digest: str
    stage: str
    person: Person
    ballot: Ballot
    door: Door
    at: datetime


def locked(plan_id: int) -> tuple[Plan, Reading]:
    """The plan somebody wants to sign, and the reading of its remediation; both rows locked, the parent's first."""
    remediation = remediations.locked(subject_of(plan_id))
    plan = signoffs.locked(plan_id)
    read = reading.of(remediation, plan if plan.status == PlanStatus.OPEN else standing.plan_of(remediation))
    if read is None:
        raise StaleTransition(because("no_draft", "There is no draft under this plan."))
    return plan, read


def _sign(to: _Signing, plan: Plan, read: Reading) -> Signed:
    if reasons := signoffs.lacking(plan, _signer(plan, to)):
        raise NotAllowed(*reasons)
    if plan.stage != to.stage:
        raise StaleTransition(because("stage", f"This plan is for the {plan.stage} stage.", "stage"))
    if to.ballot.sheet or sheets.is_for(to.person, plan, at=to.at):
        sheets.require(plan, to.ballot.sheet)  # who is shown no sheet is refused below, and told why
    stands = standing.of_reading(read, at=to.at)
    refuse_blocked(plan, stands, is_ahead=to.ballot.runs_from is not None)
    actor = to.person.at(to.door)
    decide_again(plan, read, actor, to.at, runs_at=to.ballot.runs_from)
    plan = signoffs.give(plan, digest=to.digest, person=to.person, ballot=to.ballot, door=to.door, at=to.at)
    taking.end(read.remediation, to.person, at=to.at)
    return conclude(read, plan, actor, to.at)


def _signer(plan: Plan, to: _Signing) -> Person:
    """Whose rights count: the person's own, or of the one in whose stead they sign."""
    if to.ballot.delegation_id is None:
        return to.person
    return delegating.find(to.ballot.delegation_id, plan=plan, person=to.person, at=to.at).from_person


def refuse_blocked(plan: Plan, stands: Standing, *, is_ahead: bool = False) -> None:
    """Everything on the page that stands in the way; a plan that is not open is refused by the sign-off itself.

    A freeze of now does not stand in the way of a run that is approved ahead: the decision looks at that time.
    """
    if plan.status == PlanStatus.OPEN:
        blockers = [each for each in stands.blockers if not (is_ahead and each.code == "freeze")]
        if blockers:
            raise Refused(*blockers)


def decide_again(
    plan: Plan, read: Reading, actor: Actor, at: datetime, *, runs_at: datetime | None = None
) -> Verdict | None:
    """decide() with the facts of now, and the safety answers as they were last asked; None if the plan is not open."""
    if plan.status != PlanStatus.OPEN:
        return None
    proposal = proposing.proposal(read.draft, read.steps, last_answers(read.revision))
    verdict = policies.decide_now(
        read.revision,
        proposal,
        policy=read.policy,
        assessment=policies.assess(read.remediation, moment=Moment.SIGN_OFF, at=at),
        moment=Moment.SIGN_OFF,
        actor=actor,
        at=at,
        runs_at=runs_at,
        hold=read.hold(runs_at or at),
    )
    stops = [each for each in verdict.hard_stops if plan.stage == Stage.ROLLOUT or each.code not in OPERATIONAL]
    if stops:
        raise Refused(*(Reason(each.code, each.text) for each in stops))
    return verdict


def last_answers(revision: Revision) -> list[SafetyCheck]:
    """What the world answered when it was last asked about a revision."""
    last = _DECIDED.first(revision=revision.pk)
    wanted = ("backup_available", "system_healthy")
    return [
        SafetyCheck(**{**each, "at": datetime.fromisoformat(each["at"])})
        for each in (last.safety_checks if last else [])
        if each["name"] in wanted
    ]


def conclude(read: Reading, plan: Plan, actor: Actor, at: datetime) -> Signed:
    """What the signature led to, and what is missing from the plan that is to be signed next."""
    following = _go_on(read, plan, actor, at) if plan.status == PlanStatus.SIGNED else plan
    return Signed(Stage(plan.stage), plan, standing.missing_from(following, read, at=at))


def _go_on(read: Reading, plan: Plan, actor: Actor, at: datetime) -> Plan:
    """What a completed plan leads to: the proof of its role, the rollout plan, or the run of this one."""
    if plan.stage == Stage.MERGE:
        remediations.move(read.remediation, Status.APPROVED_FOR_MERGE, actor=actor, at=at)
        if role := plans.read(plan.content).role:
            proofs.ask(plan, read.revision, role=role.digest, host=role.canary, actor=actor, at=at)
            return plan
        return open_rollout_plan(plan, read, actor=actor, at=at)
    remediations.move(read.remediation, Status.APPROVED_FOR_ROLLOUT, actor=actor, at=at)
    jobs.publish("plan.signed", subject_id=plan.pk, at=at)
    return plan
