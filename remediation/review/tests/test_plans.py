"""A plan's text says everything, reads back as what was written, and changes with every part of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from portal.kit import canonical
from remediation.connectors.operations import Risk
from remediation.drafting import schema
from remediation.review import plans
from remediation.review.plans import CommandStep, Content, GateVerdict, OperationStep, Place
from remediation.review.testing import SECONDARY, scale, with_command

PLACES = {
    SECONDARY: Place("lab-kubernetes", is_lab=True, environment="production"),
    "hosts:log-ship-1": Place("lab-hosts", is_lab=True, environment="production"),
}


def content(draft: dict[str, Any], **changes: Any) -> Content:
    parsed = schema.parse(draft)
    steps = plans.compile_steps(parsed, PLACES)
    whole = Content(
        stage="merge",
        ticket="INC-1",
        remediation=1,
        revision=1,
        draft_digest="d" * 64,
        category="kubernetes",
        environment="production",
        severity="sev2",
        risk=plans.risk_of(steps),
        needed=1,
        needed_groups=(),
        votes_last_minutes=240,
        steps=steps,
        scope=parsed.scope.model_dump(mode="json"),
        evidence=(("E1", "e" * 64),),
        contradicted_by=(),
        gates=(GateVerdict("scope", "2026-11", has_passed=True, input_digest="a" * 64),),
        limits={"min_reliability": 80},
        rollback_owner="payments on-call",
        rollback_minutes=5,
        makers=(1, 2),
    )
    return dataclasses.replace(whole, **changes)


@pytest.mark.parametrize("draft", [scale(), with_command()])
def test_a_plan_reads_back_as_what_was_written(draft: dict[str, Any]) -> None:
    written = content(draft)
    text = plans.text_of(written)
    assert plans.read(text) == written
    assert plans.text_of(plans.read(text)) == text


def test_an_operation_is_resolved_to_the_exact_calls_and_their_way_back() -> None:
    (step,) = plans.compile_steps(schema.parse(scale()), PLACES)
    assert isinstance(step, OperationStep)
    assert step.target == SECONDARY
    assert step.risk is Risk.SAFE_WRITE
    assert step.call.arguments["replicas"] == 6
    assert step.way_back is not None
    assert step.way_back.call.arguments["replicas"] == 2


def test_a_command_is_critical_and_for_people() -> None:
    written = content(with_command())
    (step,) = written.steps
    assert isinstance(step, CommandStep)
    assert written.risk is Risk.CRITICAL_WRITE
    assert written.is_for_people
    assert step.irreversible == "Vacuumed journal files are gone."


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "rollout"},
        {"revision": 2},
        {"evidence": (("E1", "f" * 64),)},
        {"gates": (GateVerdict("scope", "2026-11", has_passed=True, input_digest="b" * 64),)},
        {"limits": {"min_reliability": 81}},
        {"makers": (1, 2, 3)},
        {"merge_digest": "c" * 64},
        {"rollback_minutes": 6},
    ],
)
def test_every_part_of_a_plan_changes_its_digest(change: dict[str, Any]) -> None:
    before, after = content(scale()), content(scale(), **change)
    assert canonical.digest_of(plans.text_of(before)) != canonical.digest_of(plans.text_of(after))
