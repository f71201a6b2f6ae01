"""The decision about one draft: pure, in a fixed order, every step a line that people can read.

The order: enabled, policy, risk, minimums, safety checks, failures in a row, ways back, pattern, certificate, share,
approval, execute or await.
A step fails (a hard stop, binds everybody), warns (closes only the machine's way: people may sign and see what they
override) or passes. All steps are always taken, so that people see every reason at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from portal.kit.refusals import Reason
from remediation.policy.facts import APPROVAL, ActionType, Decision, Facts, Limits, SafetyCheck, Step, Verdict
from remediation.policy.forbidden import forbidden_in
from remediation.policy.share import is_within
from remediation.policy.windows import is_open

RISK_LEVELS: dict[ActionType, Literal["low", "medium", "critical"]] = {
    ActionType.READ_ONLY: "low",
    ActionType.SAFE_WRITE: "medium",
    ActionType.CRITICAL_WRITE: "critical",
}
QUESTIONS = {
    "time_window_ok": "Is it within the hours of the policy?",
    "rate_limit_ok": "Are there actions left in this hour?",
    "rollback_planned": "Has every write a way back?",
    "backup_available": "Is there a backup?",
    "targets_free": "Does no other run hold a target?",
    "system_healthy": "Is the system healthy, apart from the symptom under repair?",
}
PROBED = ("backup_available", "system_healthy")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def decide(facts: Facts, limits: Limits | None, at: datetime) -> Decision:
    """What the policy says about these facts at this moment; `limits` is None where the category has no policy."""
    policy = limits or Limits()
    trail = _Trail()
    is_switched_on = _enabled(trail, facts)
    _policy(trail, facts, limits)
    action_type = _risk(trail, facts)
    _minimums(trail, facts, policy)
    checks = _safety(trail, facts, policy, at)
    _failures(trail, facts)
    _ways_back(trail, facts)
    _pattern(trail, facts)
    _certificate(trail, facts)
    _share(trail, facts, policy)
    approval = _approval(trail, facts, policy, action_type)
    allowed = is_switched_on and trail.open
    _conclude(trail, is_switched_on=is_switched_on, requires_approval=bool(approval.asked))
    return Decision(
        allowed=allowed,
        action_type=action_type,
        requires_approval=bool(approval.asked),
        risk_level=RISK_LEVELS[action_type],
        reasoning=tuple(trail.steps),
        safety_checks=checks,
        hard_stops=tuple(trail.stops),
        is_switched_on=is_switched_on,
        shadow=_shadow(trail, policy_asks=bool(approval.by_policy)),
        holds=tuple(trail.holds),
    )


@dataclass(slots=True)
class _Trail:
    """The steps taken so far, the hard stops among them, and the first step of each kind that decides."""

    steps: list[Step] = field(default_factory=list)
    stops: list[Reason] = field(default_factory=list)
    holds: list[Reason] = field(default_factory=list)
    stopped_by: Step | None = None
    closed_by: Step | None = None
    held_by: Step | None = None

    @property
    def open(self) -> bool:
        return self.stopped_by is None and self.closed_by is None

    def note(self, question: str, answer: str) -> Step:
        self.steps.append(Step(question, answer, "info"))
        return self.steps[-1]

    def passes(self, question: str, answer: str) -> None:
        self.steps.append(Step(question, answer, "pass"))

    def closes(self, question: str, answer: str) -> None:
        self.steps.append(Step(question, answer, "warn"))
        self.closed_by = self.closed_by or self.steps[-1]

    def stops_all(self, question: str, answer: str, code: str) -> None:
        self.steps.append(Step(question, answer, "fail"))
        self.stops.append(Reason(code, answer))
        self.stopped_by = self.stopped_by or self.steps[-1]


@dataclass(frozen=True, slots=True)
class _Approval:
    """Why a person has to approve: for every reason (`asked`), and for those of the policy alone."""

    asked: tuple[str, ...]
    by_policy: tuple[str, ...]


def _enabled(trail: _Trail, facts: Facts) -> bool:
    _absent(trail, "Is the emergency stop off?", facts.emergency_stop, "emergency_stop")
    _absent(trail, "Is there no freeze?", facts.freeze, "freeze")
    problem = _switched_off_because(facts)
    question = "Is auto-remediation on, for the site and for this ticket?"
    if problem is None:
        trail.passes(question, "Yes.")
        return True
    trail.steps.append(Step(question, problem, "warn"))
    trail.held_by = trail.steps[-1]
    return False


def _absent(trail: _Trail, question: str, found: str | None, code: str) -> None:
    if found is None:
        trail.passes(question, "Yes.")
    else:
        trail.stops_all(question, f"No: {found}", code)


def _switched_off_because(facts: Facts) -> str | None:
    if facts.switches.mode == "off":
        return "No: it is switched off for the site, so workers execute nothing."
    if facts.switches.mode == "lab" and not all(action.is_lab for action in facts.actions):
        return "No: it is switched on for the lab only, and a target lies outside it."
    if not facts.ticket_opted_in:
        return "No: the ticket did not opt in."
    return None


def _policy(trail: _Trail, facts: Facts, limits: Limits | None) -> None:
    question = "Does the category have a policy that is switched on?"
    if limits is None:
        trail.closes(question, "No policy: people only.")
    elif not limits.is_enabled:
        trail.closes(question, "The policy is switched off: people only.")
    else:
        trail.passes(question, "Yes.")
    policy = limits or Limits()
    _action_types(trail, facts, policy)
    _scope(trail, facts, policy)
    _forbidden(trail, facts, policy)


def _action_types(trail: _Trail, facts: Facts, policy: Limits) -> None:
    question = "Does the policy allow these kinds of action?"
    allowed = policy.allowed_action_types
    refused = sorted({a.operation for a in facts.actions if allowed is not None and a.operation not in allowed})
    if refused:
        trail.stops_all(question, f"No: the policy does not allow {', '.join(refused)}.", "forbidden_action_type")
    else:
        trail.passes(question, "Yes.")


def _scope(trail: _Trail, facts: Facts, policy: Limits) -> None:
    question = "Is every step within the scope of the draft and the systems of the policy?"
    allowed = policy.allowed_systems
    outside = [f"{a.operation} on {a.system} lies outside the patch scope" for a in facts.actions if not a.is_in_scope]
    outside += [
        f"the policy does not name {system}"
        for system in sorted({a.system for a in facts.actions})
        if allowed is not None and system not in allowed
    ]
    if outside:
        trail.stops_all(question, f"No: {'; '.join(outside)}.", "out_of_scope")
    else:
        trail.passes(question, "Yes.")


def _forbidden(trail: _Trail, facts: Facts, policy: Limits) -> None:
    question = "Is it free of forbidden commands?"
    found = forbidden_in(facts.commands, policy.forbidden_commands)
    if found:
        named = "; ".join(f"`{command}` does what `{entry}` forbids" for command, entry in found)
        trail.stops_all(question, f"No: {named}.", "forbidden_command")
    else:
        trail.passes(question, "Yes.")


def _risk(trail: _Trail, facts: Facts) -> ActionType:
    order = list(RISK_LEVELS)
    worst = max((a.action_type for a in facts.actions), key=order.index, default=ActionType.READ_ONLY)
    trail.note("What does it do at worst?", f"{worst}, risk {RISK_LEVELS[worst]}.")
    return worst


def _minimums(trail: _Trail, facts: Facts, policy: Limits) -> None:
    site = facts.switches
    reliability = site.min_reliability if policy.min_reliability is None else policy.min_reliability
    feedback_rate = site.min_feedback_rate if policy.min_feedback_rate is None else policy.min_feedback_rate
    _least(trail, "Is the confidence high enough?", facts.confidence, policy.min_confidence)
    _least(trail, "Is the reliability high enough?", facts.reliability, reliability)
    _least(trail, "Were there enough similar tickets?", facts.similar_tickets, policy.min_similar_tickets)
    _least(trail, "Was the feedback good enough?", facts.feedback_rate, feedback_rate)


def _least(trail: _Trail, question: str, value: float | None, least: float) -> None:
    if value is None and least > 0:
        trail.closes(question, f"No data, at least {least:g} asked for.")
    elif value is not None and value < least:
        trail.closes(question, f"No: {_shown(value)}, at least {least:g} asked for.")
    else:
        trail.passes(question, f"{'Nothing asked for' if value is None else _shown(value)}, at least {least:g}.")


def _shown(value: float) -> str:
    """Rounded down to one decimal, so that a value never looks as if it reached a limit that it missed."""
    return f"{math.floor(value * 10) / 10:g}"


def _safety(trail: _Trail, facts: Facts, policy: Limits, at: datetime) -> tuple[SafetyCheck, ...]:
    given = {check.name: check for check in facts.safety_checks}
    missing = [SafetyCheck(n, "none", None, "No probe is configured.", at) for n in PROBED if n not in given]
    checks = tuple(
        replace(check, is_required=_is_required(check.name, policy))
        for check in (*_known(facts, policy, at), *given.values(), *missing)
    )
    for check in checks:
        _weigh(trail, check)
    return checks


def _is_required(name: str, policy: Limits) -> bool:
    if name == "backup_available":
        return policy.requires_backup
    return name != "rollback_planned" or policy.requires_rollback_plan


def _weigh(trail: _Trail, check: SafetyCheck) -> None:
    question = QUESTIONS.get(check.name, f"Did the check {check.name} pass?")
    if not check.is_required:
        trail.note(question, f"{check.detail} The policy does not ask for it.")
    elif check.answer is None:
        trail.closes(question, f"Unknown: {check.detail}")
    elif check.answer:
        trail.passes(question, f"Yes. {check.detail}")
    else:
        trail.stops_all(question, f"No: {check.detail}", check.name)


def _known(facts: Facts, policy: Limits, at: datetime) -> tuple[SafetyCheck, ...]:
    """What nobody has to be asked for."""
    return _window(policy, at), _rate(facts, policy, at), _way_back(facts, at), _free(facts, at)


def _window(policy: Limits, at: datetime) -> SafetyCheck:
    hours = "all day" if policy.hours is None else f"{policy.hours[0]:%H:%M} to {policy.hours[1]:%H:%M} {policy.zone}"
    days = ", ".join(name for day, name in enumerate(DAY_NAMES) if day in policy.days) or "no day"
    detail = f"Open {hours}, {'every day' if len(policy.days) == len(DAY_NAMES) else days}."
    answer = is_open(at, policy.hours, policy.zone, policy.days)
    return SafetyCheck("time_window_ok", "hours and days of the policy", answer, detail, at)


def _rate(facts: Facts, policy: Limits, at: datetime) -> SafetyCheck:
    asked = sum(action.mutates for action in facts.actions)
    counts = [("everywhere", facts.actions_last_hour, facts.switches.max_actions_per_hour)]
    if policy.max_actions_per_hour is not None:
        counts.append(("in this category", facts.actions_last_hour_here, policy.max_actions_per_hour))
    used = ", ".join(f"{count} of {most} {where}" for where, count, most in counts)
    detail = f"{asked} asked for; used in the last hour: {used}."
    answer = asked == 0 or all(count + asked <= most for _, count, most in counts)
    return SafetyCheck("rate_limit_ok", "actions reserved in the last hour", answer, detail, at)


def _way_back(facts: Facts, at: datetime) -> SafetyCheck:
    without = [action.operation for action in facts.actions if action.mutates and not action.has_rollback]
    detail = f"No rollback for {', '.join(without)}." if without else "Every write has a rollback."
    return SafetyCheck("rollback_planned", "the draft's rollbacks", not without, detail, at)


def _free(facts: Facts, at: datetime) -> SafetyCheck:
    detail = " ".join(facts.held_targets) or "Every target is free."
    return SafetyCheck("targets_free", "locks of runs", not facts.held_targets, detail, at)


def _failures(trail: _Trail, facts: Facts) -> None:
    """A brake that is engaged closes the machine's way and holds workers; people know what they do by hand."""
    question = "Are there no failures in a row, on its targets or for its pattern?"
    if not facts.failures_in_a_row:
        trail.passes(question, "Yes.")
        return
    words = " ".join(facts.failures_in_a_row)
    trail.closes(question, f"No: {words}")
    trail.holds.append(Reason("failures_in_a_row", words))


