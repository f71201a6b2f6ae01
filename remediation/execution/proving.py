"""Makes the canary proof of a role after its merge sign-off: on one host, held for it alone, and given back as it was.

The same rules as in a run: nothing is played inside a transaction, law 1 and the emergency stop hold workers before the
proof and while it lasts. One whose worker was lost is not repeated: the role is taken back on its canary, and a person
has the proof tried again (law 7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from portal.access import grants
from portal.estate.models import Target, TargetLock
from portal.jobs import services as jobs
from portal.jobs.models import Job
from portal.jobs.states import State
from portal.kit.actors import system
from portal.kit.moving import move
from portal.kit.refusals import StaleTransition, because
from portal.notices import services as notices
from portal.signoff import brakes
from portal.signoff.states import PlanStatus
from remediation.connectors import identities
from remediation.drafting import roles, schema
from remediation.drafting.schema import RolePart
from remediation.execution.records import WORKERS
from remediation.execution.shift import left_to_people, scopes_of
from remediation.playbooks import book, hosts, plays, proofs, prooftext
from remediation.playbooks import proving as playing
from remediation.playbooks.models import Proof
from remediation.playbooks.shapes import Kind, Scope
from remediation.playbooks.states import OPEN, PROOF_NEXT, ProofStatus
from remediation.review import plans
from remediation.review.plans import Content
from remediation.wayback import services as waysback
from remediation.wayback.services import NewTaken

REST = timedelta(seconds=30)
"""How long a proof waits for whoever holds its canary, until it looks again."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One worker's turn at a proof; `was_begun` by another one, who was lost."""

    proof: Proof
    fence: int
    content: Content
    part: RolePart
    clock: Callable[[], datetime]
    keeps_lease: Callable[[], bool]
    was_begun: bool

    @property
    def scope(self) -> Scope:
        """What the role may touch."""
        return Scope(tuple(self.part.paths), tuple(self.part.services), tuple(self.part.packages))

    def is_to_stop(self) -> bool:
        """Whether nothing further is to be played: an emergency stop (law 9), or another worker has this proof."""
        return brakes.stopped(scopes_of(self.content)) is not None or not self._holds()

    def end(self, to: ProofStatus, *, says: str, proved: prooftext.Proof | None = None) -> str:
        """End the proof, if this worker still has it; says in a sentence how it went."""
        text = prooftext.text_of(proved) if proved else ""
        with transaction.atomic():
            proof = proofs.locked(self.proof.pk)
            if proof.fence != self.fence or not proof.is_open:
                raise StaleTransition(because("taken_over", "Somebody else has this proof by now."))
            digest = proved.digest if proved else ""
            proofs.end(proof, to, says=says, actor=WORKERS, at=self.clock(), text=text, digest=digest)
            if proved:
                self._keep_way_back(proof, proved)
            _tell(proof, is_partial=bool(proved and proved.remains), at=self.clock())
        return f"{to.value}: {says}"

    def _keep_way_back(self, proof: Proof, proved: prooftext.Proof) -> None:
        """What the canary showed of the role's way back counts as a rehearsal of it."""
        parts = [part for part in proved.parts if Kind.BACK_OUT in part.kinds]
        if not parts:
            return
        remediation, words = proof.revision.remediation, [part.error for part in parts if part.error]
        new = NewTaken(
            operation=roles.OPERATION,
            category_id=remediation.category_id,
            source=proofs.key_of(proof),
            has_worked=not words and not proved.remains,
            target=identities.host(proof.host),
            is_lab=proved.is_lab,
            ticket=remediation.ticket.ref,
            says=" ".join([*words, *proved.remains]),
            is_rehearsal=True,
        )
        waysback.keep(new, actor=WORKERS, at=self.clock())

    def _holds(self) -> bool:
        return self.keeps_lease() and Proof.objects.filter(pk=self.proof.pk, fence=self.fence).exists()


def prove(proof_id: int, *, clock: Callable[[], datetime], keeps_lease: Callable[[], bool]) -> str:
    """Make a proof that was asked for; says in a sentence how it went."""
    turn = _begin(proof_id, clock, keeps_lease)
    if isinstance(turn, str):
        return turn
    try:
        host = hosts.named(turn.proof.host)
    except hosts.BadHosts as bad:
        return turn.end(ProofStatus.INCONCLUSIVE, says=str(bad))
    return _take_back(turn, host) if turn.was_begun else _prove(turn, host)


def give_up_on_lost(*, at: datetime) -> int:
    """Proofs that no job makes any more proved nothing; people are told to look at the canary. Returns how many."""
    return sum(_give_up(proof.pk, at) for proof in Proof.objects.filter(status__in=OPEN))


def _begin(proof_id: int, clock: Callable[[], datetime], keeps_lease: Callable[[], bool]) -> Turn | str:
    """Take it over under a new fence, its host locked; a sentence where there is nothing to do, or not yet."""
    with transaction.atomic():
        proof, at = proofs.locked(proof_id), clock()
        if not proof.is_open:
            return f"{proof} is {proof.status}."
        content = plans.read(proof.plan.content)
        if reason := _not_now(proof, content, at):
            proofs.end(proof, ProofStatus.INCONCLUSIVE, says=reason, actor=WORKERS, at=at)
            _tell(proof, is_partial=False, at=at)
            return f"Not proven: {reason}"
        was_begun = proof.status == ProofStatus.UNDER_WAY
        if not was_begun:
            if held := _lock(proof, at):
                jobs.enqueue(proofs.KIND, subject_id=proof.pk, key=proofs.key_of(proof), at=at, due_at=at + REST)
                return f"Waits: {held}"
            move(proof, ProofStatus.UNDER_WAY, next_states=PROOF_NEXT, status_at=at)
        proof.fence += 1
        proof.save(update_fields=["fence"])
    part = schema.from_text(proof.revision.content).role
    if part is None or roles.part_digest(part) != proof.role:
        raise LookupError("The revision does not hold the role that is to be proven.")
    return Turn(proof, proof.fence, content, part, clock, keeps_lease, was_begun)


