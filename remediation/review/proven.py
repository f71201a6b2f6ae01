"""What follows a canary proof: a role that held goes on to its rollout plan, one that failed goes back to review.

A proof that could not be made changes nothing: a person has it tried again.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from portal.access import grants
from portal.access.models import Person
from portal.kit.actors import Door, system
from portal.kit.refusals import NotAllowed, Reason, StaleTransition, because
from portal.signoff import services as signoffs
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus, Stage
from remediation.drafting import roles
from remediation.drafting import services as remediations
from remediation.drafting.models import Remediation
from remediation.drafting.states import Status
from remediation.playbooks import proofs
from remediation.playbooks.models import Proof
from remediation.playbooks.repository import requests
from remediation.playbooks.states import ProofStatus
from remediation.review import carrying, plans, reading, standing, voiding
from remediation.review.preparing import open_rollout_plan

PROBE = system("probe")
NOT_WAITING = because("not_waiting", "No signed merge plan with a role waits for a proof here.")


def conclude(proof_id: int, *, at: datetime) -> str:
    """Move the remediation on once a proof has ended; says in a sentence what became of it."""
    proof = Proof.objects.select_related("revision", "plan").get(pk=proof_id)
    with transaction.atomic():
        remediation = remediations.locked(proof.revision.remediation_id)
        plan = standing.plan_of(remediation)
        if plan is None or plan.pk != proof.plan_id or remediation.status != Status.APPROVED_FOR_MERGE:
            return "The plan that was proven is no longer the one that counts."
        if proof.status == ProofStatus.FAILED:
            voiding.begin_again(remediation, reason=f"The proof failed. {proof.says}", actor=PROBE, at=at)
            return "Back in review: the proof failed."
        if proof.status != ProofStatus.HELD:
            return f"Nothing follows: the proof is {proof.status}."
        return _go_on(remediation, plan, proof, at)


def ask_again(remediation_id: int, *, person: Person, door: Door, at: datetime) -> Proof:
    """Have the role of a signed merge plan tried again, because its proof could not be made."""
    with transaction.atomic():
        remediation = remediations.locked(remediation_id)
        _refuse_outsider(remediation, person)
        plan, revision = standing.plan_of(remediation), remediations.head(remediation)
        role = plans.read(plan.content).role if plan else None
        if plan is None or revision is None or role is None:
            raise StaleTransition(NOT_WAITING)
        if reason := _why_not_again(plan, remediation, at):
            raise StaleTransition(reason)
        return proofs.ask(plan, revision, role=role.digest, host=role.canary, actor=person.at(door), at=at)


def may_ask_again(remediation: Remediation, plan: Plan, person: Person, *, at: datetime) -> bool:
    """Whether a page offers it to this person now."""
    return _takes_part(remediation, person) and _why_not_again(plan, remediation, at) is None


def _go_on(remediation: Remediation, merge: Plan, proof: Proof, at: datetime) -> str:
    read = reading.of(remediation, merge)
    part = read.draft.role if read else None
    if read is None or part is None or roles.part_digest(part) != proof.role:
        return "The role that was proven is no longer the one of the draft."
    remediations.move(remediation, Status.PROVEN, actor=PROBE, at=at)
    open_rollout_plan(merge, read, actor=PROBE, at=at)
    requests.open_for(remediation, content=carrying.content_of(read, merge, proof, part), actor=PROBE, at=at)
    return "Proven: the rollout waits for its signatures."


def _why_not_again(plan: Plan, remediation: Remediation, at: datetime) -> Reason | None:
    """Why the role of a plan is not proven again: nothing waits for it, it is under way, or a signature expired."""
    is_merged = plan.stage == Stage.MERGE and plan.status == PlanStatus.SIGNED
    last = proofs.newest(plan.pk)
    if not is_merged or remediation.status != Status.APPROVED_FOR_MERGE:
        return NOT_WAITING
    if last and last.is_open:
        return because("under_way", "The role of this plan is being proven already.")
    if last and last.status != ProofStatus.INCONCLUSIVE:
        return because("not_waiting", "The role of this plan has been proven, or has failed: nothing is left to try.")
    return signoffs.lapsed(plan, at=at)


def _takes_part(remediation: Remediation, person: Person) -> bool:
    granted = grants.of(person)
    return any(granted.may(verb, remediation.category_id) for verb in ("run", "review", "sign_merge"))


def _refuse_outsider(remediation: Remediation, person: Person) -> None:
    if not _takes_part(remediation, person):
        raise NotAllowed(because("prove", f"You neither run nor review the category {remediation.category.name}."))
