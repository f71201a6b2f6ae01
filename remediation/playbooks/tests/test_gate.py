"""The static gate over the table of roles: what it stops, at which line, in which words; and what it lets through."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from remediation.playbooks import gate
from remediation.playbooks.gate import destruction, reading, texts
from remediation.playbooks.tests import roles_everyday
from remediation.playbooks.tests.roles_table import CASES, Case

PACKAGE = Path(gate.__file__).parent
STOPPED = [case for case in CASES if case.stopped_by == "static"]
GOOD = [case for case in CASES if case.stopped_by == "none"]
LATER = [case for case in CASES if case.stopped_by in {"syntax", "lint", "proof"}]
MAY_IMPORT = {
    "__future__", "argparse", "codecs", "collections", "dataclasses", "functools", "io", "itertools", "json", "os",
    "pathlib", "posixpath", "re", "stat", "sys", "typing", "unicodedata", "yaml", "zipfile",
}  # fmt: skip


@pytest.mark.parametrize("case", STOPPED, ids=str)
def test_it_stops_a_role_at_the_line_and_in_words(case: Case) -> None:
    findings = gate.check(case.role, case.files, case.scope)
    here = [each for each in findings if (each.file, each.line) == (case.file, case.line)]
    assert any(case.says in each.text for each in here), findings
    assert all(each.text and each.mend and each.rule for each in findings)


@pytest.mark.parametrize("case", [*GOOD, *LATER, *roles_everyday.CASES], ids=str)
def test_it_lets_a_good_role_through(case: Case) -> None:
    assert gate.check(case.role, case.files, case.scope) == []


def test_the_table_is_big_enough_and_every_case_is_another() -> None:
    assert len(STOPPED) >= 60
    assert len(GOOD) >= 12
    assert {case.stopped_by for case in LATER} == {"syntax", "lint", "proof"}
    assert len({case.name for case in CASES}) == len(CASES)


def test_the_checklist_has_what_is_marked_and_what_destroys() -> None:
    by_name = {case.name: case for case in CASES}
    unmarked = gate.marked(by_name["a service is stopped"].files)
    assert [(row.file, row.line, row.why) for row in unmarked if row.file == "tasks/main.yml"] == [
        (
            "tasks/main.yml",
            3,
            "nobody needs these files for longer; changes /etc/tmpfiles.d, which deletes files by the clock",
        ),
        ("tasks/main.yml", 11, "stops a service"),
    ]
    rows = gate.marked(by_name["the base itself"].files)
    assert [row.task for row in rows] == ["Take the rule away", "Say how long temporary files stay"]
    assert rows[0].why.startswith("temporary files stay for ever again; takes files away (state absent)")


def test_findings_come_by_file_and_line() -> None:
    for case in STOPPED:
        findings = gate.check(case.role, case.files, case.scope)
        assert findings == sorted(findings)


def test_it_says_the_same_without_the_parser_in_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML may have been built without it where the gate runs alone."""
    monkeypatch.setattr(reading, "LOADER", yaml.SafeLoader)
    for case in CASES:
        findings = gate.check(case.role, case.files, case.scope)
        here = [each.text for each in findings if (each.file, each.line) == (case.file, case.line)]
        assert any(case.says in text for text in here) if case.stopped_by == "static" else findings == [], case.name


@pytest.mark.parametrize(
    ("module", "arguments", "mend"),
    [
        ("ansible.posix.sysctl", {"name": "vm.swappiness"}, "Write a file in /etc/sysctl.d"),
        ("ansible.builtin.debug", {"msg": "{{ ansible_os_family }}"}, "Write ansible_facts['os_family']."),
        ("ansible.builtin.apt", {"name": "*"}, "no wildcard"),
        ("ansible.builtin.copy", {"dest": "/var/log/x", "content": "x", "mode": "u=rw"}, 'Write it as "0644"'),
        ("ansible.builtin.template", {"validate": "/usr/sbin/nginx %s"}, "/usr/sbin/nginx -t -c %s"),
    ],
)
def test_its_mend_says_what_to_write(module: str, arguments: dict[str, str], mend: str) -> None:
    task = yaml.safe_dump([{"name": "Do it", module: arguments}])
    files = {**GOOD[0].files, "tasks/main.yml": task}
    assert any(mend in each.mend for each in gate.check(GOOD[0].role, files, GOOD[0].scope))


@pytest.mark.parametrize("line", ["passwd: files systemd", "password: /run/db", "secret = '/etc/app.key'"])
def test_what_only_names_where_a_secret_is_is_none(line: str) -> None:
    assert list(texts.of_text("templates/x.conf.j2", line)) == []
    assert list(texts.of_text("templates/x.conf.j2", "password: hunter22/"))


@pytest.mark.parametrize("pattern", ["a?" * 30, "(a|a)" * 30, "(a*)*", "a*a*a*", "a{1,9}{1,9}{1,9}", "a" * 201])
def test_a_pattern_that_may_take_for_ever_is_not_asked(pattern: str) -> None:
    assert not destruction.is_quick(pattern)
    assert not destruction.finds(pattern, "a" * 100)


@pytest.mark.parametrize("name", ["", "x", "Role", "a" * 41, "../x", "ansible", "größe"])
def test_a_name_that_is_none_is_a_finding(name: str) -> None:
    assert [each.rule for each in gate.check(name, GOOD[0].files, GOOD[0].scope) if each.file == "role"] == ["name"]


def test_the_package_imports_the_standard_library_pyyaml_and_itself_only() -> None:
    """So it runs alone in a role repository."""
    for source in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert all(
                name.partition(".")[0] in MAY_IMPORT or name.startswith("remediation.playbooks.gate") for name in names
            )
            assert not (isinstance(node, ast.ImportFrom) and node.level), source


def test_nothing_in_it_runs_or_loads_anything() -> None:
    """YAML is read from events; nothing is evaluated, started or imported by name."""
    shunned = {
        "eval",
        "exec",
        "compile",
        "__import__",
        "load",
        "load_all",
        "unsafe_load",
        "system",
        "Popen",
        "import_module",
    }
    for source in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                of_re = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "re"
                assert called not in shunned or of_re, f"{source}:{node.lineno}"