def _not_now(proof: Proof, content: Content, at: datetime) -> str:
    """What keeps workers from the canary now; once a proof is under way its way back is not kept from anybody."""
    if proof.status == ProofStatus.UNDER_WAY:
        return ""
    if proof.plan.status != PlanStatus.SIGNED:
        return f"The plan is {proof.plan.status}."
    if reason := left_to_people(content, proof.revision.remediation.ticket):
        return reason
    hold = brakes.hold(
        category=proof.revision.remediation.category, connectors=plans.connectors_of(content.steps), at=at
    )
    if hold.stop:
        return hold.stop.says
    return f"Frozen: {hold.freeze.reason}" if hold.freeze else ""


def _lock(proof: Proof, at: datetime) -> str:
    """Hold the canary for this proof; says who else holds it."""
    target = Target.objects.get(identity=identities.host(proof.host))
    if lock := TargetLock.objects.filter(target=target, released_at=None).select_related("target").first():
        return lock.says
    key = proof.revision.remediation.ticket.key
    try:
        with transaction.atomic():
            TargetLock.objects.create(target=target, proof_id=proof.pk, ticket_key=key, taken_at=at)
    except IntegrityError:
        return f"{target.identity} was taken at this moment."
    return ""


def _prove(turn: Turn, host: hosts.Host) -> str:
    if _has_left_something(turn.proof) and (error := _back_out(turn, host)):
        return turn.end(ProofStatus.INCONCLUSIVE, says=f"What the last proof left could not be taken back: {error}")
    proved = playing.prove(
        turn.part.name,
        roles.files_of(turn.part),
        role=turn.proof.role,
        host=host,
        scope=turn.scope,
        now=turn.clock,
        on_event=lambda title, event: book.tell(proofs.key_of(turn.proof), event, part=title),
        is_to_stop=turn.is_to_stop,
        seconds=round(settings.PLAY_SECONDS),
    )
    if proved.holds:
        return turn.end(ProofStatus.HELD, says=f"Proven on {host.name}.", proved=proved)
    was_kept_from_it = proved.facts is None or turn.is_to_stop()
    words = " ".join([*proved.reasons, *(f"Left on {host.name}: {each}" for each in proved.remains)])
    return turn.end(ProofStatus.INCONCLUSIVE if was_kept_from_it else ProofStatus.FAILED, says=words, proved=proved)


def _take_back(turn: Turn, host: hosts.Host) -> str:
    """The worker before this one was lost: nobody knows how far it came, so the role's way back is played.

    Not under an emergency stop: the next proof, which a person asks for, begins with it (law 8).
    """
    if brakes.stopped(scopes_of(turn.content)):
        did = "Under the emergency stop the back-out was not played."
    else:
        error = _back_out(turn, host)
        did = f"The back-out failed: {error}" if error else "The back-out was played."
    says = f"Its worker was lost in the middle. {did} Look at {host.name}, then have it proven again."
    return turn.end(ProofStatus.INCONCLUSIVE, says=says)


def _back_out(turn: Turn, host: hosts.Host) -> str:
    """Play the way back of the role; says why it did not work."""
    return plays.play(
        [Kind.BACK_OUT],
        name=turn.part.name,
        files=roles.files_of(turn.part),
        host=host,
        scope=turn.scope,
        on_event=lambda event: book.tell(proofs.key_of(turn.proof), event),
        seconds=round(settings.PLAY_SECONDS),
    ).error


def _has_left_something(proof: Proof) -> bool:
    """Whether the last proof of this role on this host was stopped, or lost, before everything was taken back."""
    earlier = Proof.objects.filter(role=proof.role, host=proof.host, pk__lt=proof.pk).exclude(fence=0)
    last = earlier.order_by("-id").first()
    return last is not None and (not last.text or bool(prooftext.read(last.text).remains))


def _give_up(proof_id: int, at: datetime) -> bool:
    with transaction.atomic():
        proof = proofs.locked(proof_id)
        driven = Job.objects.filter(
            kind=proofs.KIND, key=proofs.key_of(proof), state__in=[State.WAITING, State.RUNNING]
        )
        if not proof.is_open or driven.exists():
            return False
        says = f"Its workers were lost. {proof.host} may not be as it was: look at it, then have it proven again."
        proofs.end(proof, ProofStatus.INCONCLUSIVE, says=says, actor=system("general"), at=at)
        _tell(proof, is_partial=True, at=at)
    return True


def _tell(proof: Proof, *, is_partial: bool, at: datetime) -> None:
    """Those who sign hear how it went; where something was left on the canary, those who run and configure too."""
    remediation = proof.revision.remediation
    verbs = ("run", "configure", "sign_merge") if is_partial else ("sign_merge", "sign_rollout")
    people = {each.pk: each for verb in verbs for each in grants.holders(verb, remediation.category)}
    notices.tell(
        list(people.values()),
        kind="partial" if is_partial else "run",
        ticket_key=remediation.ticket.key,
        text=f"The proof of {remediation.ticket.key} {ENDS[ProofStatus(proof.status)]}. {proof.says}",
        path=f"/tickets/{remediation.ticket.key}/review",
        at=at,
        key=proofs.key_of(proof),
    )


ENDS = {
    ProofStatus.HELD: "held",
    ProofStatus.FAILED: "failed",
    ProofStatus.INCONCLUSIVE: "could not be made",
}
