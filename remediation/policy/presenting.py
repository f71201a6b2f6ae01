"""Policies and site settings in words, each with where it comes from: the policy itself or the site."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings

from remediation.policy import wording
from remediation.policy.facts import Switches
from remediation.policy.models import CategoryPolicy, Decision
from remediation.policy.share import STEPS

APPROVAL = "AUTO_REMEDIATION_REQUIRE_APPROVAL"
EVERY_HOUR = "At any hour"
MODES = {
    "off": "Off: workers execute nothing; people follow the steps by hand",
    "lab": "Lab: workers execute on targets of the lab only",
    "on": "On: workers execute what was signed, for tickets that opted in",
}
SHADOWS = {"execute": "executed it", "await_approval": "asked a person", "refuse": "refused it"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One field of a policy in words; `listed` stands below the words, `setting` names what filled an empty field."""

    name: str
    words: str
    listed: tuple[str, ...] = ()
    setting: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """One of the site's settings; `is_alarming` is shown in red."""

    name: str
    value: str
    words: str
    is_alarming: bool = False


def rules_of(policy: CategoryPolicy, site: Switches) -> list[Rule]:
    """Every field of a policy, in the order in which decisions ask for them."""
    return [
        Rule("Switched on", "Yes" if policy.is_enabled else "No: people only"),
        Rule("Confidence, at least", _percent(policy.min_confidence)),
        reliability(policy, site),
        Rule("Similar tickets before, at least", str(policy.min_similar_tickets)),
        _feedback_rate(policy, site),
        _allowed("Allowed actions", policy.allowed_action_types, "Every action of the catalogue, and commands"),
        _allowed("Allowed systems", policy.allowed_systems, "Every system"),
        _forbidden(policy),
        Rule("Hours", hours(policy)),
        Rule("Days", wording.days(policy.days)),
        approval(policy, site),
        Rule("Approval not asked for", automatic(policy)),
        Rule("Left to the machine", share(policy)),
        _approvers(policy),
        per_hour(policy, site),
        _failures_in_a_row(policy),
        Rule("Several targets", waves(policy)),
        Rule("Error budget", budget(policy)),
        Rule("Rollback plan", "Every write needs a way back" if policy.requires_rollback_plan else "Not asked for"),
        Rule("Backup", "A fresh backup is asked for" if policy.requires_backup else "Not asked for"),
        Rule("Evidence", f"Older than {_span(policy.evidence_max_age_minutes)}, it blocks a signature"),
        Rule("A plan is valid for", _span(policy.plan_valid_minutes)),
        Rule("By hand, a pre-flight holds for", _span(policy.preflight_valid_minutes)),
    ]


def reliability(policy: CategoryPolicy, site: Switches) -> Rule:
    """The least reliability."""
    name = "Reliability, at least"
    if policy.min_reliability is None:
        return Rule(name, f"{site.min_reliability:g}", setting="AUTO_REMEDIATION_MIN_RELIABILITY")
    return Rule(name, f"{policy.min_reliability:g}")


def asks(policy: CategoryPolicy, site: Switches) -> bool:
    """Whether a person approves what is not critical."""
    return site.requires_approval or bool(policy.requires_approval)


def approval(policy: CategoryPolicy, site: Switches) -> Rule:
    """Whether a person approves; the site can ask for more than a policy, never for less."""
    words = "A person approves" if asks(policy, site) else "Not asked for, except for critical actions"
    if policy.requires_approval is None:
        return Rule("Approval", words, setting=APPROVAL)
    if site.requires_approval and not policy.requires_approval:
        return Rule("Approval", "The policy asks for none, the site asks for it all the same", setting=APPROVAL)
    return Rule("Approval", words)


def automatic(policy: CategoryPolicy) -> str:
    """From which reliability on the policy asks nobody."""
    if policy.auto_approve_threshold is None or policy.requires_approval:
        return "Never"
    return f"From a reliability of {policy.auto_approve_threshold} on, never for critical actions"


def share(policy: CategoryPolicy) -> str:
    """For which tickets the machine may sign where a certificate covers the fix."""
    if policy.machine_share == 0:
        return "No ticket, until somebody turns it on"
    every = "Every ticket" if policy.machine_share == STEPS[-1] else f"{policy.machine_share} % of the tickets"
    return f"{every}, where a live certificate covers the fix; never for critical actions"


def per_hour(policy: CategoryPolicy, site: Switches) -> Rule:
    """Actions an hour, here; the site's limit holds for all categories together."""
    name, setting = "Actions per hour, at most", "AUTO_REMEDIATION_MAX_ACTIONS_PER_HOUR"
    if policy.max_actions_per_hour is None:
        return Rule(name, str(site.max_actions_per_hour), setting=setting)
    if policy.max_actions_per_hour > site.max_actions_per_hour:
        return Rule(name, f"{site.max_actions_per_hour}: the policy would allow more", setting=setting)
    return Rule(name, str(policy.max_actions_per_hour))


