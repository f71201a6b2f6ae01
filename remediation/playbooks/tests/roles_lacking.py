"""Roles as hurried authors and models write them: out of scope, incomplete, and the well-known log hygiene."""

from __future__ import annotations

from remediation.playbooks import gate
from remediation.playbooks.tests.roles_base import BASE, SCOPE, case

MAIN, BACKOUT, VERIFY = "+tasks/main.yml", "+tasks/backout.yml", "+tasks/verify.yml"
SCOPED = (
    case("a path outside of the scope", {MAIN: """
- name: Settings
  ansible.builtin.copy:
    dest: /etc/issue <--
    content: x
    mode: "0644"
"""}, "lies outside the patch scope"),
    case("a path that leaves the scope", {MAIN: """
- name: Settings
  ansible.builtin.copy:
    dest: /etc/tmpfiles.d/../issue <--
    content: x
    mode: "0644"
"""}, "is not an absolute path"),
    case("a neighbour with the same beginning", {MAIN: """
- name: Settings
  ansible.builtin.copy:
    dest: /etc/tmpfiles.d.old/x <--
    content: x
    mode: "0644"
"""}, "lies outside the patch scope"),
    case("a default that leads out", {"+defaults/main.yml": "clean_tmp_file: /etc/issue\n", MAIN: """
- name: Settings
  ansible.builtin.copy:
    dest: "{{ clean_tmp_file }}" <--
    content: x
    mode: "0644"
"""}, "/etc/issue lies outside"),
    case("one item of a loop that leads out", {MAIN: """
- name: Settings
  ansible.builtin.copy:
    dest: "/etc/{{ item }}" <--
    content: x
    mode: "0644"
  loop: [clean-tmp.conf, issue]
"""}, "/etc/issue lies outside"),
    case("a path that only the host knows", {MAIN: """
- name: Read
  ansible.builtin.slurp:
    src: /etc/clean-tmp.conf
  register: clean_tmp_read

- name: Settings
  ansible.builtin.copy:
    dest: "/var/log/{{ clean_tmp_read.content | b64decode }}" <--
    content: x
    mode: "0644"
"""}, "cannot be read from the role"),
    case("a relative path", {MAIN: """
- name: Settings
  ansible.builtin.copy:
    dest: clean-tmp.conf <--
    content: x
    mode: "0644"
"""}, "is not an absolute path"),
    case("a service outside of the scope", {MAIN: """
- name: Another service
  ansible.builtin.systemd_service:
    name: sshd <--
    state: started
"""}, "sshd lies outside"),
    case("a package outside of the scope", {MAIN: """
- name: Another package
  ansible.builtin.apt:
    name:
      - clean-tmp
      - nmap=7.93 <--
"""}, "nmap lies outside"),
    case("a package by a wildcard", {MAIN: """
- name: Packages
  ansible.builtin.apt:
    name: "clean-*" <--
"""}, "is no plain name"),
    case("the list of who becomes root", {MAIN: """
- name: Become root
  ansible.builtin.copy:
    dest: /etc/sudoers.d/clean <--
    content: x
    mode: "0440"
"""}, "is nothing that a role may touch", scope=gate.Scope(paths=(*SCOPE.paths, "/etc/sudoers.d"))),
    case("a scope that is everything", {}, "is too wide", scope=gate.Scope(paths=("/",)), at=("scope", 1)),
    case("a command that names a path outside", {MAIN: """
# REASON: there is no module
# REVIEW: it rotates
- name: Rotate
  ansible.builtin.command:
    argv:
      - /usr/sbin/logrotate
      - --state=/tmp/state <--
    creates: /var/lib/clean-tmp/rotated
"""}, "names /tmp/state"),
)  # fmt: skip

