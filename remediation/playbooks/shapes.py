"""What a play says of itself, as values: tasks and how they ended, facts, the state of what a role touches. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from remediation.playbooks.gate.shapes import Scope

__all__ = ["BAD", "Facts", "Kind", "Outcome", "Played", "Scope", "State", "TaskResult", "Thing"]


class Kind(StrEnum):
    """What is played: a look at the state, a check without changes, the role, its verification, its way back."""

    LOOK = "look"
    CHECK = "check"
    APPLY = "apply"
    VERIFY = "verify"
    BACK_OUT = "back out"


class Outcome(StrEnum):
    """How a task ended on the host, or that it has begun."""

    RUNNING = "running"
    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


BAD = frozenset({Outcome.FAILED, Outcome.UNREACHABLE})


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One task on one host: where it stands in the role, how it ended, what it changed. Text is redacted and cut.

    `file` is relative to the role ("tasks/main.yml"); "" for a task of ours, like the gathering of facts.
    """

    kind: Kind
    host: str
    task: str
    module: str
    file: str
    line: int
    outcome: Outcome
    is_skipped_by_check: bool = False
    diff: str = ""
    message: str = ""
    milliseconds: int = 0

    @property
    def place(self) -> str:
        """Where the task stands, as people read it: "tasks/main.yml:12"."""
        return f"{self.file}:{self.line}" if self.file else "our own play"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a proof assumes of a host; a host that differs in one of these is not like the canary."""

    distribution: str
    version: str
    python: str
    service_manager: str
    architecture: str


@dataclass(frozen=True, slots=True)
class Thing:
    """One path, service or package, and its state in words that can be compared.

    `kind` is "path" for what the scope names, "entry" for what a folder holds, "service" or "package". `length` is a
    file's, in bytes; `prefix` the digest of as many bytes as it had at an earlier look.
    """

    kind: str
    name: str
    state: str
    length: int = 0
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """The state of all that a role's patch scope names on one host, in the order of kind and name."""

    things: tuple[Thing, ...]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all states."""
        lines = "\n".join(f"{thing.kind}\t{thing.name}\t{thing.state}" for thing in self.things)
        return hashlib.sha256(lines.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Played:
    """What one Ansible process did on one host. `error` is "" or says in a sentence why it did not end well."""

    kinds: tuple[Kind, ...]
    tasks: tuple[TaskResult, ...]
    facts: Facts | None
    states: tuple[State, ...]
    milliseconds: int
    error: str
    is_stopped: bool = False

    @property
    def is_ok(self) -> bool:
        """Every task that was to run has run, and none failed."""
        return not self.error

    @property
    def changed(self) -> tuple[TaskResult, ...]:
        """The tasks that changed something, or would."""
        return tuple(task for task in self.tasks if task.outcome is Outcome.CHANGED)

    @property
    def failed(self) -> tuple[TaskResult, ...]:
        """The tasks that ended the play; one that the role rescued did not."""
        return tuple(task for task in self.tasks if task.outcome in BAD) if self.error else ()

    @property
    def skipped_by_check(self) -> tuple[TaskResult, ...]:
        """The tasks that a check could not look into; what they would do is unknown."""
        return tuple(task for task in self.tasks if task.is_skipped_by_check)

    def of(self, kind: Kind) -> tuple[TaskResult, ...]:
        """The tasks of one kind of play."""
        return tuple(task for task in self.tasks if task.kind is kind)
