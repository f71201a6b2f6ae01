"""What is known of the ways back of a plan, as its signers are shown it: each operation's record, and the rehearsal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from portal.signoff.models import Plan
from remediation.connectors.operations import Risk
from remediation.policy import services as policies
from remediation.review import plans
from remediation.review.plans import OperationStep
from remediation.wayback import services as waysback
from remediation.wayback.models import Rehearsal
from remediation.wayback.record import Record
from remediation.wayback.states import RehearsalStatus

ENDS = {
    RehearsalStatus.WORKED: "worked",
    RehearsalStatus.FAILED: "did not work",
    RehearsalStatus.INCONCLUSIVE: "proved nothing",
}


@dataclass(frozen=True, slots=True)
class Proof:
    """The records of a plan's operations that change something, and the plan's newest rehearsal."""

    ways_back: Sequence[Record]
    rehearsal: Rehearsal | None
    has_commands: bool

    @property
    def unproven(self) -> list[Record]:
        """The operations whose way back nobody has seen to work, or that failed the last time."""
        return [each for each in self.ways_back if not each.is_proven]

    @property
    def rehearsed(self) -> str:
        """What became of the newest rehearsal, with the moment it ended; it says the same whenever it is read."""
        if self.rehearsal is None:
            return "Not rehearsed for this plan."
        if self.rehearsal.is_open:
            return "The way back is being rehearsed."
        ended = f"{self.rehearsal.status_at.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
        return f"Way back rehearsed {ended}: {ENDS[RehearsalStatus(self.rehearsal.status)]}. {self.rehearsal.says}"

    @property
    def data(self) -> dict[str, Any]:
        """Plain data for the API, and so for the sheet that is kept of it."""
        return {"ways_back": [_data(each) for each in self.ways_back], "rehearsed": self.rehearsed}


def of(plan: Plan) -> Proof:
    """What is known now of the ways back of a plan."""
    content = plans.read(plan.content)
    steps, role = content.steps, content.role.digest if content.role else ""
    writes = [step for step in steps if isinstance(step, OperationStep) and step.risk is not Risk.READ_ONLY]
    return Proof(
        ways_back=policies.ways_back_of({step.operation: step.way_back is not None for step in writes}, role=role),
        rehearsal=waysback.newest_rehearsal(plan.pk),
        has_commands=any(step.kind == "command" for step in steps),
    )


def _data(record: Record) -> dict[str, Any]:
    return {
        "operation": record.operation,
        "is_proven": record.is_proven,
        "taken": record.taken,
        "worked": record.worked,
        "says": record.says,
    }
