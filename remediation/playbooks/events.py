"""Turns what the player in the jail tells into results of tasks. Pure; every text is redacted, then cut."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from portal.kit import redaction
from remediation.playbooks.playtext import ROLES
from remediation.playbooks.shapes import Facts, Kind, Outcome, State, TaskResult, Thing

LONGEST_DIFF = 20_000
LONGEST_MESSAGE = 4_000
LONGEST_FACT = 200
CUT = "\n[cut here]"
NOT_SHOWN = "[not shown: it could not be made sure that no secret is in it]"
CONDITION = "Conditional result was False"
NO_ITEMS = "No items in the list"
MODE = "check_mode"
"""A task that asks whether this is a check does something else when it is none."""


@dataclass(slots=True)
class Story:
    """What has been told so far of one play on one host, task by task.

    `counted` is how many tasks changed something by Ansible's own count at the end; None before it.
    """

    host: str
    known: Collection[str] = field(default=(), repr=False)
    tasks: list[TaskResult] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    facts: Facts | None = None
    counted: int | None = None
    diff: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether every change that Ansible counted was told."""
        return self.counted == sum(task.outcome is Outcome.CHANGED for task in self.tasks)

    def hear(self, line: str) -> TaskResult | None:
        """Take in one line; the task it is about, if there is something to show. What fits nothing is left out."""
        try:
            return self._take_in(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def clean(self, text: str) -> str:
        """The text as it can be kept, without secrets; without a word of it where that cannot be made sure."""
        try:
            return redaction.redact(_plain(text), known=self.known).text
        except redaction.RedactionFailed:
            return NOT_SHOWN

    def _take_in(self, told: dict[str, Any]) -> TaskResult | None:
        if told["result"] == "counted":
            self.counted = int(told["changed"])
            return None
        if told["result"] == "diff":
            self.diff += told["text"]
            return None
        result = self._result(Kind(told["play"]), told)
        if result.outcome is not Outcome.RUNNING:
            self._keep(told, result)
            self.diff = ""
        return result

    def _result(self, kind: Kind, told: dict[str, Any]) -> TaskResult:
        outcome = Outcome.CHANGED if told["result"] == "ok" and told["changed"] else Outcome(told["result"])
        file, line = _place(told["path"])
        begun = TaskResult(kind, self.host, self.clean(told["task"]), told["module"], file, line, outcome)
        if outcome is Outcome.RUNNING:
            return begun
        return replace(
            begun,
            is_skipped_by_check=kind is Kind.CHECK and any(map(_is_by_check, told["skips"])),
            diff=_cut(self.clean(self.diff.replace("\r\n", "\n").strip("\n")), LONGEST_DIFF),
            message=_cut(self.clean(told["message"]), LONGEST_MESSAGE),
            milliseconds=int(told["milliseconds"]),
        )

    def _keep(self, told: dict[str, Any], result: TaskResult) -> None:
        if told["facts"] and self.facts is None:
            self.facts = self._facts(told["facts"])
        if told["state"] is not None and result.kind is Kind.LOOK:
            self.states.append(_state(told["state"]))
        self.tasks.append(result)

    def _facts(self, told: dict[str, str]) -> Facts:
        def fact(name: str) -> str:
            return _cut(self.clean(told.get(f"ansible_{name}", "")), LONGEST_FACT)

        return Facts(
            distribution=fact("distribution"),
            version=fact("distribution_version"),
            python=fact("python_version"),
            service_manager=fact("service_mgr"),
            architecture=fact("architecture"),
        )


def _place(path: str) -> tuple[str, int]:
    """The file inside the role, and the line; a task of ours has none."""
    where, _, line = path.rpartition(":")
    parts = where.removeprefix(f"{ROLES}/").split("/", 1)
    if not where.startswith(f"{ROLES}/") or len(parts) == 1:
        return "", 0
    return parts[1], int(line) if line.isdigit() else 0


def _is_by_check(skip: dict[str, str]) -> bool:
    """Whether a task was skipped only because this is a check; a reason that is not known counts as that."""
    if MODE in skip["condition"]:
        return True
    return skip["reason"] not in (CONDITION, NO_ITEMS)


def _state(told: list[dict[str, Any]]) -> State:
    things = (
        Thing(one["kind"], _plain(one["name"]), _plain(one["state"]), int(one["length"]), _plain(one["prefix"]))
        for one in told
    )
    return State(tuple(sorted(things, key=lambda thing: (thing.kind, thing.name))))


def _plain(text: str) -> str:
    """The text with nothing in it that a database or UTF-8 refuses."""
    return text.encode(errors="replace").decode().replace("\x00", "\ufffd")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + CUT
