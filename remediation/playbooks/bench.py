"""What a role costs before it may run: the static gate, the jailed gates, the proof on a host of the lab."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone

from portal.kit.figures import Figure
from remediation.drafting import roles
from remediation.knowledge import library
from remediation.playbooks import gate, hosts, labhosts, linting, prooftext, proving

RUNBOOK = "log-shipper-disk-full"
TIMES = 20
STATIC_GOAL_MS, JAILED_GOAL_S, PROOF_GOAL_S = 20.0, 5.0, 25.0


class NotProven(Exception):
    """The role that ships does not pass here; the text says why. A time of that would be none."""


@dataclass(frozen=True, slots=True)
class _Role:
    name: str
    files: Mapping[str, str]
    scope: gate.Scope


def measure() -> Iterator[Figure]:
    """Each once, by the role that ships; the static gate by its median. Raises NotProven."""
    role = _shipped()
    yield Figure("static gate of a role", statistics.median(_judged(role) for _ in range(TIMES)), "ms", STATIC_GOAL_MS)
    began = time.perf_counter()
    reports = linting.check(role.name, role.files)
    yield Figure("jailed syntax check and lint of a role", time.perf_counter() - began, "s", JAILED_GOAL_S)
    if failed := [report.log for report in reports if not report.has_passed]:
        raise NotProven(failed[0])
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        proof = _proven(role, Path(folder, "bench"))
    yield Figure("canary proof of a role, on a folder of the lab", time.perf_counter() - began, "s", PROOF_GOAL_S)
    if not proof.holds:
        raise NotProven(" ".join([*proof.reasons, *proof.remains]))


def _shipped() -> _Role:
    procedure = library.shipped()[RUNBOOK].procedure
    use = procedure.front.role
    if use is None:
        raise NotProven(f"The runbook {RUNBOOK} brings no role.")
    return _Role(use.name, procedure.role_files, gate.Scope(tuple(use.paths), tuple(use.services), tuple(use.packages)))


def _judged(role: _Role) -> float:
    began = time.perf_counter()
    gate.check(role.name, role.files, role.scope)
    return (time.perf_counter() - began) * 1000


def _proven(role: _Role, folder: Path) -> prooftext.Proof:
    labhosts.create_lab_folder(folder, "bench", at=timezone.now())
    return proving.prove(
        role.name,
        role.files,
        role=roles.digest_of(role.name, role.files),
        scope=role.scope,
        host=hosts.Host("bench", hosts.Folder(folder)),
        now=timezone.now,
    )
