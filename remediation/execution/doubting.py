"""Takes away the certificate for what a run does as soon as it goes wrong, in the same transaction.

Wrong is: a verify that does not hold, an outcome that turns out to be a failure, a step that is taken back, a run that
ends badly after it changed something. A pre-flight that says no changed nothing, and says nothing about the fix.
"""

from __future__ import annotations

from datetime import datetime

from patterns import trust
from portal.kit.actors import Actor
from remediation.drafting.origin import action_of
from remediation.execution.models import Run
from remediation.execution.states import RunStatus, StepStatus
from remediation.policy import certified
from remediation.review import plans
from remediation.review.plans import Content, OperationStep
from remediation.tickets.models import Ticket

MAY_HAVE_ACTED = frozenset({StepStatus.INTENDED, StepStatus.UNKNOWN, StepStatus.ACTED})


def step_moved(run: Run, before: str, to: StepStatus, *, number: int, actor: Actor, at: datetime) -> None:
    """A step of a held run has just been moved."""
    if to is StepStatus.FAILED and before in MAY_HAVE_ACTED:
        _doubt(run, f"step {number} failed after it may have changed something", actor, at)
    elif to is StepStatus.ROLLING_BACK:
        _doubt(run, f"step {number} was rolled back", actor, at)


def run_moved(run: Run, to: RunStatus, *, actor: Actor, at: datetime) -> None:
    """A held run has just been moved."""
    if to is RunStatus.FAILED and run.remediation.has_written:
        _doubt(run, "the run failed after it changed something", actor, at)


def fix_of(content: Content) -> tuple[str, str]:
    """What kind of fix a plan is, for patterns and certificates: its action, and its targets' one environment."""
    names = dict.fromkeys(s.operation if isinstance(s, OperationStep) else "command" for s in content.steps)
    return action_of(names), certified.environment_of({step.target for step in content.steps})


def _doubt(run: Run, what: str, actor: Actor, at: datetime) -> None:
    ticket = Ticket.objects.get(pk=run.remediation.ticket_id)  # a worker may have had its run for a while
    if ticket.pattern_id is None:
        return
    action, environment = fix_of(plans.read(run.plan.content))
    trust.distrust(
        pattern_id=ticket.pattern_id,
        action=action,
        environment=environment,
        reason=f"In the run of {ticket.key} {what}.",
        actor=actor,
        at=at,
    )
