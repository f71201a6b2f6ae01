"""Looks at the targets of a plan through the pre-flights of its steps, and keeps what they showed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from portal.kit import side_by_side, statements
from portal.kit.statements import Query, given
from portal.signoff.models import Plan
from remediation.connectors import client
from remediation.connectors.asking import Ask
from remediation.connectors.probes import judge
from remediation.review.models import Look
from remediation.review.plans import OperationStep, PlanStep

ENOUGH_SECONDS = 120.0
"""After so long no further target is asked: a host that hangs takes minutes, and each is asked before its own step."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the pre-flight of a step showed; `holds` is None where it could not be seen."""

    step: int
    holds: bool | None
    text: str


def look(steps: Sequence[PlanStep], ask: Ask = client.read, *, at_once: int = 1) -> list[Seen]:
    """Ask the pre-flights that do not depend on an earlier step, outside any transaction, `at_once` at a time."""
    enough = time.monotonic() + ENOUGH_SECONDS

    def seen(step: OperationStep) -> Seen | None:
        return _seen(step, ask) if time.monotonic() < enough else None

    return [each for each in side_by_side.each(seen, independent(steps), at_once=at_once) if each]


def independent(steps: Sequence[PlanStep]) -> list[OperationStep]:
    """The first operation on each target: what a later one expects, an earlier one may bring about."""
    first = {step.target: step for step in reversed(steps)}
    return [step for step in steps if isinstance(step, OperationStep) and first[step.target] is step]


def begin(merge: Plan, seen: Iterable[Seen], *, at: datetime) -> None:
    """Keep what a plan that was just opened is checked against from now on."""
    rows = [Look(plan=merge, step=each.step, holds=each.holds, text=each.text, at=at) for each in seen]
    statements.insert_all(rows)


def keep(merge: Plan, seen: Iterable[Seen], *, at: datetime) -> None:
    """Keep what was seen where it differs from what was seen last."""
    last = {step: (row.holds, row.text) for step, row in newest(merge.pk).items()}
    begin(merge, (each for each in seen if last.get(each.step) != (each.holds, each.text)), at=at)


def first(merge_id: int) -> dict[int, Look]:
    """What the draft was checked against, by step."""
    return {row.step: row for row in _FIRST.all(plan=merge_id)}


def newest(merge_id: int) -> dict[int, Look]:
    """What was seen last, by step."""
    return {row.step: row for row in _NEWEST.all(plan=merge_id)}


def _by_step(order: str) -> QuerySet[Look]:
    return Look.objects.filter(plan=given("plan")).order_by("step", order).distinct("step")


_FIRST, _NEWEST = Query(lambda: _by_step("id")), Query(lambda: _by_step("-id"))


def _seen(step: OperationStep, ask: Ask) -> Seen:
    outcome = ask(step.connector, step.preflight.tool, step.preflight.arguments)
    if not outcome.ok:
        return Seen(step.number, None, outcome.error or f"{step.connector} gave no answer.")
    judged = judge(step.preflight, outcome)
    if judged.holds:
        return Seen(step.number, judged.holds, step.preflight.says)
    says = [*judged.misses, str(outcome.data.get("says", ""))]
    return Seen(step.number, judged.holds, " ".join(filter(None, says)))
