"""The gates of a role that run programs: each runs in a jail, once per revision; its verdict is kept and read again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from portal.kit import statements
from portal.kit.plain import data_of
from portal.kit.statements import Query, given
from remediation.drafting import roles, schema
from remediation.drafting.models import Revision
from remediation.drafting.schema import RolePart
from remediation.playbooks.gate import Finding as Found
from remediation.review.gates import Finding, Report
from remediation.review.models import GateResult

GATES = ("role syntax", "role lint")
_KEPT = Query(lambda: GateResult.objects.filter(revision=given("revision"), gate__in=GATES).order_by("id"))


def check(revision: Revision, part: RolePart, *, at: datetime) -> list[Report]:
    """Run the jailed gates on a role that passed the static ones; a jail that cannot be set up is a failed gate.

    What the same programs let pass already, to the letter, they are not shown again.
    """
    from remediation.playbooks import linting  # noqa: PLC0415 - only who runs programs needs them

    files, digest = roles.files_of(part), roles.part_digest(part)
    if passed := _passed_before(revision, digest, linting.versions()):
        statements.insert_all([result_of(revision, report, at=at) for report in passed])
        return passed
    reports = []
    for gate, said in zip(GATES, linting.check(part.name, files), strict=True):
        findings = tuple(_finding(each) for each in said.findings)
        if not said.has_passed and not findings:
            findings = (Finding("role", "The program did not end well.", "Look into its log."),)
        reports.append(Report(gate, findings, digest, said.version, said.log, said.milliseconds))
    statements.insert_all([result_of(revision, report, at=at) for report in reports])
    return reports


def kept(revision: Revision, draft: schema.Draft) -> Sequence[Report]:
    """What the jailed gates said of exactly the role of this draft; nothing for a draft without one."""
    if draft.role is None:
        return ()
    digest = roles.part_digest(draft.role)
    newest = {row.gate: row for row in _KEPT.all(revision=revision.pk) if row.input_digest == digest}
    return [_report(newest[gate]) if gate in newest else _never(gate, digest) for gate in GATES]


def result_of(revision: Revision, report: Report, *, at: datetime) -> GateResult:
    """A report as it is kept."""
    return GateResult(
        revision=revision,
        gate=report.gate,
        ruleset=report.ruleset,
        has_passed=report.has_passed,
        input_digest=report.input_digest,
        findings=data_of(report.findings),
        log=report.log,
        took_ms=report.took_ms,
        at=at,
    )


def _passed_before(revision: Revision, digest: str, versions: Sequence[str]) -> list[Report]:
    """What the same programs said of the same role before, in whatever revision, if all of them let it pass."""
    rows = GateResult.objects.filter(
        revision__remediation=revision.remediation_id, gate__in=GATES, input_digest=digest, ruleset__in=versions
    )
    newest = {row.gate: row for row in rows.order_by("id")}
    reports = [_report(newest[gate]) for gate in GATES if gate in newest and newest[gate].has_passed]
    return reports if len(reports) == len(GATES) else []


def _finding(found: Found) -> Finding:
    return Finding(f"role/{found.file}:{found.line}" if found.file else "role", found.text, found.mend)


def _report(row: GateResult) -> Report:
    findings = tuple(Finding(**finding) for finding in row.findings)
    return Report(row.gate, findings, row.input_digest, ruleset=row.ruleset, log=row.log, took_ms=row.took_ms)


def _never(gate: str, digest: str) -> Report:
    return Report(gate, (Finding("role", "This gate has not seen the role.", "Have the draft checked again."),), digest)
