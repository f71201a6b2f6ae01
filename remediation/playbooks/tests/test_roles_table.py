"""The roles that only Ansible can judge, by the real gates and real proofs on folders of the lab (`make test-hosts`).

What the static gate stops never comes to Ansible, here neither.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from remediation.playbooks import hosts, labhosts, linting, prooftext, proving
from remediation.playbooks.tests.roles_table import CASES, Case

pytestmark = pytest.mark.skipif(os.environ.get("TEST_HOSTS") != "all", reason="make test-hosts plays all of them")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = [case for case in CASES if case.stopped_by != "static"]
MANAGERS = ("ansible.builtin.apt", "ansible.builtin.package")
PLAYED = [
    case
    for case in LATER
    if case.stopped_by in ("proof", "none")
    and not any(name in text for text in case.files.values() for name in MANAGERS)
]
"""No package manager works in a folder."""
MADE_BY_PLAYS = {"run/lab/journal"}


@pytest.mark.parametrize("case", LATER, ids=str)
def test_the_jailed_gates_stop_what_they_have_to_and_nothing_else(case: Case) -> None:
    reports = linting.check(case.role, case.files)
    failed = [report.gate for report in reports if not report.has_passed]
    if case.stopped_by not in ("syntax", "lint"):
        assert failed == [], [report.findings for report in reports]
        return
    assert case.stopped_by in failed
    found = [finding for report in reports if report.gate == case.stopped_by for finding in report.findings]
    assert (case.file, case.line) in {(finding.file, finding.line) for finding in found}, found


@pytest.mark.parametrize("case", PLAYED, ids=str)
def test_the_proof_stops_what_it_has_to_and_leaves_no_file_behind(case: Case, tmp_path: Path) -> None:
    folder = tmp_path / "lab-1"
    labhosts.create_lab_folder(folder, "lab-1", at=NOW)
    _with_a_service_and(case, folder)
    before = _files(folder)
    proof = _proven(case, folder)
    assert proof.holds == (case.stopped_by == "none"), (proof.reasons, proof.remains)
    if case.line:
        said = [*proof.reasons, *proof.remains]
        assert any(f"({case.file}:{case.line})" in words for words in said), said
    if not proof.remains:
        assert _files(folder) == before
    assert {path.name for path in tmp_path.iterdir()} == {"lab-1"}


def _with_a_service_and(case: Case, folder: Path) -> None:
    """What these roles expect of a host."""
    units = json.loads((folder / "run/lab/units.json").read_text())
    units["clean-tmp.service"] = units["cron.service"]
    (folder / "run/lab/units.json").write_text(json.dumps(units, indent=1, sort_keys=True))
    (folder / "var/lib/clean-tmp").mkdir(parents=True)
    for name, text in case.before.items():
        (folder / name.lstrip("/")).write_text(text)


def _proven(case: Case, folder: Path) -> prooftext.Proof:
    return proving.prove(
        case.role,
        case.files,
        role="0" * 64,
        scope=case.scope,
        host=hosts.Host("lab-1", hosts.Folder(folder)),
        now=lambda: NOW,
    )


def _files(folder: Path) -> dict[str, bytes]:
    """Every file of the host with its text, but for the lab's own notes."""
    found = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name not in MADE_BY_PLAYS}
