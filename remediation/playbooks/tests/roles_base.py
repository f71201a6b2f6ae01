"""How the roles of the table are written: a small good role, and what differs from it.

A case writes only what differs from `BASE`. A path that begins with `+` adds to a file of it. The line that the finding
has to name ends in the mark ` <--`, which is taken out before anybody reads the role.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from remediation.playbooks import gate

MARK = " <--"
NAME = "clean_tmp"
SCOPE = gate.Scope(
    paths=("/etc/tmpfiles.d", "/etc/clean-tmp.conf", "/var/lib/clean-tmp", "/var/log"),
    services=("clean-tmp",),
    packages=("clean-tmp",),
)
BASE = {
    "defaults/main.yml": """\
---
clean_tmp_days: 10
""",
    "tasks/main.yml": """\
---
# REVIEW: nobody needs these files for longer
- name: Say how long temporary files stay
  ansible.builtin.template:
    src: clean-tmp.conf.j2
    dest: /etc/tmpfiles.d/clean-tmp.conf
    owner: root
    group: root
    mode: "0644"
""",
    "tasks/backout.yml": """\
---
# REVIEW: temporary files stay for ever again
- name: Take the rule away
  ansible.builtin.file:
    path: /etc/tmpfiles.d/clean-tmp.conf
    state: absent
""",
    "tasks/verify.yml": """\
---
- name: Look for the rule
  ansible.builtin.stat:
    path: /etc/tmpfiles.d/clean-tmp.conf
  register: clean_tmp_rule

- name: The rule is there
  ansible.builtin.assert:
    that: clean_tmp_rule.stat.exists
""",
    "templates/clean-tmp.conf.j2": """\
d /var/lib/clean-tmp 0750 root root {{ clean_tmp_days }}d
""",
}


@dataclass(frozen=True)
class Case:
    """One role. `stopped_by` is static, syntax, lint, proof or none; a finding has `file`, `line` and `says`.

    `line` is 0 where the finding names no line of a file. `before` holds files that are on the host already.
    """

    name: str
    files: Mapping[str, str]
    scope: gate.Scope = SCOPE
    stopped_by: str = "none"
    file: str = ""
    line: int = 0
    says: str = ""
    role: str = NAME
    before: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def case(
    name: str,
    changes: Mapping[str, str | None],
    says: str = "",
    *,
    by: str = "",
    scope: gate.Scope = SCOPE,
    at: tuple[str, int] | None = None,
    before: Mapping[str, str] | None = None,
) -> Case:
    """A case out of what differs; stopped by the static gate where it says something, unless `by` names another."""
    files: dict[str, str] = dict(BASE)
    for path, text in changes.items():
        if text is None:
            del files[path]
        elif path.startswith("+"):
            files[path[1:]] = files.get(path[1:], "---\n") + text
        else:
            files[path] = text
    file, line = at or _place(files)
    clean = {path: text.replace(MARK, "") for path, text in files.items()}
    return Case(name, clean, scope, by or ("static" if says else "none"), file, line, says, before=before or {})


def _place(files: Mapping[str, str]) -> tuple[str, int]:
    """Where the mark stands."""
    for path, text in files.items():
        if MARK in text:
            return path, text[: text.index(MARK)].count("\n") + 1
    return "", 0
