"""The role repository of a demonstration: a bare repository on this host, with CI files and a role written by hand."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from remediation.playbooks.repository import ci, trees
from remediation.playbooks.repository.conf import Remote
from remediation.playbooks.repository.git import Clone

NAME = "roles.git"
ROLE = "roles/logrotate_base"
_README = """# Our Ansible roles

Roles written by hand stand in `roles/`. Those in `roles/generated/` came as pull requests from Countersign, each with
the evidence it was drafted from and the proof that it converges. CI runs the same gates again: `ci/check-roles.sh`.

Merging is for people: the branch `main` is protected where this repository is served by a forge.
"""
_TASKS = """---
- name: Install logrotate
  ansible.builtin.package:
    name: logrotate
    state: present

- name: Rotate weekly and keep four weeks
  ansible.builtin.lineinfile:
    path: /etc/logrotate.conf
    regexp: '^rotate\\b'
    line: rotate 4
    owner: root
    group: root
    mode: "0644"

- name: Rotate by the clock
  ansible.builtin.systemd_service:
    name: logrotate.timer
    enabled: true
    state: started
"""
_META = """---
galaxy_info:
  role_name: logrotate_base
  author: platform
  description: Log rotation that every host has.
  license: MIT
  min_ansible_version: "2.16"
"""


def make(path: Path, *, at: datetime) -> bool:
    """Make the repository unless there is one; whether it was made now."""
    if path.exists():
        return False
    unfinished = path.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)  # of a start that was cut off
    unfinished.mkdir(parents=True)
    files = {"README.md": _README, f"{ROLE}/tasks/main.yml": _TASKS, f"{ROLE}/meta/main.yml": _META}
    stream = trees.stream(
        base="",
        folder="",
        files={**files, **ci.files_for(*ci.SYSTEMS)},
        message="Begin with the log rotation that every host has\n",
        by=trees.Signature("Platform team", "platform@localhost", at.astimezone(UTC)),
        ref="refs/heads/main",
    )
    Clone(unfinished, Remote()).commit(stream)
    unfinished.rename(path)
    return True
