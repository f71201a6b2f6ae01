"""Roles in which nothing can be seen without Ansible: the jailed gates stop some, the canary the others."""

from __future__ import annotations

from remediation.playbooks.tests.roles_base import BASE, case

MAIN, BACKOUT = "+tasks/main.yml", "+tasks/backout.yml"
SETTINGS = """
- name: Settings
  ansible.builtin.copy:
    dest: /etc/clean-tmp.conf
    content: "days={{ clean_tmp_days }}\\n"
    mode: "0644"
"""
SETTINGS_GO = """
# REVIEW: the settings go
- name: Take the settings away
  ansible.builtin.file:
    path: /etc/clean-tmp.conf
    state: absent
"""
SETTINGS_BACK = """
- name: The settings as they were
  ansible.builtin.lineinfile:
    path: /etc/clean-tmp.conf
    regexp: '^days='
    line: days=1
"""
THERE = {"/etc/clean-tmp.conf": "days=1\n"}

SYNTAX = (
    case("a rescue without a block", {MAIN: """
- name: Look
  ansible.builtin.stat: <--
    path: /etc/clean-tmp.conf
  rescue:
    - name: Fail
      ansible.builtin.fail:
        msg: It failed
"""}, by="syntax"),
)  # fmt: skip

LINT = (
    case("a name in small letters", {MAIN: SETTINGS.replace("Settings", "settings <--"), BACKOUT: SETTINGS_GO},
         by="lint"),
    case("a file without a mode", {MAIN: SETTINGS.replace('    mode: "0644"\n', "").replace("Settings", "Settings <--"),
                                   BACKOUT: SETTINGS_GO}, by="lint"),
    case("blanks at the end of a line", {MAIN: SETTINGS.replace('"0644"', '"0644"  <--'), BACKOUT: SETTINGS_GO},
         by="lint"),
    case("the name behind the module", {MAIN: """
- ansible.builtin.stat: <--
    path: /etc/clean-tmp.conf
  name: Look
"""}, by="lint"),
    case("yes for true", {MAIN: SETTINGS + "  become: yes <--\n", BACKOUT: SETTINGS_GO}, by="lint"),
)  # fmt: skip

PROOF = (
    case("two tasks that undo each other", {MAIN: """
- name: Ten days <--
  ansible.builtin.lineinfile:
    path: /etc/clean-tmp.conf
    regexp: '^days='
    line: days=10

- name: Three days
  ansible.builtin.lineinfile:
    path: /etc/clean-tmp.conf
    regexp: '^days='
    line: days=3
""", BACKOUT: SETTINGS_BACK}, by="proof", before=THERE),
    case("a text that grows with every run", {MAIN: """
- name: One day more <--
  ansible.builtin.replace:
    path: /etc/clean-tmp.conf
    regexp: '^days=1'
    replace: days=11
""", BACKOUT: SETTINGS_BACK}, by="proof", before=THERE),
    case("two modes of one file", {MAIN: """
# REVIEW: the group may read it
- name: Open it <--
  ansible.builtin.file:
    path: /etc/clean-tmp.conf
    mode: "0640"

# REVIEW: the group need not read it
- name: Close it
  ansible.builtin.file:
    path: /etc/clean-tmp.conf
    mode: "0600"
""", BACKOUT: SETTINGS_BACK}, by="proof", before=THERE),
    case("two blocks with the same marker", {MAIN: """
- name: One block <--
  ansible.builtin.blockinfile:
    path: /etc/clean-tmp.conf
    block: one

- name: Another block
  ansible.builtin.blockinfile:
    path: /etc/clean-tmp.conf
    block: another
""", BACKOUT: SETTINGS_BACK}, by="proof", before=THERE),
    case("a command that appends, which a check leaves out", {MAIN: """
# REASON: no module appends
# REVIEW: it writes one line more
- name: Append <--
  ansible.builtin.command:
    argv:
      - /usr/bin/sort
      - --output=/var/log/clean-tmp.log
      - /etc/tmpfiles.d/clean-tmp.conf
  register: clean_tmp_sorted
  changed_when: clean_tmp_sorted.rc == 99
"""}, by="proof"),
    case("a look that does not find what was written", {"tasks/verify.yml": BASE["tasks/verify.yml"].replace(
        "- name: The rule is there", "- name: The rule is there <--").replace("stat.exists", "stat.mode == '0600'")},
         by="proof"),
    case("a way back that leaves a file", {MAIN: """
- name: Settings
  ansible.builtin.lineinfile:
    path: /etc/clean-tmp.conf
    regexp: '^days='
    line: days=3
    create: true
    mode: "0644"
""", BACKOUT: """
# REVIEW: the setting goes
- name: Take the setting out
  ansible.builtin.lineinfile:
    path: /etc/clean-tmp.conf
    regexp: '^days='
    state: absent
"""}, by="proof"),
)  # fmt: skip
CASES = (*SYNTAX, *LINT, *PROOF)
