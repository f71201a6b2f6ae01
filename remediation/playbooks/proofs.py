"""The verbs of a canary proof: ask for one, take it over, end it. What it does on the host is the engine's."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from portal.audit import services as audit
from portal.estate.models import TargetLock
from portal.jobs import services as jobs
from portal.kit.actors import Actor, Ref
from portal.kit.moving import move
from portal.kit.refusals import StaleTransition, because
from portal.kit.statements import Query, given
from portal.signoff.models import Plan
from remediation.drafting.models import Revision
from remediation.playbooks.models import Proof
from remediation.playbooks.states import PROOF_NEXT, ProofStatus

KIND = "execution.prove"
_HELD = Query(
    lambda: Proof.objects.filter(plan=given("plan"), status=ProofStatus.HELD).only("digest").order_by("-id")[:1]
)
_NEWEST = Query(lambda: Proof.objects.filter(plan=given("plan")).order_by("-id")[:1])


def ask(plan: Plan, revision: Revision, *, role: str, host: str, actor: Actor, at: datetime) -> Proof:
    """Have the role of a signed merge plan proven on its canary; in the caller's transaction."""
    try:
        with transaction.atomic():
            proof = Proof.objects.create(plan=plan, revision=revision, role=role, host=host, status_at=at, asked_at=at)
    except IntegrityError as error:
        raise StaleTransition(because("under_way", "The role of this plan is being proven already.")) from error
    data = {"plan": plan.digest, "role": role, "host": host}
    audit.record("proof.asked", actor=actor, at=at, subject=proof.ref, ticket=_ticket(proof), data=data)
    jobs.enqueue(KIND, subject_id=proof.pk, key=key_of(proof), at=at)
    return proof


def locked(proof_id: int) -> Proof:
    """The proof with its row locked until the transaction ends."""
    rows = Proof.objects.select_for_update(of=("self",)).select_related("plan", "revision__remediation__ticket")
    return rows.get(pk=proof_id)


def end(
    proof: Proof, to: ProofStatus, *, says: str, actor: Actor, at: datetime, text: str = "", digest: str = ""
) -> None:
    """End a locked proof: its host is free, and what it showed stays."""
    move(proof, to, next_states=PROOF_NEXT, status_at=at, says=says, text=text, digest=digest)
    TargetLock.objects.filter(proof_id=proof.pk, released_at=None).update(released_at=at)
    data = {"after": to.value, "reason": says, "proof": digest}
    jobs.publish("proof.ended", subject_id=proof.pk, at=at)
    audit.record("proof.ended", actor=actor, at=at, subject=proof.ref, ticket=_ticket(proof), data=data)


def digest_of(plan_id: int) -> str:
    """The digest of the proof that a merge plan has; empty: none has held."""
    held = _HELD.first(plan=plan_id)
    return held.digest if held else ""


def newest(plan_id: int) -> Proof | None:
    """The last proof of a merge plan, however it went."""
    return _NEWEST.first(plan=plan_id)


def key_of(proof: Proof) -> str:
    """The key of the job that makes it: of one proof only one is driven at a time."""
    return f"proof:{proof.pk}"


def _ticket(proof: Proof) -> Ref:
    return proof.revision.remediation.ticket.ref
