"""Small roles for tests that play them: one that converges, and the same with one thing wrong."""

from __future__ import annotations

from remediation.playbooks.gate import Scope

NAME = "motd"
SCOPE = Scope(paths=("/etc/motd",), services=("cron",), packages=())
VERIFY = """---
- name: Read the message
  ansible.builtin.slurp:
    src: /etc/motd
  register: motd_read

- name: The message is there
  ansible.builtin.assert:
    that: motd_read.content | length > 0
"""
BACK_OUT = """---
- name: Take the message away
  ansible.builtin.file:
    path: /etc/motd
    state: absent
"""
HANDLERS = """---
- name: Restart cron
  ansible.builtin.systemd_service:
    name: cron
    state: restarted
"""
COPY = """---
- name: Write the message
  ansible.builtin.copy:
    dest: /etc/motd
    content: "{{ motd_text }}"
    owner: root
    group: root
    mode: "0644"
  notify: Restart cron
"""
APPEND = """
- name: Append to the message
  ansible.builtin.command: dd if=/etc/hostname of=/etc/motd oflag=append conv=notrunc
"""
LIE = """
- name: Say when the message was written
  ansible.builtin.copy:
    dest: /etc/motd
    content: "{{ ansible_facts['date_time']['iso8601_micro'] }}"
    owner: root
    group: root
    mode: "0644"
  changed_when: false
"""
GOOD = {
    "tasks/main.yml": COPY,
    "tasks/verify.yml": VERIFY,
    "tasks/backout.yml": BACK_OUT,
    "handlers/main.yml": HANDLERS,
    "defaults/main.yml": "---\nmotd_text: Kept by its role.\n",
}


def changed(**files: str) -> dict[str, str]:
    """The good role with other tasks: `main`, `verify`, `backout`."""
    return GOOD | {f"tasks/{name}.yml": text for name, text in files.items()}
