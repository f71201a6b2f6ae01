"""Carries a proven role home: what its pull request says, put together from the draft, the proof and the signatures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portal.signoff import services as signoffs
from portal.signoff.models import Plan
from remediation.drafting import roles
from remediation.drafting.schema import RolePart
from remediation.playbooks import prooftext
from remediation.playbooks.models import Proof
from remediation.playbooks.prooftext import Part
from remediation.playbooks.repository.content import Cited, Confirmed, PassedGate, ProvenTask, RequestContent, Signer
from remediation.playbooks.shapes import Kind, TaskResult
from remediation.review import plans, proposing, standing
from remediation.review.reading import Reading


def content_of(read: Reading, merge: Plan, proof: Proof, part: RolePart) -> RequestContent:
    """Everything that the pull request of a proven role says."""
    draft, content = read.draft, plans.read(merge.content)
    applied = [step for step in content.steps if step.kind == "operation" and step.operation == roles.OPERATION]
    return RequestContent(
        title=draft.summary,
        ticket_key=content.ticket,
        category=content.category,
        risk=content.risk,
        role_name=part.name,
        files=roles.files_of(part),
        root_cause=part.root_cause,
        symptom=part.symptom,
        hypothesis=draft.hypothesis,
        blast_radius=" ".join(dict.fromkeys(step.blast_radius for step in applied)),
        back_out=f"tasks/backout.yml; {draft.rollback_owner} within {draft.rollback_minutes} minutes.",
        hosts=[step.target.removeprefix("hosts:") for step in applied],
        proof_digest=proof.digest,
        proof_text=proof.text,
        paths=part.paths,
        services=part.services,
        packages=part.packages,
        evidence=_cited(read),
        tasks=list(_tasks(prooftext.read(proof.text))),
        gates=[PassedGate(each.gate, each.ruleset, "passed") for each in content.gates],
        signers=[
            Signer(str(vote.person), vote.person.username, vote.at.isoformat()) for vote in signoffs.votes_of(merge)
        ],
        confirmed=[
            Confirmed(each.item.title, each.item.text, str(each.by)) for each in standing.checklist_of(read) if each.by
        ],
    )


def _cited(read: Reading) -> Sequence[Cited]:
    refs = proposing.cited_in(read.draft)
    return [Cited(row.ref, row.text) for row in read.evidence if row.ref in refs]


def _tasks(proof: prooftext.Proof) -> Iterator[ProvenTask]:
    """Every task of the role as it was applied, and what the second run made of it."""
    first, second = _applied(proof.parts)
    again = {(task.task, task.place): task.outcome for task in second}
    for task in first:
        if task.file:
            outcome = again.get((task.task, task.place))
            yield ProvenTask(task.host, task.task, task.place, task.outcome.value, outcome.value if outcome else "")


def _applied(parts: Sequence[Part]) -> Sequence[Sequence[TaskResult]]:
    runs = [[task for task in part.tasks if task.kind is Kind.APPLY] for part in parts if Kind.APPLY in part.kinds]
    return [*runs, [], []][:2]
