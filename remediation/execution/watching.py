"""What is watched between two waves: every look is kept, one that does not hold takes the wave back.

A signal that nobody can read does not hold. Between looks no worker is held and nothing is in its memory: until when
is watched stands in the run, which keeps its targets.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite

from django.conf import settings

from portal.audit import services as audit
from remediation.connectors import client, prometheus
from remediation.connectors.prometheus import Answer
from remediation.execution import records
from remediation.execution.models import Reading, Run
from remediation.execution.records import WORKERS
from remediation.execution.shift import Shift
from remediation.execution.states import RunStatus
from remediation.policy import opening
from remediation.review.waves import RELATIONS, Signal, Stages


@dataclass(frozen=True, slots=True)
class Seen:
    """What one signal showed; without a value nobody could read it."""

    signal: Signal
    value: float | None
    holds: bool
    says: str


def watch(shift: Shift) -> datetime | None:
    """Look once at what the plan has watched; answers when to look again, None if the run moves on now.

    It moves on to the next wave when the time is over, back when a signal does not hold, or nowhere when workers are
    held back.
    """
    stages = shift.content.stages
    if stages is None:
        raise LookupError("The plan has no waves.")
    until = _begin(shift, stages)
    if until is None:
        return None
    seen = [read(signal) for signal in stages.signals]
    with shift.writing() as run:
        return _judge(run, seen, until=until, at=shift.clock())


def read(signal: Signal) -> Seen:
    """Ask for one signal, outside any transaction."""
    answer = prometheus.ask(signal.query) if signal.kind == "prometheus" else _probe(signal)
    if answer.value is None or not isfinite(answer.value):
        return Seen(
            signal, None, holds=False, says=answer.error or f"The answer is {answer.value}, which is no number."
        )
    holds = RELATIONS[signal.relation](answer.value, signal.threshold)
    return Seen(signal, answer.value, holds, "" if holds else f"should be {signal.wants} and is {answer.value:g}.")


def _begin(shift: Shift, stages: Stages) -> datetime | None:
    """Write down until when is watched, once; None if something holds workers back, and then the run pauses."""
    with shift.writing() as run:
        at = shift.clock()
        if reason := shift.held_back(run):
            records.move_run(run, RunStatus.PAUSED, actor=WORKERS, at=at, reason=reason)
            return None
        if run.watch_until is None:
            run.watch_until = at + timedelta(minutes=stages.watch_minutes)
            run.save(update_fields=["watch_until"])
            _tell(run, "run.watched", at, {"wave": run.wave, "until": run.watch_until.isoformat()})
        return run.watch_until


def _judge(run: Run, seen: list[Seen], *, until: datetime, at: datetime) -> datetime | None:
    Reading.objects.bulk_create(
        Reading(
            run=run, wave=run.wave, signal=each.signal.title, value=each.value, holds=each.holds, says=each.says, at=at
        )
        for each in seen
    )
    if bad := [each for each in seen if not each.holds]:
        words = " ".join(f"{each.signal.title}: {each.says}" for each in bad)
        reason = f"After wave {run.wave} not all was well. {words}"
        records.move_run(run, RunStatus.ROLLING_BACK, actor=WORKERS, at=at, reason=reason, undoes=run.wave)
        return None
    if at < until:
        return min(at + timedelta(seconds=settings.RUN_WATCH_SECONDS), until)
    if closed := opening.closed_because(run.remediation.category, at=at):
        reason = f"All was well after wave {run.wave}. {closed} The next wave waits until somebody lets it go on."
        records.move_run(run, RunStatus.PAUSED, actor=WORKERS, at=at, reason=reason)
        return None
    run.wave, run.watch_until = run.wave + 1, None
    run.save(update_fields=["wave", "watch_until"])
    _tell(run, "run.wave_opened", at, {"wave": run.wave})
    return None


def _probe(signal: Signal) -> Answer:
    """One number of what a connector answers to a read-only tool."""
    outcome = client.read(signal.connector, signal.tool, signal.arguments)
    if not outcome.ok:
        return Answer(None, outcome.error or f"{signal.connector} gave no answer.")
    value = outcome.data.get(signal.field)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Answer(None, f"The answer of {signal.tool} has no number {signal.field}.")
    return Answer(float(value))


def _tell(run: Run, kind: str, at: datetime, data: dict[str, object]) -> None:
    audit.record(kind, actor=WORKERS, at=at, subject=run.ref, ticket=run.remediation.ticket.ref, data=data)
