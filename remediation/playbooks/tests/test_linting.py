"""The jailed gates on roles that pass and roles that do not, by the real programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from remediation.knowledge import library
from remediation.playbooks import linting
from remediation.playbooks.gate import Finding
from remediation.playbooks.tests import small_roles

BROKEN = "---\n- name: Read the message\n  ansible.builtin.slurp:\n    src: /etc/motd\n   register: motd_read\n"
UNTIDY = "---\n- file:\n    path: /etc/motd\n    state: absent\n\n- name: Quiet # noqa: name\n  ansible.builtin.ping:\n"


def test_the_shipped_role_passes_both_and_each_names_its_version() -> None:
    role = library.shipped()["log-shipper-disk-full"].procedure
    assert role.front.role
    syntax, lint = linting.check(role.front.role.name, role.role_files)
    assert (syntax.has_passed, lint.has_passed) == (True, True), syntax.log + lint.log
    assert (syntax.version, lint.version.split(",")[0]) == ("ansible-core 2.19.14", "ansible-lint 26.10.1")
    assert "Profile 'production' was required, and it passed" in lint.log
    assert syntax.milliseconds > 0


def test_what_ansible_cannot_read_is_named_by_file_and_line() -> None:
    report = linting.syntax(small_roles.NAME, small_roles.changed(verify=BROKEN))
    assert not report.has_passed
    (finding,) = report.findings
    assert (finding.file, finding.line, finding.rule) == ("tasks/verify.yml", 5, "syntax")
    assert "YAML parsing failed" in finding.text


def test_what_lint_finds_is_named_by_file_line_and_rule_and_nothing_silences_it() -> None:
    report = linting.lint(small_roles.NAME, small_roles.changed(backout=UNTIDY))
    assert not report.has_passed
    found = {(finding.file, finding.line, finding.rule) for finding in report.findings}
    assert found >= {
        ("tasks/backout.yml", 2, "fqcn[action-core]"),
        ("tasks/backout.yml", 2, "name[missing]"),
        ("tasks/backout.yml", 6, "silenced"),
    }
    assert all(finding.text and finding.mend for finding in report.findings)


@pytest.mark.parametrize(("said", "found"), [("[]", []), ("warned\n[]", []), ("", None), ("[{", None), ("{}", None)])
def test_what_lint_says_is_read_or_it_has_not_said_anything(said: str, found: list[Finding] | None) -> None:
    assert linting._lint_findings(said, "motd") == found


def test_without_a_jail_both_gates_have_failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for report in linting.check(small_roles.NAME, small_roles.GOOD):
        assert not report.has_passed
        assert "bwrap is not installed" in report.findings[0].text


@pytest.mark.parametrize(
    "path", ["../escaped.yml", "/etc/escaped", "library/ping.py", "tasks/../../x.yml", "tasks/á.yml"]
)
def test_a_path_that_no_role_has_never_reaches_the_jail(path: str) -> None:
    report = linting.lint(small_roles.NAME, small_roles.GOOD | {path: "---\n"})
    assert (report.has_passed, [finding.rule for finding in report.findings]) == (False, ["layout"])
