"""A proof as text: what was played on the canary, what it said, and whether that proves the role. Pure (law 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from portal.kit import canonical
from remediation.playbooks.shapes import Facts, Kind, Outcome, TaskResult

VERSION = "countersign.proof/1"
APPLY, SECOND_RUN = "Apply", "Second run"
APPLIES = (APPLY, SECOND_RUN)
"""The parts in which the role changes its host."""


@dataclass(frozen=True, slots=True)
class Part:
    """One step of a proof as people read it: title, counts, tasks; `error` is "" where it went well."""

    title: str
    kinds: tuple[Kind, ...]
    changed: int
    failed: int
    skipped_by_check: int
    milliseconds: int
    error: str
    tasks: tuple[TaskResult, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """What was tried with one role on one host, and whether it holds.

    `reasons` say why it does not hold; `remains` what is still different on the host after the way back. `states` are
    digests of the patch scope's state by moment, `versions` those of the programs. Times are ISO 8601.
    """

    host: str
    is_lab: bool
    name: str
    role: str
    holds: bool
    reasons: tuple[str, ...]
    remains: tuple[str, ...]
    parts: tuple[Part, ...]
    facts: Facts | None
    inventory: str
    versions: Mapping[str, str]
    states: Mapping[str, str]
    started_at: str
    ended_at: str

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the canonical text: what a rollout plan names."""
        return canonical.digest_of(text_of(self))


def text_of(proof: Proof) -> str:
    """The canonical text of a proof."""
    return canonical.text_of(asdict(proof), version=VERSION)


def read(text: str) -> Proof:
    """The proof behind its canonical text; raises NotCanonical for another version."""
    data = canonical.parse(text, version=VERSION)
    facts = Facts(**data.pop("facts")) if data["facts"] else data.pop("facts")
    parts = tuple(_part(part) for part in data.pop("parts"))
    reasons, remains = tuple(data.pop("reasons")), tuple(data.pop("remains"))
    return Proof(**data, facts=facts, parts=parts, reasons=reasons, remains=remains)


def _part(data: dict[str, Any]) -> Part:
    tasks = tuple(_task(task) for task in data.pop("tasks"))
    return Part(**{**data, "kinds": tuple(Kind(kind) for kind in data["kinds"])}, tasks=tasks)


def _task(data: dict[str, Any]) -> TaskResult:
    return TaskResult(**{**data, "kind": Kind(data["kind"]), "outcome": Outcome(data["outcome"])})
