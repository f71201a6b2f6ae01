"""A canary proof task by task, as the signers of a rollout read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.kit.durations import span
from remediation.drafting import roles
from remediation.drafting.models import Remediation
from remediation.drafting.schema import RolePart
from remediation.playbooks import prooftext
from remediation.playbooks.models import Proof
from remediation.playbooks.shapes import BAD, Facts, Kind, Outcome, TaskResult
from remediation.playbooks.states import ProofStatus
from remediation.review.plans import Content

TONES = {Outcome.OK: "good", Outcome.CHANGED: "warn", Outcome.SKIPPED: "info"}


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task: what it is, where it stands, how it ended; `is_wrong` where the proof breaks on it."""

    task: str
    place: str
    module: str
    outcome: str
    tone: str
    took: str
    diff: str
    message: str
    is_wrong: bool


@dataclass(frozen=True, slots=True)
class PartView:
    """One part of a proof: a check, the first run, the second one, the verify, the way back."""

    title: str
    took: str
    counts: Sequence[tuple[str, int]]
    error: str
    tasks: Sequence[TaskView]

    @property
    def is_wrong(self) -> bool:
        """Whether the proof breaks here."""
        return bool(self.error) or any(task.is_wrong for task in self.tasks)


@dataclass(frozen=True, slots=True)
class ProofView:
    """A proof that has ended, or is being made; `parts` are empty until it has.

    `is_of_another` role: people have changed it since, so that this says nothing about the role as it stands.
    """

    proof: Proof
    content: prooftext.Proof | None
    parts: Sequence[PartView]
    is_of_another: bool

    @property
    def has_held(self) -> bool:
        """Whether it proves the role."""
        return self.proof.status == ProofStatus.HELD

    @property
    def facts(self) -> Facts | None:
        """What it assumes of a host."""
        return self.content.facts if self.content else None

    @property
    def lasted(self) -> tuple[datetime, datetime] | None:
        """When it began and ended."""
        if self.content is None:
            return None
        return datetime.fromisoformat(self.content.started_at), datetime.fromisoformat(self.content.ended_at)

    @property
    def culprits(self) -> Sequence[TaskView]:
        """The tasks on which it breaks, each once; those that a reason names by itself are left out."""
        said = " ".join(self.content.reasons) if self.content else ""
        wrong = (task for part in self.parts for task in part.tasks if task.is_wrong and task.task not in said)
        return list({(task.task, task.place): task for task in wrong}.values())


def of(remediation: Remediation, content: Content | None, part: RolePart) -> ProofView | None:
    """The proof that a plan names, else the newest of the remediation, however it went; None where there is none.

    `part` is the role as it stands.
    """
    proofs = Proof.objects.filter(revision__remediation=remediation).select_related("revision").order_by("-id")
    if content is not None and content.proof:
        proofs = proofs.filter(digest=content.proof)
    proof = proofs.first()
    return view_of(proof, role=roles.part_digest(part)) if proof else None


def view_of(proof: Proof, *, role: str) -> ProofView:
    """A proof as it is shown beside the role with this digest."""
    content = prooftext.read(proof.text) if proof.text else None
    return ProofView(proof, content, parts_of(content.parts) if content else (), proof.role != role)


def parts_of(parts: Sequence[prooftext.Part]) -> list[PartView]:
    """The parts of a proof; once the role has been applied no task may change something, or go unseen. Pure."""
    views, applied = [], False
    for part in parts:
        views.append(_part(part, is_again=applied and Kind.BACK_OUT not in part.kinds))
        applied = applied or Kind.APPLY in part.kinds
    return views


def _part(part: prooftext.Part, *, is_again: bool) -> PartView:
    outcomes = [task.outcome for task in part.tasks]
    counts = [(each.value, outcomes.count(each)) for each in Outcome if each in outcomes]
    tasks = [_task(task, is_again=is_again) for task in part.tasks]
    return PartView(part.title, span(part.milliseconds / 1000), counts, part.error, tasks)


def _task(task: TaskResult, *, is_again: bool) -> TaskView:
    changes_again = is_again and task.outcome is Outcome.CHANGED
    is_unseen = is_again and task.is_skipped_by_check
    return TaskView(
        task=task.task,
        place=task.place,
        module=task.module,
        outcome="not looked at by the check" if task.is_skipped_by_check else task.outcome.value,
        tone="bad" if task.outcome in BAD or changes_again or is_unseen else TONES.get(task.outcome, "info"),
        took=span(task.milliseconds / 1000) if task.milliseconds else "",
        diff=task.diff,
        message=task.message,
        is_wrong=task.outcome in BAD or changes_again or is_unseen,
    )
