"""What the drafter got wrong, as the record shows it: gates, edits, objections, failed proofs and runs, feedback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from feedback.models import Feedback
from portal.kit import diff
from remediation.drafting import roles, schema
from remediation.drafting.models import Attempt, Drafter, Revision
from remediation.execution.models import Run, StepRun
from remediation.execution.states import RunStatus, StepStatus
from remediation.playbooks.models import Proof
from remediation.playbooks.states import ProofStatus
from remediation.postmortem.telling import Difference, Wrong
from remediation.review import draft_text
from remediation.review.models import GateResult, Objection
from remediation.tickets.models import Evidence, Ticket

MOST_FINDINGS = 50
ANSWERED = (Attempt.Outcome.DRAFTED, Attempt.Outcome.NEEDS_PERSON, Attempt.Outcome.NOT_CONFIGURED)
BAD = (StepStatus.FAILED, StepStatus.UNKNOWN, StepStatus.ROLLED_BACK, StepStatus.ROLLBACK_FAILED)


def of(ticket: Ticket, revisions: Sequence[Revision], runs: Sequence[Run], said: Sequence[Feedback]) -> Iterator[Wrong]:
    """Everything that speaks against the draft, in the order in which it comes to light."""
    yield from _answers(ticket)
    yield from _findings(ticket)
    yield from _contradictions(ticket)
    yield from _objections(ticket)
    yield from _edits(revisions)
    yield from _proofs(ticket)
    yield from _runs(runs)
    yield from _opinions(said)


def differences(revisions: Sequence[Revision]) -> Iterator[Difference]:
    """The last revision against the drafter's first one, text by text; nothing where nobody edited one."""
    first = next((each for each in revisions if each.drafter != Drafter.PERSON), None)
    if first is None or first.pk == revisions[-1].pk:
        return
    before, after = texts_of(first), texts_of(revisions[-1])
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path, ""), after.get(path, "")
        if old != new:
            yield Difference(path, diff.unified(old, new))


def texts_of(revision: Revision) -> Mapping[str, str]:
    """What a revision says, as the texts that people read: the draft, and every file of its role."""
    draft = schema.from_text(revision.content)
    files = roles.files_of(draft.role) if draft.role else {}
    return {"draft.yml": draft_text.without_files(draft), **files}


def _answers(ticket: Ticket) -> Iterator[Wrong]:
    rows = Attempt.objects.filter(remediation__ticket=ticket).exclude(outcome__in=ANSWERED)
    for row in rows.only("drafter", "outcome", "detail"):
        yield Wrong(row.get_drafter_display(), f"{row.get_outcome_display()}. {row.detail}")


def _findings(ticket: Ticket) -> Iterator[Wrong]:
    """What gates had against texts of a drafter; findings about what a person wrote are not the drafter's."""
    rows = GateResult.objects.filter(revision__remediation__ticket=ticket, has_passed=False)
    own = rows.exclude(revision__drafter=Drafter.PERSON).select_related("revision")
    told = dict.fromkeys(
        Wrong(f"Revision {row.revision.number}, gate {row.gate}", f"{finding['place']}: {finding['text']}")
        for row in own
        for finding in row.findings
    )
    yield from list(told)[:MOST_FINDINGS]
    if len(told) > MOST_FINDINGS:
        yield Wrong("Gates", f"{len(told) - MOST_FINDINGS} more findings.")


def _contradictions(ticket: Ticket) -> Iterator[Wrong]:
    for piece in Evidence.objects.filter(ticket=ticket, contradicts=True):
        yield Wrong("Hypothesis", f"{piece.ref} contradicts it.")


def _objections(ticket: Ticket) -> Iterator[Wrong]:
    rows = Objection.objects.filter(remediation__ticket=ticket).select_related("person").prefetch_related("remarks")
    for row in rows:
        reason = f" ({row.get_reason_display().lower()})" if row.reason != Objection.Reason.OTHER else ""
        yield Wrong(f"{row.person} {row.get_kind_display().lower()}{reason}", row.comment)
        for remark in row.remarks.all():
            yield Wrong(f"{row.person} on {remark.place}", f"{remark.comment} (it said: {remark.quote})")


def _edits(revisions: Sequence[Revision]) -> Iterator[Wrong]:
    before = {each.pk: each for each in revisions}
    for each in revisions:
        base = before.get(each.base_id) if each.base_id else None
        if each.author is None or base is None:
            continue
        old, new = texts_of(base), texts_of(each)
        changed = [path for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)]
        yield Wrong(
            f"Revision {each.number} by {each.author}", f"changed {', '.join(changed) or 'nothing that shows'}."
        )


def _proofs(ticket: Ticket) -> Iterator[Wrong]:
    rows = Proof.objects.filter(revision__remediation__ticket=ticket, status=ProofStatus.FAILED).order_by("id")
    for row in rows:
        yield Wrong(f"Proof on {row.host}", row.says)


def _runs(runs: Sequence[Run]) -> Iterator[Wrong]:
    bad = [run for run in runs if run.status in {RunStatus.FAILED, RunStatus.ROLLED_BACK}]
    for run in bad:
        yield Wrong(f"Run {run.pk}", f"{run.outcome.capitalize()}. {run.status_reason}")
    steps = StepRun.objects.filter(run__in=bad, status__in=BAD).order_by("run_id", "number")
    for step in steps[:MOST_FINDINGS]:
        yield Wrong(f"Run {step.run_id}, step {step.number}", f"{step.status.replace('_', ' ')}. {step.detail}")


def _opinions(said: Sequence[Feedback]) -> Iterator[Wrong]:
    for row in said:
        if row.resolution_accurate is False:
            yield Wrong(f"Feedback of {row.person}", "The resolution was not right.")
        if row.actions_worked is False:
            yield Wrong(f"Feedback of {row.person}", "The actions did not work.")
        if row.what_didnt_work:
            yield Wrong(f"Feedback of {row.person}", row.what_didnt_work)
