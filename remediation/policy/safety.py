"""Asks the world what a decision has to know: is there a backup, is the system healthy apart from what is under repair.

Read-only, outside any transaction, with the read tokens of the process that calls it. What cannot be asked is unknown,
never assumed: an unknown answer closes the machine's way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from remediation.connectors import client
from remediation.connectors.asking import Ask
from remediation.connectors.operations import Probe
from remediation.connectors.probes import Outcome, judge
from remediation.policy.facts import SafetyCheck


@dataclass(frozen=True, slots=True)
class Subject:
    """One target of the draft: who reaches it, and how to see whether it was backed up."""

    target: str
    connector: str
    backup: Probe | None


def collect(
    subjects: Sequence[Subject], *, symptom: str, at: datetime, ask: Ask = client.read
) -> tuple[SafetyCheck, ...]:
    """The two checks that need the world. `symptom` is the ticket's text: alerts it names are under repair."""
    backups, health = [_backup(each, ask) for each in subjects], _health(subjects, symptom, ask)
    return (
        _combine("backup_available", "latest backup of every target", backups, at),
        _combine("system_healthy", "connector and alerts of every target", health, at),
    )


@dataclass(frozen=True, slots=True)
class _Answer:
    answer: bool | None
    detail: str


def _combine(name: str, probe: str, answers: Sequence[_Answer], at: datetime) -> SafetyCheck:
    """False if any is false, else unknown if any is unknown; the details of what is not fine come first."""
    bad = [each for each in answers if each.answer is False]
    unknown = [each for each in answers if each.answer is None]
    shown = bad or unknown or list(answers)
    detail = " ".join(each.detail for each in shown) or "No target to ask about."
    answer = False if bad else None if unknown or not answers else True
    return SafetyCheck(name, probe, answer, detail, at)


def _backup(subject: Subject, ask: Ask) -> _Answer:
    if subject.backup is None:
        return _Answer(None, f"No backup probe is configured for {subject.target}.")
    outcome = ask(subject.connector, subject.backup.tool, subject.backup.arguments)
    if not outcome.ok:
        return _Answer(None, f"The backup of {subject.target} could not be looked up: {outcome.error}")
    judged = judge(subject.backup, outcome)
    return _Answer(judged.holds, subject.backup.says if judged.holds else " ".join(judged.misses))


def _health(subjects: Sequence[Subject], symptom: str, ask: Ask) -> list[_Answer]:
    answers = [_reachable(slug, ask) for slug in sorted({each.connector for each in subjects})]
    return answers + [_alerts(each, symptom, ask) for each in subjects]


def _reachable(connector: str, ask: Ask) -> _Answer:
    def read(outcome: Outcome) -> _Answer:
        fine = outcome.data.get("healthy") is True
        return _Answer(fine, f"{connector}: {str(outcome.data.get('detail') or 'reachable').rstrip('.')}.")

    return _asked(connector, "connector_health", {}, read, ask)


def _alerts(subject: Subject, symptom: str, ask: Ask) -> _Answer:
    """Critical alerts on the target that the ticket does not speak of."""

    def read(outcome: Outcome) -> _Answer:
        names = [name.strip() for name in str(outcome.data.get("names", "")).split(",") if name.strip()]
        others = [name for name in names if name.lower() not in symptom.lower()]
        if outcome.data.get("critical") and others:
            return _Answer(False, f"{subject.target} has other alerts: {', '.join(others)}.")
        return _Answer(True, f"{subject.target} has no other critical alert.")

    return _asked(subject.connector, "active_alerts", {"target": subject.target}, read, ask)


def _asked(
    connector: str, tool: str, arguments: dict[str, str], read: Callable[[Outcome], _Answer], ask: Ask
) -> _Answer:
    outcome = ask(connector, tool, arguments)
    if not outcome.ok:
        return _Answer(None, f"{connector} could not be asked: {outcome.error}")
    return read(outcome)
