"""What proves a fix, and what is left to do: canary proofs, rehearsals, runs; the pull request, suggestions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from feedback.models import Feedback
from portal.signoff.models import Plan
from remediation.execution.models import Run, StepRun
from remediation.playbooks import prooftext
from remediation.playbooks.models import Proof
from remediation.playbooks.repository.models import PullRequest
from remediation.playbooks.repository.states import RequestStatus
from remediation.postmortem.composing import moment
from remediation.postmortem.telling import Action, Shown
from remediation.review import plans
from remediation.tickets.models import Ticket
from remediation.wayback.models import Rehearsal

MOST_STEPS = 50


def proofs(ticket: Ticket, runs: Sequence[Run]) -> Iterator[Shown]:
    """Proofs, rehearsals and runs, in this order."""
    for proof in Proof.objects.filter(revision__remediation__ticket=ticket).order_by("id"):
        yield _proof(proof)
    own = Plan.objects.filter(ticket_id=ticket.pk).values("pk")
    for rehearsal in Rehearsal.objects.filter(plan__in=own).order_by("id"):
        says = f"{rehearsal.status.capitalize()}, {moment(rehearsal.status_at)}. {rehearsal.says}"
        yield Shown("Rehearsal of the way back", says)
    for run in runs:
        yield _run(run)


def actions(ticket: Ticket, said: Sequence[Feedback]) -> Iterator[Action]:
    """What makes the fix last: the pull request of its role. Then what people suggested."""
    rows = PullRequest.objects.filter(remediation__ticket=ticket).exclude(status=RequestStatus.WITHDRAWN)
    requests = list(rows.order_by("id"))
    for request in requests:
        yield Action(request.status == RequestStatus.MERGED, _request(request), request.url)
    if not requests:
        yield Action(is_done=False, text="Make the fix last: no pull request with a role came of this ticket.")
    for row in said:
        if row.suggestions:
            yield Action(is_done=False, text=f"{row.person} suggests: {row.suggestions}")


def _request(request: PullRequest) -> str:
    """A pull request in a sentence."""
    what = f"the role {request.role_name} (branch {request.branch})"
    if request.status != RequestStatus.MERGED:
        return f"Merge {what}: its pull request is {request.status}. {request.detail}"
    by, at = f" by {request.merged_by}" if request.merged_by else "", request.merged_at
    return f"Merged {what}{by}{f', {moment(at)}' if at else ''}: commit {request.merged_commit}."


def _proof(proof: Proof) -> Shown:
    """A canary proof with its parts, and every task that changed something when nothing was to change any more."""
    named = f" SHA-256 of the proof: {proof.digest}." if proof.digest else ""
    says = f"{proof.status.replace('_', ' ').capitalize()}, {moment(proof.status_at)}. {proof.says}{named}"
    content = prooftext.read(proof.text) if proof.text else None
    lines = [*map(_part, content.parts), *content.reasons, *content.remains] if content else []
    return Shown(f"Canary proof on {proof.host}", says, lines)


def _part(part: prooftext.Part) -> str:
    """One step of a proof in a line."""
    counts = f"{len(part.tasks)} tasks, {part.changed} changed, {part.failed} failed"
    return f"{part.title}: {counts}, {part.milliseconds / 1000:.1f} s{f'. {part.error}' if part.error else ''}"


def _run(run: Run) -> Shown:
    titles = {step.number: step.title for step in plans.read(run.plan.content).steps}
    steps = list(StepRun.objects.filter(run=run).order_by("number")[: MOST_STEPS + 1])
    lines = [f"Step {step.number}, {titles.get(step.number, '')}: {_words(step)}" for step in steps[:MOST_STEPS]]
    more = [f"The run has more than {MOST_STEPS} steps; its page shows them all."] if len(steps) > MOST_STEPS else []
    ended = moment(run.finished_at) if run.finished_at else "not over"
    says = f"{run.outcome.capitalize()}, {moment(run.started_at)} to {ended}. {run.status_reason}"
    return Shown(f"Run {run.pk}, {run.get_mode_display().lower()}", says, [*lines, *more])


def _words(step: StepRun) -> str:
    acted = f", acted {moment(step.acted_at)}" if step.acted_at else ""
    detail = f". {step.detail}" if step.detail else ""
    return f"{step.status.replace('_', ' ')}{acted}{detail}"
