"""Roles as hurried authors and models write them: destructive, lying."""

from __future__ import annotations

from remediation.playbooks import gate
from remediation.playbooks.tests.roles_base import case

MAIN = "+tasks/main.yml"

DESTRUCTIVE = (
    case("a file is deleted without a mark", {MAIN: """
# PURGE: it is empty
- name: Take a file away <--
  ansible.builtin.file:
    path: /var/log/old
    state: absent
"""}, "takes files away"),
    case("a file is deleted and nothing moved aside", {MAIN: """
# REVIEW: nobody needs it
- name: Take a file away <--
  ansible.builtin.file:
    path: /var/log/old
    state: absent
"""}, "was not moved aside"),
    case("a mark with a line between", {MAIN: """
# REVIEW: nobody needs it
# PURGE: it is empty

- name: Take a file away <--
  ansible.builtin.file:
    path: /var/log/old
    state: absent
"""}, "it is not marked"),
    case("a mark that only looks like one", {MAIN: """
- name: A text
  ansible.builtin.copy:
    dest: /etc/clean-tmp.conf
    mode: "0644"
    content: |
      # REVIEW: this is a text
- name: Keep the service off <--
  ansible.builtin.systemd_service:
    name: clean-tmp
    masked: true
"""}, "masks a service"),
    case("a mark that stands above nothing", {MAIN: "\n# REVIEW: nothing follows <--\n"}, "stands above no task"),
    case("everything below a folder", {MAIN: """
- name: Own the folder <--
  ansible.builtin.file:
    path: /var/lib/clean-tmp
    state: directory
    owner: root
    recurse: true
"""}, "everything below a folder"),
    case("a mode for everybody", {MAIN: """
- name: A folder <--
  ansible.builtin.file:
    path: /var/lib/clean-tmp
    state: directory
    mode: "0777"
"""}, "gives permissions to everybody"),
    case("a program that acts as root", {MAIN: """
- name: Settings <--
  ansible.builtin.copy:
    dest: /var/lib/clean-tmp
    content: x
    mode: "4755"
"""}, "sets a special bit"),
    case("permissions of what is there", {MAIN: """
- name: Close the file <--
  ansible.builtin.file:
    path: /etc/clean-tmp.conf
    mode: "0600"
"""}, "owner, group or permissions"),
    case("a file is truncated", {MAIN: """
- name: Empty the log <--
  ansible.builtin.copy:
    dest: /var/log/clean-tmp.log
    content: ""
    mode: "0640"
"""}, "truncates a file"),
    case("every line is replaced", {MAIN: """
- name: One line is enough <--
  ansible.builtin.replace:
    path: /etc/clean-tmp.conf
    regexp: '.*'
    replace: days=1
"""}, "matches everything"),
    case("lines go", {MAIN: """
- name: No comment <--
  ansible.builtin.lineinfile:
    path: /etc/clean-tmp.conf
    regexp: '^#'
    state: absent
"""}, "takes lines away"),
    case("a package is removed", {MAIN: """
- name: No package <--
  ansible.builtin.apt:
    name: clean-tmp
    state: absent
"""}, "removes packages"),
    case("a package is purged", {MAIN: """
- name: A package <--
  ansible.builtin.apt:
    name: clean-tmp
    state: present
    autoremove: true
"""}, "removes more than it names"),
    case("a service is stopped", {MAIN: """
- name: No service <--
  ansible.builtin.service:
    name: clean-tmp
    state: stopped
"""}, "stops a service"),
    case("something runs by the clock", {MAIN: """
- name: Clean at night <--
  ansible.builtin.cron:
    name: clean
    job: /usr/bin/true
    hour: "3"
    cron_file: clean-tmp
"""}, "changes what runs by the clock"),
    case("an account", {MAIN: """
- name: An account <--
  ansible.builtin.user:
    name: cleaner
    system: true
"""}, "changes an account"),
    case("the firewall is emptied", {MAIN: """
- name: Let everybody in <--
  ansible.builtin.iptables:
    chain: INPUT
    flush: true
"""}, "changes the firewall"),
    case("a mount is changed by a line", {MAIN: """
- name: Mount without access times <--
  ansible.builtin.lineinfile:
    path: /etc/fstab
    regexp: ' /srv '
    line: /dev/sdb1 /srv ext4 noatime 0 2
"""}, "decides what is mounted", scope=gate.Scope(paths=("/etc/tmpfiles.d", "/etc/fstab"))),
    case("what is selected for deletion", {MAIN: """
- name: Find everything <--
  ansible.builtin.find:
    paths: /var/log
    patterns: "*"
    recurse: true
  register: clean_tmp_found

# REVIEW: all of it
# PURGE: nobody needs it
- name: Take it away
  ansible.builtin.file:
    path: "{{ item.path }}"
    state: absent
  loop: "{{ clean_tmp_found.files }}"
"""}, "selects what is deleted"),
)  # fmt: skip

