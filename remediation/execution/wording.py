"""A plan's steps in words: what to look at, what to do, how to see that it worked, and the way back. Pure.

Workers' outputs and guided manual mode name the parts of a step the same way. An operation is shown as the equivalent
call with its parameters, because a person carries it out with their own tools.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from remediation.connectors.operations import Probe, Scalar
from remediation.connectors.probes import RELATIONS
from remediation.review.plans import CommandStep, OperationStep, PlanStep


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a step: what it says, the command to copy or the equivalent call, and what should be seen."""

    says: str
    command: str
    is_call: bool
    expects: str = ""


def preflight_of(step: PlanStep) -> Part:
    """The look before."""
    if isinstance(step, CommandStep):
        return Part(
            f"Look at {step.system} first.", step.preflight_command, is_call=False, expects=step.preflight_expects
        )
    return _probe(step.preflight)


def action_of(step: PlanStep) -> Part:
    """The change itself."""
    if isinstance(step, CommandStep):
        return Part(f"Run on {step.system}.", step.command, is_call=False)
    return Part(step.says, call(step.call.tool, step.call.arguments), is_call=True)


def verify_of(step: PlanStep) -> Part:
    """The look after."""
    if isinstance(step, CommandStep):
        return Part(f"Look at {step.system} again.", step.verify_command, is_call=False, expects=step.verify_expects)
    return _probe(step.verify)


def way_back_of(step: PlanStep) -> Part | None:
    """How the step is undone; None where it cannot be."""
    if isinstance(step, CommandStep):
        return Part(step.rollback_says, step.rollback_command, is_call=False) if step.rollback_command else None
    if step.way_back is None:
        return None
    back = step.way_back.call
    return Part(step.way_back.says, call(back.tool, back.arguments), is_call=True)


def way_back_check_of(step: PlanStep) -> Part | None:
    """How to see that the way back worked; a command's pre-flight must then look as it did before."""
    if isinstance(step, OperationStep):
        return _probe(step.way_back.verify) if step.way_back else None
    return preflight_of(step) if step.rollback_command else None


def call(tool: str, arguments: Mapping[str, Scalar]) -> str:
    """A call with its parameters, one line each."""
    lines = [f"  {name} = {value}" for name, value in sorted(arguments.items())]
    return "\n".join([tool, *lines])


def _probe(probe: Probe) -> Part:
    expected = [f"{each.field} {RELATIONS[each.relation][0]} {_said(each.value)}" for each in probe.expect]
    return Part(probe.says, call(probe.tool, probe.arguments), is_call=True, expects="; ".join(expected))


def _said(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