def _failures_in_a_row(policy: CategoryPolicy) -> Rule:
    """After how many failed runs workers wait; a policy may be stricter than the site, and more patient."""
    name, setting = "Failed runs in a row, then workers wait", "AUTO_REMEDIATION_MAX_FAILURES_IN_A_ROW"
    if policy.max_failures_in_a_row is None:
        return Rule(name, str(settings.AUTO_REMEDIATION_MAX_FAILURES_IN_A_ROW), setting=setting)
    return Rule(name, str(policy.max_failures_in_a_row))


def waves(policy: CategoryPolicy) -> str:
    """In which steps a change reaches several targets."""
    beside = f", {policy.side_by_side} targets side by side" if policy.side_by_side > 1 else ""
    if not policy.canary:
        return f"One wave of all targets{beside or ', one after the other'}"
    growth = f"waves {policy.wave_growth} times as large" if policy.wave_growth > 1 else "waves of that size"
    watch = f"watched for {_span(policy.watch_minutes)}" if policy.watch_minutes else "looked at once"
    return f"A canary of {policy.canary}, then {growth}{beside}; between waves the services' signals are {watch}"


def budget(policy: CategoryPolicy) -> str:
    """How many targets of a run may fail."""
    if policy.error_budget.rstrip("%") == "0":
        return "None: a target that fails halts the run"
    return f"{policy.error_budget} of a run's targets may fail; they are taken back while the others go on"


def hours(policy: CategoryPolicy) -> str:
    """The window on the wall clock of its zone."""
    if policy.hours_start is None or policy.hours_end is None:
        return EVERY_HOUR
    night = ", into the next day" if policy.hours_end <= policy.hours_start else ""
    return f"{policy.hours_start:%H:%M} to {policy.hours_end:%H:%M}{night}, {policy.zone}"


def settings_of(site: Switches) -> list[Setting]:
    """What the installation decides for all categories."""
    small = settings.SMALL_TEAM
    return [
        Setting("AUTO_REMEDIATION_ENABLED", site.mode, MODES[site.mode]),
        Setting(
            APPROVAL,
            _on(site.requires_approval),
            "A person approves everything" if site.requires_approval else "Each policy says who approves",
        ),
        Setting("AUTO_REMEDIATION_MAX_ACTIONS_PER_HOUR", str(site.max_actions_per_hour), "For all categories together"),
        Setting(
            "AUTO_REMEDIATION_MAX_FAILURES_IN_A_ROW",
            str(settings.AUTO_REMEDIATION_MAX_FAILURES_IN_A_ROW),
            "On a target or for a pattern; then workers wait for people",
        ),
        Setting("AUTO_REMEDIATION_MIN_RELIABILITY", f"{site.min_reliability:g}", "Where a policy names none"),
        Setting(
            "PATTERN_MIN_OCCURRENCES", str(settings.PATTERN_MIN_OCCURRENCES), "Tickets before a pattern is trusted"
        ),
        Setting("PATTERN_MIN_POSITIVE_RATE", f"{site.min_feedback_rate:g} %", "Positive feedback of a trusted pattern"),
        Setting(
            "SMALL_TEAM",
            _on(small),
            "One other person may sign both stages" if small else "Two other people sign the two stages",
            is_alarming=small,
        ),
    ]


def decisions_of(decisions: Iterable[Decision]) -> list[dict[str, object]]:
    """Decisions, each with the reliability it saw and what the machine would have done on its own."""
    return [
        {
            "decision": each,
            "reliability": each.assessment.overall_permille / 10,
            "would_have": SHADOWS[each.shadow["verdict"]],
        }
        for each in decisions
    ]


def _feedback_rate(policy: CategoryPolicy, site: Switches) -> Rule:
    name = "Positive feedback, at least"
    if policy.min_feedback_rate is None:
        return Rule(name, _percent(site.min_feedback_rate), setting="PATTERN_MIN_POSITIVE_RATE")
    return Rule(name, _percent(policy.min_feedback_rate))


def _allowed(name: str, allowed: Sequence[str] | None, otherwise: str) -> Rule:
    return Rule(name, "Only these", tuple(allowed)) if allowed else Rule(name, otherwise)


def _forbidden(policy: CategoryPolicy) -> Rule:
    name = "Forbidden commands"
    return (
        Rule(name, "These", tuple(policy.forbidden_commands)) if policy.forbidden_commands else Rule(name, "None named")
    )


def _approvers(policy: CategoryPolicy) -> Rule:
    groups = [group.name for group in policy.approvers.all()]
    return Rule("Approvers", ", ".join(groups) or "Everybody with the grant to sign")


def _percent(value: float) -> str:
    return f"{value:g} %"


def _on(value: bool) -> str:  # noqa: FBT001 - a setting is a boolean
    return "on" if value else "off"


def _span(minutes: int) -> str:
    for name, size in (("day", 1_440), ("hour", 60)):
        if minutes and minutes % size == 0:
            count = minutes // size
            return f"{count} {name}{'s' * (count > 1)}"
    return f"{minutes} minute{'s' * (minutes != 1)}"
