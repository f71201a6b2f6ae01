"""Measures the decision itself, without a database."""

from __future__ import annotations

import timeit
from datetime import UTC, datetime, time

from portal.kit.figures import Figure
from remediation.policy.decide import decide
from remediation.policy.facts import Action, ActionType, Facts, Limits, SafetyCheck, Switches

GOAL_MS = 0.2
TIMES = 2000
_AT = datetime(2026, 1, 30, 12, tzinfo=UTC)
_COMMANDS = ("df -hT /var/log", "cp -a /var/log/journal /srv/copy", "journalctl --vacuum-size=500M")


def measure() -> Figure:
    """A draft of three operations and three commands under a policy that asks for everything."""
    facts, limits = _facts(), _limits()
    seconds = min(timeit.repeat(lambda: decide(facts, limits, _AT), number=TIMES, repeat=3))
    return Figure("a decision, without I/O", seconds / TIMES * 1000, "ms", at_most=GOAL_MS)


def _facts() -> Facts:
    scale = Action("scale_deployment", "payments", ActionType.SAFE_WRITE, is_lab=True)
    command = Action("command", "log-ship-1", ActionType.CRITICAL_WRITE, is_lab=True)
    answered = [
        SafetyCheck(name, "a probe", answer=True, detail="As the probe says.", at=_AT)
        for name in ("system_healthy", "backup_available")
    ]
    return Facts(
        switches=Switches(mode="on"),
        ticket_opted_in=True,
        actions=(scale, scale, scale, command, command, command),
        confidence=95.0,
        reliability=88.0,
        similar_tickets=10,
        feedback_rate=95.0,
        commands=_COMMANDS,
        safety_checks=tuple(answered),
    )


def _limits() -> Limits:
    return Limits(
        min_confidence=80.0,
        min_reliability=85.0,
        min_similar_tickets=3,
        min_feedback_rate=85.0,
        forbidden_commands=("rm -rf", "mkfs", "dd", "shutdown", "iptables -F", "systemctl stop sshd"),
        hours=(time(22), time(6)),
        zone="Europe/Lisbon",
        requires_approval=True,
        auto_approve_threshold=95.0,
        max_actions_per_hour=10,
        requires_backup=True,
    )
