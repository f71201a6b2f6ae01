"""The log of a run: what was seen and done, narrowed, page by page, and as files written while they are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import OuterRef, QuerySet, Subquery

from portal.kit.paging import Page, page_of
from remediation.execution import records
from remediation.execution.models import Run, StepOutput, StepRun

PAGE = 50
AT_ONCE = 200
WORDS = {True: "good", False: "bad", None: "unknown"}
Lines = Callable[[Run, "Narrowed"], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What the log is narrowed to; what is empty does not narrow. Failures are what was not clearly good."""

    step: int | None = None
    phase: str = ""
    only_failures: bool = False


def rows(runs: Collection[int] | QuerySet[Any], narrowed: Narrowed) -> QuerySet[StepOutput]:
    """What runs (their ids) saw and did, each with its `number`."""
    step = StepRun.objects.filter(pk=OuterRef("step_id"))
    found = StepOutput.objects.filter(run_id__in=runs).annotate(number=Subquery(step.values("number")))
    if narrowed.step is not None:
        found = found.filter(step_id__in=StepRun.objects.filter(run__in=runs, number=narrowed.step).values("pk"))
    if narrowed.phase:
        found = found.filter(phase=narrowed.phase)
    if narrowed.only_failures:
        found = found.exclude(is_good=True)
    return found


def page(run: Run, narrowed: Narrowed, *, after: str | None, size: int = PAGE) -> Page[StepOutput]:
    """One page of the log, in the order things were said, each with its `number`."""
    return page_of(rows([run.pk], narrowed), order=["id"], after=after, size=size)


def text(run: Run, narrowed: Narrowed) -> Iterator[str]:
    """The log as plain text, one entry after the other."""
    yield f"Run {run.pk} of {run.remediation.ticket.key}: {run.outcome}. {run.status_reason}\n"
    for row in rows([run.pk], narrowed).iterator(AT_ONCE):
        head = f"{row.at:%Y-%m-%d %H:%M:%S}Z step {_number(row)} {row.phase} {WORDS[row.is_good]} by {row.by}"
        yield f"\n== {head}\n{row.says}\n{row.text}\n"


def document(run: Run, narrowed: Narrowed) -> Iterator[str]:
    """The run, its steps and its log as one JSON document."""
    yield '{"run":' + _json(_run(run)) + ',"steps":['
    titles = {step.number: (step.title, step.target) for step in records.content_of(run).steps}
    for number, step in enumerate(run.steps.iterator(AT_ONCE)):
        yield ("," if number else "") + _json(_step(step, *titles[step.number]))
    yield '],"log":['
    for number, row in enumerate(rows([run.pk], narrowed).iterator(AT_ONCE)):
        yield ("," if number else "") + _json(_entry(row))
    yield "]}\n"


FORMS: dict[str, tuple[str, Lines]] = {
    "txt": ("text/plain; charset=utf-8", text),
    "json": ("application/json", document),
}


def _number(row: StepOutput) -> int:
    return int(row.number)  # type: ignore[attr-defined]  # annotated


def _run(run: Run) -> dict[str, object]:
    return {
        "id": run.pk,
        "ticket_id": run.remediation.ticket.key,
        "mode": run.mode,
        "status": run.status,
        "outcome": run.outcome,
        "reason": run.status_reason,
        "plan": run.plan.digest,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }


def _step(step: StepRun, title: str, target: str) -> dict[str, object]:
    return {
        "step": step.number,
        "title": title,
        "target": target,
        "status": step.status,
        "detail": step.detail,
        "intended_at": step.intended_at,
        "acted_at": step.acted_at,
    }


def _entry(row: StepOutput) -> dict[str, object]:
    return {
        "at": row.at,
        "step": _number(row),
        "phase": row.phase,
        "outcome": WORDS[row.is_good],
        "who": row.by,
        "what": row.says,
        "output": row.text,
    }


def _json(data: dict[str, object]) -> str:
    return json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False)