LYING = (
    case("a change that says it is none", {MAIN: """
- name: Settings
  ansible.builtin.copy:
    dest: /etc/clean-tmp.conf
    content: x
    mode: "0644"
  changed_when: false <--
"""}, "changed_when overrules what copy itself says"),
    case("a command that never changed anything", {MAIN: """
# REASON: there is no module
# REVIEW: it rotates
- name: Rotate
  ansible.builtin.command:
    argv: [/usr/sbin/logrotate, --force, /etc/clean-tmp.conf]
  changed_when: false <--
"""}, "always says the same"),
    case("a command that says it in more words", {MAIN: """
# REASON: there is no module
# REVIEW: it rotates
- name: Rotate
  ansible.builtin.command:
    argv: [/usr/sbin/logrotate, --force, /etc/clean-tmp.conf]
  changed_when: 1 == 2 <--
"""}, "always says the same"),
    case("a command about which nothing is said", {MAIN: """
# REASON: there is no module
# REVIEW: it rotates
- name: Rotate <--
  ansible.builtin.command:
    argv: [/usr/sbin/logrotate, --force, /etc/clean-tmp.conf]
"""}, "Nothing says whether"),
    case("a command without a reason", {MAIN: """
# REVIEW: it rotates
- name: Rotate <--
  ansible.builtin.command:
    argv: [/usr/sbin/logrotate, --force, /etc/clean-tmp.conf]
    creates: /var/lib/clean-tmp/rotated
"""}, "without a reason"),
    case("a command that nobody confirms", {MAIN: """
# REASON: there is no module
- name: Rotate <--
  ansible.builtin.command:
    argv: [/usr/sbin/logrotate, --force, /etc/clean-tmp.conf]
    creates: /var/lib/clean-tmp/rotated
"""}, "nobody but a person can say"),
    case("a shell as a command", {MAIN: """
# REASON: it is shorter
# REVIEW: it deletes
- name: Clean
  ansible.builtin.command:
    argv:
      - /bin/bash <--
      - -c
      - rm -rf /var/log/old
    creates: /var/lib/clean-tmp/done
"""}, "runs what it is given"),
    case("a command for which there is a module", {MAIN: """
# REASON: it is shorter
# REVIEW: it deletes
- name: Clean
  ansible.builtin.command:
    argv: [/bin/rm, -rf, /var/log/old] <--
    removes: /var/log/old
"""}, "is nothing for a command"),
    case("an argument of a command that a template makes", {MAIN: """
# REASON: there is no module
# REVIEW: it rotates
- name: Rotate
  ansible.builtin.command:
    argv:
      - /usr/sbin/logrotate
      - "{{ clean_tmp_days }}" <--
    creates: /var/lib/clean-tmp/rotated
"""}, "is not written out"),
    case("a failure that does not count", {MAIN: """
- name: Settings
  ansible.builtin.copy:
    dest: /etc/clean-tmp.conf
    content: x
    mode: "0644"
  failed_when: false <--
"""}, "a failure would not count"),
    case("errors are ignored", {MAIN: """
- name: Look
  ansible.builtin.stat:
    path: /etc/clean-tmp.conf
  ignore_errors: true <--
"""}, "A failure would not count"),
    case("a restart on every run", {MAIN: """
- name: Restart
  ansible.builtin.systemd_service:
    name: clean-tmp
    state: restarted <--
"""}, "restarts or reloads on every run"),
    case("a file is touched", {MAIN: """
- name: Touch
  ansible.builtin.file:
    path: /var/lib/clean-tmp
    state: touch <--
    mode: "0644"
"""}, "A touched file changes on every run"),
    case("a line that is added anew with every value", {MAIN: """
- name: A line
  ansible.builtin.lineinfile:
    path: /etc/clean-tmp.conf
    line: days={{ clean_tmp_days }} <--
"""}, "added anew with every value"),
    case("a pattern that does not match its own line", {MAIN: """
- name: A line
  ansible.builtin.lineinfile:
    path: /etc/clean-tmp.conf
    regexp: '^age=' <--
    line: days=10
"""}, "does not match the line"),
    case("a file that two tasks write", {MAIN: """
- name: Three days <--
  ansible.builtin.lineinfile:
    path: /etc/tmpfiles.d/clean-tmp.conf
    line: days=3
"""}, "is written whole by the task in line 3"),
    case("the time of day", {MAIN: """
- name: Settings
  ansible.builtin.copy:
    dest: /etc/clean-tmp.conf
    content: "changed {{ ansible_facts['date_time']['iso8601'] }}" <--
    mode: "0644"
"""}, "changes from run to run"),
)  # fmt: skip

CASES = (*DESTRUCTIVE, *LYING)
