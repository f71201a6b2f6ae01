"""Makes the canary proof of a role after its merge sign-off: on one host, held for it alone, and given back as it was.

The same rules as in a run: nothing is played inside a transaction; what its plan says must still be true, and law 1, a
freeze and the emergency stop hold workers, before the role is played and before it is played again. One whose worker
was lost is not repeated: the role is taken back on its canary, and a person has the proof tried again (law 7).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from portal.access import grants
from portal.estate.models import Target, TargetLock
from portal.jobs.models import Job
from portal.jobs.states import State
from portal.kit.actors import system
from portal.kit.refusals import StaleTransition, because
from portal.notices import services as notices
from portal.signoff import brakes
from portal.signoff import services as signoffs
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
from remediation.playbooks.states import OPEN, ProofStatus
from remediation.review import plans, voiding
from remediation.review.plans import Content
from remediation.wayback import services as waysback
from remediation.wayback.services import NewTaken

REST = timedelta(seconds=30)
"""How long a proof waits for whoever holds its canary, until it looks again."""
MOST_TOLD = 8
"""Of more reasons and remains than these people are told how many there are; the proof has them all."""


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

    def is_to_stop(self) -> bool:
        """Whether nothing further is to be played: an emergency stop (law 9), or another worker has this proof."""
        return brakes.stopped(scopes_of(self.content)) is not None or self.is_lost()

    def is_lost(self) -> bool:
        """Whether another worker has this proof by now."""
        return not (self.keeps_lease() and Proof.objects.filter(pk=self.proof.pk, fence=self.fence).exists())

    def why_not(self) -> str:
        """Why the role is not to be played any more, as far as people and their rules have a say; empty if it may."""
        proof = Proof.objects.select_related("plan", "revision__remediation__ticket").get(pk=self.proof.pk)
        return _held_back(proof, self.content, self.clock())

    def end(
        self, to: ProofStatus, *, says: str, proved: prooftext.Proof | None = None, is_partial: bool = False
    ) -> str:
        """End the proof, if this worker still has it; says in a sentence how it went.

        It `is_partial` where something may be left on the canary.
        """
        text = prooftext.text_of(proved) if proved else ""
        with transaction.atomic():
            proof = proofs.locked(self.proof.pk)
            if proof.fence != self.fence or not proof.is_open:
                raise StaleTransition(because("taken_over", "Somebody else has this proof by now."))
            digest = proved.digest if proved else ""
            proofs.end(proof, to, says=says, actor=WORKERS, at=self.clock(), text=text, digest=digest)
            if proved:
                self._keep_way_back(proof, proved)
            _tell(proof, is_partial=is_partial or bool(proved and proved.remains), at=self.clock())
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
            playbook=proof.role,
        )
        waysback.keep(new, actor=WORKERS, at=self.clock())


def prove(proof_id: int, *, clock: Callable[[], datetime], keeps_lease: Callable[[], bool]) -> str:
    """Make a proof that was asked for; says in a sentence how it went."""
    _settle(proof_id, clock())
    turn = _begin(proof_id, clock, keeps_lease)
    if isinstance(turn, str):
        return turn
    try:
        host = hosts.named(turn.proof.host)
    except hosts.BadHosts as bad:
        return turn.end(ProofStatus.INCONCLUSIVE, says=str(bad), is_partial=proofs.has_applied(turn.proof))
    return _take_back(turn, host) if turn.was_begun else _prove(turn, host)


def give_up_on_lost(*, at: datetime) -> int:
    """Proofs that no job makes any more proved nothing; people are told to look at the canary. Returns how many."""
    return sum(_give_up(proof.pk, at) for proof in Proof.objects.filter(status__in=OPEN))


def _settle(proof_id: int, at: datetime) -> None:
    """Void the plan of a proof that waits to be begun, if it no longer says what is true: as at the claim of a run."""
    proof = Proof.objects.select_related("revision").get(pk=proof_id)
    if proof.status == ProofStatus.ASKED:
        voiding.settle(proof.revision.remediation_id, actor=WORKERS, at=at)


def _begin(proof_id: int, clock: Callable[[], datetime], keeps_lease: Callable[[], bool]) -> Turn | str:
    """Take it over under a new fence, its host locked; a sentence where there is nothing to do, or not yet."""
    with transaction.atomic():
        proof, at = proofs.locked(proof_id), clock()
        if not proof.is_open:
            return f"{proof} is {proof.status}."
        content = plans.read(proof.plan.content)
        was_begun = proof.status == ProofStatus.UNDER_WAY  # its way back is kept from nobody by a freeze or a void plan
        if not was_begun and (reason := _held_back(proof, content, at)):
            proofs.end(proof, ProofStatus.INCONCLUSIVE, says=reason, actor=WORKERS, at=at)
            _tell(proof, is_partial=False, at=at)
            return f"Not proven: {reason}"
        if not was_begun:
            if held := _lock(proof, at):
                proofs.wait(proof, says=held, at=at, due_at=at + REST)
                return f"Waits: {held}"
            proofs.begin(proof, actor=WORKERS, at=at)
        proof.fence += 1
        proof.save(update_fields=["fence"])
    return Turn(proof, proof.fence, content, _part_of(proof), clock, keeps_lease, was_begun)


def _part_of(proof: Proof) -> RolePart:
    part = schema.from_text(proof.revision.content).role
    if part is None or roles.part_digest(part) != proof.role:
        raise LookupError("The revision does not hold the role that is to be proven.")
    return part


def _scope_of(part: RolePart) -> Scope:
    """What a role may touch."""
    return Scope(tuple(part.paths), tuple(part.services), tuple(part.packages))


def _held_back(proof: Proof, content: Content, at: datetime) -> str:
    """What keeps workers from playing the role on the canary now; empty if nothing does."""
    if proof.plan.status != PlanStatus.SIGNED:
        return f"The plan is {proof.plan.status}. {proof.plan.void_reason}".strip()
    if lapsed := signoffs.lapsed(proof.plan, at=at):
        return lapsed.text
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
    if (left := proofs.left_by(turn.proof)) and (error := _back_out(turn, host, _part_of(left))):
        says = f"What the last proof left could not be taken back: {error} Look at {host.name}, then try again."
        return turn.end(ProofStatus.INCONCLUSIVE, says=says, is_partial=True)
    kept: list[str] = []

    def why_not() -> str:
        if reason := turn.why_not():
            kept.append(reason)
        return reason

    proved = playing.prove(
        turn.part.name,
        roles.files_of(turn.part),
        role=turn.proof.role,
        host=host,
        scope=_scope_of(turn.part),
        now=turn.clock,
        on_event=lambda title, event: book.tell(proofs.key_of(turn.proof), event, part=title),
        is_to_stop=turn.is_to_stop,
        is_lost=turn.is_lost,
        why_not=why_not,
        seconds=round(settings.PLAY_SECONDS),
    )
    if proved.holds:
        return turn.end(ProofStatus.HELD, says=f"Proven on {host.name}.", proved=proved)
    was_kept_from_it = proved.facts is None or bool(kept) or turn.is_to_stop()
    to = ProofStatus.INCONCLUSIVE if was_kept_from_it else ProofStatus.FAILED
    return turn.end(to, says=told(proved), proved=proved)


def told(proved: prooftext.Proof) -> str:
    """Why a proof does not hold, and what is left on the canary, as people are told."""
    every = [*proved.reasons, *(f"Left on {proved.host}: {each}" for each in proved.remains)]
    more = len(every) - MOST_TOLD
    return " ".join([*every[:MOST_TOLD], *([f"And {more} more."] if more > 0 else [])])


def _take_back(turn: Turn, host: hosts.Host) -> str:
    """The worker before this one was lost: nobody knows how far it came, so the role's way back is played.

    Not under an emergency stop, nor while workers are off: the next proof, which a person asks for, begins with it
    (law 8).
    """
    has_applied = proofs.has_applied(turn.proof)
    says = f"Its worker was lost in the middle. {_taken_back(turn, host, has_applied=has_applied)}"
    return turn.end(ProofStatus.INCONCLUSIVE, says=f"{says} Have it proven again.", is_partial=has_applied)


def _taken_back(turn: Turn, host: hosts.Host, *, has_applied: bool) -> str:
    if not has_applied:
        return f"Nothing had been applied to {host.name}."
    if stop := brakes.stopped(scopes_of(turn.content)):
        did = f"{stop.says}: the back-out was not played."
    elif reason := left_to_people(turn.content, turn.proof.revision.remediation.ticket):
        did = f"{reason} The back-out was not played."
    else:
        error = _back_out(turn, host, turn.part)
        did = f"The back-out failed: {error}" if error else "The back-out was played."
    return f"{did} Look at {host.name}."


def _back_out(turn: Turn, host: hosts.Host, part: RolePart) -> str:
    """Play the way back of a role; says why it did not work."""
    return plays.play(
        [Kind.BACK_OUT],
        name=part.name,
        files=roles.files_of(part),
        host=host,
        scope=_scope_of(part),
        on_event=lambda event: book.tell(proofs.key_of(turn.proof), event),
        seconds=round(settings.PLAY_SECONDS),
    ).error


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