def _ways_back(trail: _Trail, facts: Facts) -> None:
    question = "Was every way back seen to work?"
    if facts.unproven_ways_back:
        trail.closes(question, f"No: {' '.join(facts.unproven_ways_back)}")
    else:
        trail.passes(question, "Yes.")


def _pattern(trail: _Trail, facts: Facts) -> None:
    question = "Has the pattern earned autonomy?"
    if facts.pattern_is_eligible:
        trail.passes(question, "Yes.")
    else:
        trail.closes(question, f"No: {' '.join(facts.pattern_reasons) or 'no pattern is known.'}")


def _certificate(trail: _Trail, facts: Facts) -> None:
    question = "Does a live certificate cover it?"
    if facts.has_certificate:
        trail.passes(question, f"Yes: {facts.certificate_says}")
    else:
        trail.note(question, f"No: {facts.certificate_says}")


def _share(trail: _Trail, facts: Facts, policy: Limits) -> None:
    question = "Is the ticket among those left to the machine?"
    if is_within(policy.machine_share, facts.ticket_place):
        trail.passes(question, f"Yes: it is among the {policy.machine_share} % of the category.")
    elif policy.machine_share:
        trail.note(question, f"No: it is not among the {policy.machine_share} % of the category.")
    else:
        trail.note(question, "No: the policy leaves no ticket to the machine.")


