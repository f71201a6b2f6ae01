"""The verbs of a canary proof: ask for one, take it over, end it. What it does on the host is the engine's."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from portal.audit import services as audit
from portal.estate.models import TargetLock
from portal.jobs import services as jobs
from portal.kit.actors import Actor, Ref
from portal.kit.moving import move
from portal.kit.refusals import StaleTransition, because
from portal.kit.statements import Query, given
from portal.signoff.models import Plan
from remediation.drafting.models import Revision
from remediation.playbooks import prooftext
from remediation.playbooks.models import Play, PlayEvent, Proof
from remediation.playbooks.shapes import Kind, Outcome
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


def begin(proof: Proof, *, actor: Actor, at: datetime) -> None:
    """Begin a locked proof whose host is held for it."""
    move(proof, ProofStatus.UNDER_WAY, next_states=PROOF_NEXT, status_at=at, says="")
    data = {"role": proof.role, "host": proof.host}
    audit.record("proof.begun", actor=actor, at=at, subject=proof.ref, ticket=_ticket(proof), data=data)


def wait(proof: Proof, *, says: str, at: datetime, due_at: datetime) -> None:
    """Have a locked proof tried later, and say what it waits for."""
    proof.says = says
    proof.save(update_fields=["says"])
    jobs.enqueue(KIND, subject_id=proof.pk, key=key_of(proof), at=at, due_at=due_at)


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
    jobs.hasten_waiting_for(f"proof:{proof.pk}", queue="execution", at=at)
    data = {"after": to.value, "reason": says, "proof": digest}
    jobs.publish("proof.ended", subject_id=proof.pk, at=at)
    audit.record("proof.ended", actor=actor, at=at, subject=proof.ref, ticket=_ticket(proof), data=data)


def has_applied(proof: Proof) -> bool:
    """Whether the role has begun to be applied: until then nothing on the host is its doing."""
    return PlayEvent.objects.filter(source=key_of(proof), part__in=prooftext.APPLIES).exists()


def left_by(proof: Proof) -> Proof | None:
    """The proof before this one of the same role, or remediation, that may have left something on this host.

    It was stopped, or lost, after it began to apply and before all was taken back, and no run has played it since. If
    its way back was tried since and a task of that failed, people were told to look: it is not tried for ever.
    """
    same = Q(role=proof.role) | Q(revision__remediation=proof.revision.remediation_id)
    earlier = Proof.objects.filter(same, host=proof.host, pk__lt=proof.pk).exclude(fence=0)
    was_tried = False
    for each in earlier.select_related("revision").order_by("-id"):
        if each.text or has_applied(each):
            is_clean = bool(each.text) and not prooftext.read(each.text).remains
            later = Play.objects.filter(host=each.host, role=each.role, started_at__gt=each.status_at)
            return None if is_clean or was_tried or later.exists() else each
        was_tried = was_tried or _has_failed_to_take_back(each)
    return None


def _has_failed_to_take_back(proof: Proof) -> bool:
    """Whether what an earlier proof left was tried to be taken back by this one, in vain."""
    events = PlayEvent.objects.filter(source=key_of(proof), part=Kind.BACK_OUT.value)
    return events.filter(status=Outcome.FAILED).exists()


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
