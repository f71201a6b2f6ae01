"""The jailed gates: `ansible-playbook --syntax-check` and ansible-lint with its production profile. No rule is skipped.

Both run code of Ansible over the role, so only a role that passed the static gate comes here, and only into the jail.
A jail that cannot be set up is a failed gate.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from remediation.playbooks import jail, jailed, playtext
from remediation.playbooks.gate.shapes import Finding
from remediation.playbooks.jail import File
from remediation.playbooks.shapes import Kind, Scope

SECONDS = 180
PLAYS = (Kind.CHECK, Kind.VERIFY, Kind.BACK_OUT)
ORIGIN = re.compile(r"^Origin: (\S+?):(\d+)(?::\d+)?$", re.MULTILINE)
ERROR = re.compile(r"^\[ERROR\]: (.+)$", re.MULTILINE)
SILENCED = re.compile(r"#\s*noqa|yamllint\s+(?:disable|set)|skip_ansible_lint", re.IGNORECASE)
LINT = (
    "ansible-lint",
    "--offline",
    "--profile",
    "production",
    "--nocolor",
    "--format",
    "json",
    "--project-dir",
    "/job",
)
SYNTAX = ("ansible-playbook", "--syntax-check", "--inventory", "localhost,", "/job/gates.yml")
SCRATCH = "/job/.ansible"


@dataclass(frozen=True, slots=True)
class JailedReport:
    """What one program said of a role: findings with file and line, its log, its version, how long it took."""

    gate: str
    has_passed: bool
    findings: tuple[Finding, ...]
    log: str
    milliseconds: int
    version: str


def check(name: str, files: Mapping[str, str]) -> tuple[JailedReport, JailedReport]:
    """Both gates, side by side."""
    with ThreadPoolExecutor(2) as beside:
        both = beside.submit(syntax, name, files), beside.submit(lint, name, files)
        return both[0].result(), both[1].result()


def versions() -> tuple[str, str]:
    """The programs behind both gates, as their reports name them."""
    return _version_of("syntax"), _version_of("lint")


def syntax(name: str, files: Mapping[str, str]) -> JailedReport:
    """Whether Ansible can read the role, its verification and its way back."""
    ran = _run("syntax", name, files, SYNTAX)
    if isinstance(ran, JailedReport):
        return ran
    findings = () if ran.is_ok else tuple(_syntax_findings(ran, name))
    return _report("syntax", findings, ran)


def lint(name: str, files: Mapping[str, str]) -> JailedReport:
    """What ansible-lint finds, and every comment that would keep it from finding something."""
    lines: list[str] = []
    ran = _run("lint", name, files, [*LINT, f"{playtext.ROLES}/{name}"], on_line=lines.append)
    if isinstance(ran, JailedReport):
        return ran
    said = _lint_findings("\n".join(lines), name)
    findings = [*_silenced(files), *(said or ())]
    if said is None or not (ran.is_ok or findings):
        findings.append(_ended(ran, "ansible-lint"))
    return _report("lint", tuple(sorted(findings)), ran)


def _run(
    gate: str, name: str, files: Mapping[str, str], command: Sequence[str], on_line: jailed.OnLine | None = None
) -> jailed.Ran | JailedReport:
    """How the program ended; or the report of a gate that failed before it began."""
    try:
        return jailed.run(_cell(name, files), command, seconds=SECONDS, on_line=on_line)
    except jail.NoJail as reason:
        finding = Finding(
            "", 0, "jail", str(reason), "Make the jail possible on this host, and ask for the gates again."
        )
    except playtext.BadRole as reason:
        finding = Finding("", 0, "layout", str(reason), "Use the folders and names of a role.")
    return JailedReport(gate, False, (finding,), "", 0, _version_of(gate))


def _cell(name: str, files: Mapping[str, str]) -> jail.Cell:
    job = {path: File(text) for path, text in playtext.files_of(name, files).items()}
    job |= {
        "/job/gates.yml": File(playtext.plays_of(name, PLAYS, scope=Scope(), before=None)),
        "/job/ansible.cfg": File(playtext.SETTINGS),
    }
    return jail.Cell(files=job, variables={"ANSIBLE_CONFIG": "/job/ansible.cfg"}, scratch=(SCRATCH,))


def _report(gate: str, findings: tuple[Finding, ...], ran: jailed.Ran) -> JailedReport:
    return JailedReport(gate, not findings and ran.is_ok, findings, ran.log, ran.milliseconds, _version_of(gate))


def _version_of(gate: str) -> str:
    core = f"ansible-core {version('ansible-core')}"
    return core if gate == "syntax" else f"ansible-lint {version('ansible-lint')}, {core}"


def _syntax_findings(ran: jailed.Ran, name: str) -> list[Finding]:
    """Ansible stops at the first error; it names file and line."""
    error, origin = ERROR.search(ran.log), ORIGIN.search(ran.log)
    if not error:
        return [_ended(ran, "ansible-playbook")]
    file, line = (_inside(origin[1], name), int(origin[2])) if origin else ("", 0)
    return [Finding(file, line, "syntax", error[1].strip(), "Correct what Ansible cannot read at this line.")]


def _ended(ran: jailed.Ran, program: str) -> Finding:
    text = ran.error or f"{program} ended with status {ran.status}: {ran.log.strip()[:300] or 'it says nothing'}"
    return Finding("", 0, "program", text, "Look into the log.")


def _lint_findings(said: str, name: str) -> list[Finding] | None:
    """What it found; None where that cannot be read, which is not the same as nothing."""
    start = said.find("[")
    try:
        issues = json.loads(said[start:] if start >= 0 else "")
    except ValueError:
        return None
    return [_issue(issue, name) for issue in issues if isinstance(issue, dict)]


def _issue(issue: Mapping[str, Any], name: str) -> Finding:
    location = issue["location"]
    line = location["lines"]["begin"] if "lines" in location else location["positions"]["begin"]["line"]
    says = str((issue.get("content") or {}).get("body") or "")
    mend = says if says.startswith("Use ") else f"See {issue['url']}"
    return Finding(_inside(location["path"], name), int(line), issue["check_name"], issue["description"], mend)


def _inside(path: str, name: str) -> str:
    """A path of the jail as a path of the role."""
    return path.rpartition(f"roles/{name}/")[2]


def _silenced(files: Mapping[str, str]) -> list[Finding]:
    mend = "Take it out, and mend what the rule finds."
    return [
        Finding(path, number, "silenced", "This keeps ansible-lint from looking.", mend)
        for path, text in files.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if SILENCED.search(line)
    ]