def _approval(trail: _Trail, facts: Facts, policy: Limits, action_type: ActionType) -> _Approval:
    by_policy = _policy_asks(facts, policy, action_type)
    asked = list(by_policy)
    if facts.switches.requires_approval and not by_policy:
        asked.append("the site asks for approval of everything")
    if not facts.has_certificate:
        asked.append("no certificate lets the machine sign")
    if not is_within(policy.machine_share, facts.ticket_place):
        asked.append("the ticket is not among those left to the machine")
    if asked:
        who = f" Approvers: {', '.join(policy.approvers)}." if policy.approvers else ""
        held = trail.note(APPROVAL, f"Yes: {'; '.join(asked)}.{who}")
        trail.held_by = trail.held_by or held
    else:
        trail.passes(APPROVAL, "No.")
    return _Approval(tuple(asked), by_policy)


def _policy_asks(facts: Facts, policy: Limits, action_type: ActionType) -> tuple[str, ...]:
    """Critical wins over everything, then the policy's rule, then its threshold. What the site asks comes on top."""
    if action_type is ActionType.CRITICAL_WRITE:
        return ("critical actions always need a person",)
    if policy.requires_approval:
        return ("the policy asks for approval",)
    threshold = policy.auto_approve_threshold
    if threshold is None:
        return ("the policy names no reliability from which on nobody is asked",)
    if facts.reliability < threshold:
        return (f"the policy asks for approval below a reliability of {threshold:g}",)
    return ()


