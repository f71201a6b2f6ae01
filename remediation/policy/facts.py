"""What a decision is made from and what it says: frozen values, no database.

Every score and rate is 0 to 100, the confidence too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from typing import Any, Literal

from portal.kit.refusals import Reason

Mode = Literal["off", "lab", "on"]
Outcome = Literal["pass", "fail", "warn", "info"]
Verdict = Literal["execute", "await_approval", "refuse"]
EVERY_DAY = frozenset(range(7))
APPROVAL = "Does a person have to approve?"


class ActionType(StrEnum):
    """What something does to the world, as the catalogue and the command parser say (law 6)."""

    READ_ONLY = "READ_ONLY"
    SAFE_WRITE = "SAFE_WRITE"
    CRITICAL_WRITE = "CRITICAL_WRITE"


@dataclass(frozen=True, slots=True)
class Action:
    """One step of the draft. `operation` is the catalogue's name, or "command" for a command that people run."""

    operation: str
    system: str
    action_type: ActionType
    is_lab: bool = False
    is_in_scope: bool = True
    has_rollback: bool = True

    @property
    def mutates(self) -> bool:
        """True for one action in the sense of the rate limit, however many hosts it touches."""
        return self.action_type is not ActionType.READ_ONLY


@dataclass(frozen=True, slots=True)
class SafetyCheck:
    """One probe's answer: True, False (binds everybody) or None (nothing could tell: closes only the machine's way)."""

    name: str
    probe: str
    answer: bool | None
    detail: str
    at: datetime
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Switches:
    """What the site's settings say. The first three bound every policy, the last two fill what one leaves empty."""

    mode: Mode = "off"
    requires_approval: bool = True
    max_actions_per_hour: int = 10
    min_reliability: float = 85.0
    min_feedback_rate: float = 85.0


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known about one draft at one moment.

    `commands` are all commands of the draft: actions, pre-flights, verifies, rollbacks. `emergency_stop` and `freeze`
    are the sentence that says who set it and why, or None. `certificate_says` names the live certificate that covers
    the draft, or says why none does; `ticket_place` (0 to 99) is where the ticket stands in the gradual roll-out. The
    actions of the last hour are counted everywhere, for the site's limit, and `here` in the category, for its policy's.
    `safety_checks` are the probes that need the world (`backup_available`, `system_healthy`); the window, the rate, the
    rollback plan and whether the targets are free are worked out from these facts. `held_targets` are the sentences
    that say which run holds which target, `failures_in_a_row` those of engaged brakes,
    `unproven_ways_back` what is known of the ways back that were not seen to work.
    """

    switches: Switches
    ticket_opted_in: bool
    actions: tuple[Action, ...]
    confidence: float | None
    reliability: float
    similar_tickets: int = 0
    feedback_rate: float | None = None
    pattern_is_eligible: bool = False
    pattern_reasons: tuple[str, ...] = ()
    has_certificate: bool = False
    certificate_says: str = "no certificate is known."
    ticket_place: int = 0
    commands: tuple[str, ...] = ()
    emergency_stop: str | None = None
    freeze: str | None = None
    actions_last_hour: int = 0
    actions_last_hour_here: int = 0
    safety_checks: tuple[SafetyCheck, ...] = ()
    held_targets: tuple[str, ...] = ()
    failures_in_a_row: tuple[str, ...] = ()
    unproven_ways_back: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """One category's policy.

    None in `allowed_*` allows everything, an empty tuple nothing; None in `min_reliability`, `min_feedback_rate` and
    `requires_approval` takes the site's setting. `hours` is (start, end) on the wall clock of `zone`;
    an end before the start lies on the next day, and the window then belongs to the weekday of its start (0 is Monday).
    With `requires_approval` a person is always asked; without it one is asked below a reliability of
    `auto_approve_threshold` (None: always), and for the tickets outside `machine_share` percent. Critical actions
    always ask.
    """

    min_confidence: float = 0.0
    min_reliability: float | None = None
    min_similar_tickets: int = 0
    min_feedback_rate: float | None = None
    allowed_action_types: tuple[str, ...] | None = None
    allowed_systems: tuple[str, ...] | None = None
    forbidden_commands: tuple[str, ...] = ()
    hours: tuple[time, time] | None = None
    zone: str = "UTC"
    days: frozenset[int] = EVERY_DAY
    requires_approval: bool | None = None
    auto_approve_threshold: float | None = None
    machine_share: int = 0
    approvers: tuple[str, ...] = ()
    max_actions_per_hour: int | None = None
    max_failures_in_a_row: int | None = None
    requires_rollback_plan: bool = True
    requires_backup: bool = False
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the reasoning: fail binds everybody, warn closes only the machine's way."""

    question: str
    answer: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from the facts, and why.

    `allowed`: the machine's way is open as far as the policy is concerned. `hard_stops`: nobody may execute while one
    stands. Neither allowed nor stopped: people may sign, seeing what they override. `holds`: what keeps workers from
    starting it although people signed; people may run it by hand. `shadow`: what the machine would
    have done with the site's switches, the ticket's opt-in and the certificate left aside.
    """

    allowed: bool
    action_type: ActionType
    requires_approval: bool
    risk_level: Literal["low", "medium", "critical"]
    reasoning: tuple[Step, ...]
    safety_checks: tuple[SafetyCheck, ...]
    hard_stops: tuple[Reason, ...]
    is_switched_on: bool
    shadow: Verdict
    holds: tuple[Reason, ...] = ()

    @property
    def workers_may_run(self) -> bool:
        """True if workers may run this once it is signed: switched on, opted in, no hard stop and no brake (law 1)."""
        return self.is_switched_on and not self.hard_stops and not self.holds

    @property
    def machine_may_sign(self) -> bool:
        """True if no person has to be asked."""
        return self.workers_may_run and self.allowed and not self.requires_approval

    @property
    def leaves_to_people(self) -> tuple[str, ...]:
        """Every reason why the machine may not sign, in the order of the questions; empty if it may."""
        return tuple(
            step.answer
            for step in self.reasoning[:-1]
            if step.outcome in ("fail", "warn") or (step.question == APPROVAL and step.outcome == "info")
        )

    @property
    def safety(self) -> dict[str, Any]:
        """The safety checks by name, and `all_passed`: every required one answered True."""
        answers: dict[str, Any] = {check.name: check.answer for check in self.safety_checks}
        return {**answers, "all_passed": all(check.answer for check in self.safety_checks if check.is_required)}
