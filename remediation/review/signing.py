"""Signs, objects, rejects: decide first, then the sign-off, then the state, all in one transaction (laws 2 to 4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from portal.access import grants
from portal.access.models import Person
from portal.audit import services as audit
from portal.jobs import services as jobs
from portal.kit.actors import Door
from portal.kit.refusals import NotAllowed, Reason, Refused, StaleTransition, because
from portal.notices import services as notices
from portal.signoff import services as signoffs
from portal.signoff.models import Plan
from portal.signoff.services import Ballot
from portal.signoff.states import PlanStatus, Stage
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation, Revision
from remediation.drafting.states import Status
from remediation.policy import services as policies
from remediation.policy.facts import SafetyCheck
from remediation.policy.models import Moment
from remediation.review import plans, proposing, standing
from remediation.review.models import Objection
from remediation.review.preparing import APPROVED, open_rollout_plan, return_to_review

OPERATIONAL = frozenset({"emergency_stop", "freeze", "time_window_ok", "rate_limit_ok", "system_healthy"})
"""Hard stops of this moment. The merge stage runs nothing, so only the rollout stage waits for them."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed, and what is still missing."""

    stage: Stage
    plan: Plan
    missing: list[str]


def sign(plan_id: int, *, digest: str, stage: str, person: Person, comment: str, door: Door, at: datetime) -> Signed:
    """Sign the plan a person has read: its stage and digest must be the ones on their page."""
    subject = Plan.objects.values_list("subject_id", flat=True).get(pk=plan_id)
    with transaction.atomic():
        remediation = remediations.locked(subject)
        plan = Plan.objects.select_for_update().select_related("category").get(pk=plan_id)
        if reasons := standing.lacking(plan, person):
            raise NotAllowed(*reasons)
        if plan.stage != stage:
            raise StaleTransition(because("stage", f"This plan is for the {plan.stage} stage.", "stage"))
        _refuse_blocked(remediation, plan, at)
        _decide_again(remediation, plan, person, door, at)
        ballot = Ballot(comment=comment, typed=plan.ticket_key, authenticated_at=at)
        plan = signoffs.give(plan_id, digest=digest, person=person, ballot=ballot, door=door, at=at)
        if plan.status == PlanStatus.SIGNED:
            _go_on(remediation, plan, person, door, at)
    return Signed(Stage(plan.stage), plan, standing.of(remediation, at=at).missing)


def request_changes(remediation_id: int, *, comment: str, person: Person, door: Door, at: datetime) -> Objection:
    """Send the draft back to its author: nothing of this revision is signed until a new one exists."""
    objection = Objection(
        kind=Objection.Kind.CHANGES, reason=Objection.Reason.OTHER, comment=comment, person=person, at=at
    )
    return _object(remediation_id, objection, door)


def reject(remediation_id: int, *, reason: str, comment: str, person: Person, door: Door, at: datetime) -> Objection:
    """End the remediation; the reason is one of the taxonomy, the comment says it in words."""
    if reason not in Objection.Reason.values:
        text = f"Choose a reason: {', '.join(Objection.Reason.values)}."
        raise Refused(because("reason", text, "reason"))
    objection = Objection(kind=Objection.Kind.REJECTION, reason=reason, comment=comment, person=person, at=at)
    return _object(remediation_id, objection, door)


def _refuse_blocked(remediation: Remediation, plan: Plan, at: datetime) -> None:
    """Everything on the page that stands in the way; a plan that is not open is refused by the sign-off itself."""
    if plan.status == PlanStatus.OPEN:
        blockers = [each for each in standing.of(remediation, at=at).blockers if each.code != "expired"]
        if blockers:
            raise Refused(*blockers)


def _decide_again(remediation: Remediation, plan: Plan, person: Person, door: Door, at: datetime) -> None:
    """decide() with the facts of now, and the safety answers as they were last asked."""
    revision = remediations.head(remediation)
    if revision is None or plan.status != PlanStatus.OPEN:
        return
    revision.remediation = remediation
    content = plans.read(plan.content)
    proposal = proposing.proposal(schema.from_text(revision.content), content.steps, last_answers(revision))
    assessment = policies.assess(remediation, moment=Moment.SIGN_OFF, at=at)
    verdict, _ = policies.decide_now(
        revision, proposal, assessment=assessment, moment=Moment.SIGN_OFF, actor=person.at(door), at=at
    )
    stops = [each for each in verdict.hard_stops if plan.stage == Stage.ROLLOUT or each.code not in OPERATIONAL]
    if stops:
        raise Refused(*(Reason(each.code, each.text) for each in stops))


def last_answers(revision: Revision) -> list[SafetyCheck]:
    """What the world answered when it was last asked about a revision."""
    last = revision.decisions.order_by("-id").first()
    wanted = ("backup_available", "system_healthy")
    return [
        SafetyCheck(**{**each, "at": datetime.fromisoformat(each["at"])})
        for each in (last.safety_checks if last else [])
        if each["name"] in wanted
    ]


def _go_on(remediation: Remediation, plan: Plan, person: Person, door: Door, at: datetime) -> None:
    """What a completed plan leads to: the rollout plan, or the run."""
    actor = person.at(door)
    if plan.stage == Stage.MERGE:
        remediations.move(remediation, Status.APPROVED_FOR_MERGE, actor=actor, at=at)
        open_rollout_plan(plan, remediation, actor=actor, at=at)
    else:
        remediations.move(remediation, Status.APPROVED_FOR_ROLLOUT, actor=actor, at=at)
        jobs.publish("plan.signed", subject_id=plan.pk, at=at)


def _object(remediation_id: int, objection: Objection, door: Door) -> Objection:
    """Keep an objection to the newest revision; whatever was approved goes back to review."""
    objection.comment = objection.comment.strip()
    if not objection.comment:
        raise Refused(because("comment", "Say in a comment what is wrong.", "comment"))
    person, at = objection.person, objection.at
    actor = person.at(door)
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        _refuse_outsider(remediation, person)
        revision = remediations.head(remediation)
        if revision is None or remediation.status not in APPROVED | {Status.IN_REVIEW}:
            raise StaleTransition(because("not_in_review", f"The remediation is {remediation.status}."))
        objection.remediation, objection.revision = remediation, revision
        objection.save(force_insert=True)
        return_to_review(remediation, reason=f"{person.username}: {objection.comment}", actor=actor, at=at)
        data = {"kind": objection.kind, "reason": objection.reason, "comment": objection.comment}
        ticket = remediation.ticket
        audit.record("review.objected", actor=actor, at=at, subject=remediation.ref, ticket=ticket.ref, data=data)
        if objection.kind == Objection.Kind.REJECTION:
            remediations.move(remediation, Status.REJECTED, actor=actor, at=at, reason=objection.comment)
        _tell_makers(remediation, objection, at)
    return objection


def _refuse_outsider(remediation: Remediation, person: Person) -> None:
    granted = grants.of(person)
    verbs = ("review", "sign_merge", "sign_rollout")
    if not any(granted.may(verb, remediation.category_id) for verb in verbs):
        raise NotAllowed(because("review", f"You do not review the category {remediation.category.name}."))


def _tell_makers(remediation: Remediation, objection: Objection, at: datetime) -> None:
    ticket = remediation.ticket
    makers = [each for each in proposing.people(proposing.makers_of(remediation)) if each.pk != objection.person_id]
    text = f"{ticket.key}: {objection.person} {objection.get_kind_display().lower()}: {objection.comment}"
    notices.tell(makers, kind="review", ticket_key=ticket.key, text=text, path=f"/tickets/{ticket.key}/review", at=at)