def _conclude(trail: _Trail, *, is_switched_on: bool, requires_approval: bool) -> None:
    question = "What follows?"
    if trail.stopped_by:
        trail.steps.append(Step(question, f"Nobody may execute it. {_decided(trail.stopped_by)}", "fail"))
    elif not is_switched_on and trail.held_by:
        text = "Workers do not execute it; people can follow the steps by hand."
        trail.steps.append(Step(question, f"{text} {_decided(trail.held_by)}", "warn"))
    elif trail.holds and trail.closed_by:
        text = "Workers do not start it while a brake is engaged; people may sign, and run it by hand."
        trail.steps.append(Step(question, f"{text} {_decided(trail.closed_by)}", "warn"))
    elif trail.closed_by:
        text = "The machine's way is closed; people may sign."
        trail.steps.append(Step(question, f"{text} {_decided(trail.closed_by)}", "warn"))
    elif requires_approval and trail.held_by:
        trail.note(question, f"It waits for approval. {_decided(trail.held_by)}")
    else:
        trail.passes(question, "The machine may sign and execute it.")


def _decided(step: Step) -> str:
    return f"Decided by: {step.question}"


def _shadow(trail: _Trail, *, policy_asks: bool) -> Verdict:
    if trail.stopped_by:
        return "refuse"
    return "await_approval" if trail.closed_by or policy_asks else "execute"