INCOMPLETE = (
    case("no way back", {"tasks/backout.yml": None}, "is missing: the way back", at=("tasks/backout.yml", 1)),
    case("no look afterwards", {"tasks/verify.yml": None}, "is missing: how to see", at=("tasks/verify.yml", 1)),
    case("a way back that does nothing", {"tasks/backout.yml": "--- <--\n[]\n"},
         "does nothing", at=("tasks/backout.yml", 2)),
    case("something is not taken back", {MAIN: """
- name: Settings <--
  ansible.builtin.copy:
    dest: /etc/clean-tmp.conf
    content: x
    mode: "0644"
"""}, "does not take /etc/clean-tmp.conf back"),
    case("a way back that does more", {BACKOUT: """
# REVIEW: nobody needs them
# PURGE: they are old
- name: And the logs too <--
  ansible.builtin.file:
    path: /var/log/clean-tmp
    state: absent
"""}, "which tasks/main.yml leaves alone"),
    case("a look that changes something", {VERIFY: """
- name: Settings <--
  ansible.builtin.copy:
    dest: /etc/clean-tmp.conf
    content: x
    mode: "0644"
"""}, "only looks, and copy changes something"),
    case("a look that asserts nothing", {"tasks/verify.yml": """\
---
- name: Look <--
  ansible.builtin.stat:
    path: /etc/tmpfiles.d/clean-tmp.conf
"""}, "asserts nothing"),
    case("a handler that is missing", {MAIN: """
- name: Settings
  ansible.builtin.copy:
    dest: /etc/clean-tmp.conf
    content: x
    mode: "0644"
  notify: Restart clean-tmp <--
"""}, "The handler 'Restart clean-tmp' does not exist"),
    case("a handler of nearly this name", {"handlers/main.yml": """\
---
- name: Restart Clean-tmp
  ansible.builtin.systemd_service:
    name: clean-tmp
    state: restarted
""", MAIN: """
- name: Settings
  ansible.builtin.copy:
    dest: /etc/clean-tmp.conf
    content: x
    mode: "0644"
  notify:
    - Restart clean-tmp <--
"""}, "does not exist"),
    case("a folder that may not exist", {MAIN: """
- name: Settings
  ansible.builtin.copy:
    dest: /var/lib/clean-tmp/conf.d/x.conf <--
    content: x
    mode: "0644"
"""}, "may not exist"),
    case("a copy into a folder that a check does not make", {MAIN: """
- name: A folder
  ansible.builtin.file:
    path: /var/lib/clean-tmp/aside
    state: directory
    mode: "0750"

- name: A copy
  ansible.builtin.copy:
    src: /var/log/x
    dest: /var/lib/clean-tmp/aside/x <--
    remote_src: true
    mode: "0640"
"""}, "In the first check"),
    case("a template that is not there", {MAIN: """
- name: Settings
  ansible.builtin.template:
    src: other.j2 <--
    dest: /etc/clean-tmp.conf
    mode: "0644"
"""}, "which does not exist"),
    case("a variable that nobody sets", {MAIN: """
- name: Settings
  ansible.builtin.copy:
    dest: /etc/clean-tmp.conf
    content: "{{ clean_tmp_dasy }}" <--
    mode: "0644"
"""}, "clean_tmp_dasy is set nowhere"),
    case("a variable of the way there on the way back", {MAIN: """
- name: Look
  ansible.builtin.stat:
    path: /etc/clean-tmp.conf
  register: clean_tmp_there
""", BACKOUT: """
- name: Look
  ansible.builtin.debug:
    msg: "{{ clean_tmp_there.stat.exists }}" <--
"""}, "clean_tmp_there is set nowhere"),
    case("a variable of another role", {"+defaults/main.yml": "ssh_port: 22 <--\n"}, "does not begin with clean_tmp_"),
    case("a variable in a template", {"templates/clean-tmp.conf.j2": "a\nb {{ nothing }} <--\n"},
         "nothing is set nowhere"),
    case("a task without a name", {MAIN: """
- ansible.builtin.stat: <--
    path: /etc/clean-tmp.conf
"""}, "has no name"),
)  # fmt: skip

HYGIENE = gate.Scope(
    paths=("/etc/systemd/journald.conf.d", "/etc/logrotate.conf", "/var/log"), services=("systemd-journald",)
)
BROKEN = {
    **dict.fromkeys(BASE),
    "defaults/main.yml": "---\nclean_tmp_days: 14\n",
    "tasks/verify.yml": "---\n- name: It is fine\n  ansible.builtin.assert:\n    that: clean_tmp_days > 0\n",
    "tasks/backout.yml": """\
---
# REVIEW: the limit goes
- name: Take the limit of the journal out
  ansible.builtin.file:
    path: /etc/systemd/journald.conf.d/size.conf
    state: absent

# REVIEW: the age goes
- name: Take the age out
  ansible.builtin.lineinfile:
    path: /etc/logrotate.conf
    regexp: '^maxage'
    state: absent
""",
}
JOURNAL = """\
---
- name: Limit the journal
  ansible.builtin.copy:
    dest: /etc/systemd/journald.conf.d/size.conf{folder}
    content: |
      [Journal]
      SystemMaxUse=500M
    mode: "0644"
  notify: Restart journald{handler}

- name: Limit the age of rotated logs
  ansible.builtin.lineinfile:
    path: /etc/logrotate.conf
    regexp: '^maxage'
    line: maxage 14{line}
"""
LOG_HYGIENE = tuple(
    case(f"the well-known log hygiene: {what}", {**BROKEN, "tasks/main.yml": JOURNAL.format(**{
        "folder": "", "handler": "", "line": "", part: " <--",
    })}, says, scope=HYGIENE)
    for what, part, says in (
        ("the handler is missing", "handler", "The handler 'Restart journald' does not exist"),
        ("the folder is missing", "folder", "/etc/systemd/journald.conf.d may not exist"),
        ("maxage has no effect", "line", "has no effect on the files that it includes"),
    )
)  # fmt: skip
CASES = (*SCOPED, *INCOMPLETE, *LOG_HYGIENE)
