"""Tells a run that is over as a timeline of the incident: what was looked at and done, by whom, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from portal.kit.refusals import StaleTransition, because
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.execution import logbook, records, wording
from remediation.execution.logbook import Narrowed
from remediation.execution.models import Run, StepOutput
from remediation.execution.states import RUN_NEXT
from remediation.execution.wording import Part
from remediation.review.plans import PlanStep
from remediation.tickets.models import Ticket
from remediation.tickets.timelines import ENTRIES_AT_MOST, NAME_AT_MOST, Entry, Timeline

OUTPUT_AT_MOST = 16_000
OVER = frozenset(status for status, after in RUN_NEXT.items() if not after)
"""Statuses that nothing follows."""

Phase = StepOutput.Phase
_PARTS: Mapping[str, Callable[[PlanStep], Part | None]] = {
    Phase.PREFLIGHT: wording.preflight_of,
    Phase.ACTION: wording.action_of,
    Phase.PROBE: wording.verify_of,
    Phase.VERIFY: wording.verify_of,
    Phase.ROLLBACK: wording.way_back_of,
    Phase.ROLLBACK_VERIFY: wording.way_back_check_of,
}


def newest_over(ticket: Ticket) -> Run | None:
    """The last run of a ticket that came to its end, by whoever's hands."""
    runs = Run.objects.filter(remediation__ticket=ticket, status__in=sorted(OVER))
    return runs.select_related("plan", "remediation__ticket").order_by("-id").first()


def required(ticket: Ticket) -> Run:
    """The same; StaleTransition where nothing was run to its end."""
    run = newest_over(ticket)
    if run is None:
        raise StaleTransition(because("no_run", f"No run of {ticket.key} has come to its end yet."))
    return run


def timeline_of(run: Run) -> Timeline:
    """What the run says of itself. Of the cause it knows what its draft supposed; a person corrects that."""
    steps = {step.number: step for step in records.content_of(run).steps}
    rows = list(logbook.rows([run.pk], Narrowed()).order_by("id")[: ENTRIES_AT_MOST + 1])
    entries = [_entry(row, steps[row.number]) for row in rows]  # type: ignore[attr-defined]  # annotated
    if len(entries) > ENTRIES_AT_MOST:
        rest = Entry(rows[ENTRIES_AT_MOST - 1].at, f"There is more; all of it stands in the log of {run}.")
        entries = [*entries[: ENTRIES_AT_MOST - 1], rest]
    head = remediations.head(run.remediation)
    cause = schema.from_text(head.content).hypothesis if head else ""
    return Timeline(tuple(entries), symptom=run.remediation.ticket.title, root_cause=cause)


def _entry(row: StepOutput, step: PlanStep) -> Entry:
    """A part of a step that was left undone has no command: only what was really run stands as run."""
    part = _PARTS.get(row.phase, _no_part)(step)
    command = part.command if part and row.is_good is not None else ""
    says = f"{row.get_phase_display()}: {row.says}" + ("" if command else " (not run)")
    output = _cut(row.text)
    return Entry(
        at=row.at,
        text=says if command else "\n".join(filter(None, [says, output])),
        by=row.by[:NAME_AT_MOST],
        host=step.target.removeprefix("hosts:")[:NAME_AT_MOST],
        command=command,
        output=output if command else "",
    )


def _no_part(_: PlanStep) -> Part | None:
    return None


def _cut(text: str) -> str:
    left_out = len(text) - OUTPUT_AT_MOST
    return text if left_out <= 0 else f"{text[:OUTPUT_AT_MOST]}\n[{left_out} characters left out]"
