"""Looks at the world with read-only probes, as often as it needs to settle, and words what was seen."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from remediation.connectors import catalogue, client
from remediation.connectors.operations import Probe
from remediation.connectors.probes import Judgement, Outcome, judge
from remediation.execution.planning import pauses
from remediation.review.plans import OperationStep


@dataclass(frozen=True, slots=True)
class Look:
    """What a probe saw. `holds` is None when nothing could be seen."""

    holds: bool | None
    misses: str
    text: str


def look(connector: str, probe: Probe, *, settles_in: float = 0.0, until: Callable[[], bool] = lambda: False) -> Look:
    """Ask until everything expected holds, at most for as long as it may take to settle, or `until` somebody says."""
    waited = 0.0
    outcome, judged = _ask(connector, probe)
    for pause in pauses(max(settles_in, settings.RUN_REACH_SECONDS)):
        if judged.holds or (outcome.ok and waited >= settles_in) or until():
            break
        time.sleep(pause)
        waited += pause
        outcome, judged = _ask(connector, probe)
    misses = " ".join(judged.misses)
    return Look(judged.holds if outcome.ok else None, misses, _text(outcome, misses))


def settling(step: OperationStep) -> float:
    """How many seconds the verify of a step may take until it holds."""
    longest: float = settings.RUN_SETTLE_SECONDS
    return min(catalogue.get(step.operation).settles_in_seconds, longest)


def fate_of(step: OperationStep, key: str, *, fence: int) -> tuple[str | None, str]:
    """What the server says became of a request, waiting while it is still busy with it; None: it cannot say.

    First it is told to refuse what may still be on its way from an earlier holder of the run: that a request was not
    performed is worth nothing if it can arrive a moment later.
    """
    connector, patience = step.connector, max(settling(step), settings.RUN_REACH_SECONDS)
    fenced = _patiently(patience, lambda: client.raise_fence(connector, step.target, fence))
    if not fenced.ok:
        return None, fenced.error
    outcome = client.asked_before(connector, key)
    for pause in pauses(patience):
        if outcome.data.get("state") in {"done", "failed", "not_performed"}:
            break
        time.sleep(pause)
        outcome = client.asked_before(connector, key)
    state = outcome.data.get("state")
    return (None if state == "in_progress" else state), outcome.text or outcome.error


def _patiently(seconds: float, ask: Callable[[], Outcome]) -> Outcome:
    outcome = ask()
    for pause in pauses(seconds):
        if outcome.is_answered:
            break
        time.sleep(pause)
        outcome = ask()
    return outcome


def _ask(connector: str, probe: Probe) -> tuple[Outcome, Judgement]:
    outcome = client.read(connector, probe.tool, probe.arguments)
    return outcome, judge(probe, outcome)


def _text(outcome: Outcome, misses: str) -> str:
    if not outcome.ok:
        return outcome.error
    seen = (
        json.dumps(dict(outcome.data), indent=2, sort_keys=True, default=str, ensure_ascii=False)
        if outcome.data
        else outcome.text
    )
    return f"{seen}\n{misses}".strip()
