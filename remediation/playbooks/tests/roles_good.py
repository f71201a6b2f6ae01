"""Roles of different kinds that nothing may stop."""

from __future__ import annotations

from remediation.playbooks import gate
from remediation.playbooks.tests.roles_base import case

SERVED = gate.Scope(paths=("/etc/chrony",), services=("chrony",), packages=("chrony",))
THERE = {"/etc/clean-tmp.conf": "folders=one\n"}
CASES = (
    case("the base itself", {}),
    case(
        "a package, its settings and its service",
        {
            "+defaults/main.yml": "clean_tmp_packages:\n  - chrony\n",
            "tasks/main.yml": """\
---
- name: Have chrony
  ansible.builtin.apt:
    name: "{{ clean_tmp_packages }}"
    state: present

- name: Settings of chrony
  ansible.builtin.copy:
    dest: /etc/chrony/conf.d/steps.conf
    content: |
      makestep 1 3
    owner: root
    group: root
    mode: "0644"
  notify: Restart chrony

- name: Chrony runs
  ansible.builtin.systemd_service:
    name: chrony
    state: started
    enabled: true
""",
            "handlers/main.yml": """\
---
- name: Restart chrony
  ansible.builtin.systemd_service:
    name: chrony.service
    state: restarted
""",
            "tasks/backout.yml": """\
---
# REVIEW: the settings go
- name: Take the settings away
  ansible.builtin.file:
    path: /etc/chrony/conf.d/steps.conf
    state: absent
  notify: Restart chrony

# REVIEW: chrony was not there before
- name: Take chrony away
  ansible.builtin.apt:
    name: chrony
    state: absent
""",
            "tasks/verify.yml": """\
---
- name: Ask which services there are
  ansible.builtin.service_facts:

- name: Chrony runs
  ansible.builtin.assert:
    that:
      - ansible_facts['services']['chrony.service']['state'] == 'running'
""",
            "templates/clean-tmp.conf.j2": None,
        },
        scope=SERVED,
    ),
    case(
        "a line above an include, with a check of the file",
        {
            "+tasks/main.yml": """
- name: Limit the age of rotated logs
  ansible.builtin.lineinfile:
    path: /etc/clean-tmp.conf
    regexp: '^\\s*days\\b'
    line: days {{ clean_tmp_days }}
    insertbefore: BOF
    validate: /usr/bin/grep -c days %s
""",
            "+tasks/backout.yml": """
# REVIEW: the limit goes
- name: Take the limit out
  ansible.builtin.lineinfile:
    path: /etc/clean-tmp.conf
    regexp: '^\\s*days\\b'
    state: absent
""",
        },
        before=THERE,
    ),
    case(
        "a block between markers",
        {
            "+tasks/main.yml": """
- name: Keep these settings together
  ansible.builtin.blockinfile:
    path: /etc/clean-tmp.conf
    marker: "# {mark} clean_tmp"
    block: |
      days={{ clean_tmp_days }}
      host={{ inventory_hostname }}
""",
            "+tasks/backout.yml": """
# REVIEW: the settings go
- name: Take the settings out
  ansible.builtin.blockinfile:
    path: /etc/clean-tmp.conf
    marker: "# {mark} clean_tmp"
    state: absent
""",
        },
        before=THERE,
    ),
    case(
        "a list of files from the defaults",
        {
            "+defaults/main.yml": """\
clean_tmp_rules:
  - name: cache
    days: 3
  - name: spool
    days: 5
""",
            "+tasks/main.yml": """
# REVIEW: nobody needs these files for longer
- name: More rules
  ansible.builtin.copy:
    dest: /etc/tmpfiles.d/clean-{{ clean_tmp_each.name }}.conf
    content: "e /var/lib/clean-tmp/{{ clean_tmp_each.name }} - - - {{ clean_tmp_each.days }}d\\n"
    owner: root
    group: root
    mode: "0644"
  loop: "{{ clean_tmp_rules }}"
  loop_control:
    loop_var: clean_tmp_each
    label: "{{ clean_tmp_each.name }}"
""",
            "+tasks/backout.yml": """
# REVIEW: the rules go
- name: Take these rules away
  ansible.builtin.file:
    path: /etc/tmpfiles.d/clean-{{ item }}.conf
    state: absent
  loop:
    - cache
    - spool
""",
        },
    ),
    case(
        "a template with a loop and a condition",
        {
            "templates/clean-tmp.conf.j2": """\
# {{ ansible_managed }}
{# which folders #}
{% for folder in ['cache', 'spool'] if folder != 'spool' %}
e /var/lib/clean-tmp/{{ folder | lower }} - - - {{ clean_tmp_days | int }}d
{% if loop.last and ansible_facts['os_family'] == 'Debian' %}
# {{ ansible_facts.distribution_release | default('none') }}
{% elif not loop.first %}
{% set rest = clean_tmp_days + 1 %}
# {{ rest }}
{% else %}
# first
{% endif %}
{% endfor %}
"""
        },
    ),
    case(
        "files are moved aside, and purged later",
        {
            "+tasks/main.yml": """
- name: Have a folder for what is moved aside
  ansible.builtin.file:
    path: /var/lib/clean-tmp/aside
    state: directory
    owner: root
    group: root
    mode: "0750"

# REVIEW: the pattern is the right one
- name: Find old archives
  ansible.builtin.find:
    paths: /var/log
    patterns: "*.old"
    age: "{{ clean_tmp_days }}d"
  register: clean_tmp_old

- name: Give them a second name
  ansible.builtin.file:
    src: "{{ item.path }}"
    dest: /var/lib/clean-tmp/aside/{{ item.path | basename }}
    state: hard
    mode: "{{ item.mode }}"
  loop: "{{ clean_tmp_old.files }}"

# REVIEW: they have their second name
- name: Take their first name away
  ansible.builtin.file:
    path: "{{ item.path }}"
    state: absent
  loop: "{{ clean_tmp_old.files }}"
""",
            "+tasks/backout.yml": """
- name: Find what is aside
  ansible.builtin.find:
    paths: /var/lib/clean-tmp/aside
  register: clean_tmp_aside

- name: Put it back
  ansible.builtin.file:
    src: "{{ item.path }}"
    dest: /var/log/{{ item.path | basename }}
    state: hard
    mode: "{{ item.mode }}"
  loop: "{{ clean_tmp_aside.files }}"

# REVIEW: everything is back
# PURGE: all of it has its first name again
- name: Take the folder away
  ansible.builtin.file:
    path: /var/lib/clean-tmp/aside
    state: absent
""",
        },
    ),
    case(
        "a command with a reason that makes a file",
        {
            "+tasks/main.yml": """
# REASON: no module writes this file
# REVIEW: it writes one file and reads none
- name: Have a machine id of our own
  ansible.builtin.command:
    argv:
      - /usr/bin/systemd-machine-id-setup
      - --root=/var/lib/clean-tmp
    creates: /var/lib/clean-tmp/etc/machine-id
""",
            "+tasks/backout.yml": """
# REVIEW: nothing else uses this id
# PURGE: the command made it
- name: Take the id away
  ansible.builtin.file:
    path: /var/lib/clean-tmp/etc
    state: absent
""",
        },
    ),
    case(
        "tasks in two files",
        {
            "+tasks/main.yml": """
- name: The settings
  ansible.builtin.import_tasks: settings.yml
""",
            "tasks/settings.yml": """\
---
- name: Look whether there are settings
  ansible.builtin.stat:
    path: /etc/clean-tmp.conf
  register: clean_tmp_settings

- name: Settings, where there are none
  ansible.builtin.copy:
    dest: /etc/clean-tmp.conf
    content: "days={{ clean_tmp_days }}\\n"
    owner: root
    group: root
    mode: "0644"
  when: not clean_tmp_settings.stat.exists
""",
            "+tasks/backout.yml": """
# REVIEW: the settings go
- name: Take the settings away
  ansible.builtin.file:
    path: /etc/clean-tmp.conf
    state: absent
""",
        },
    ),
    case(
        "a block with a condition and names of its own",
        {
            "+tasks/main.yml": """
- name: On Debian only
  when:
    - ansible_facts['os_family'] == 'Debian'
    - clean_tmp_days | int > 0
  vars:
    clean_tmp_file: /etc/clean-tmp.conf
  block:
    - name: Settings
      ansible.builtin.copy:
        dest: "{{ clean_tmp_file }}"
        content: "days={{ clean_tmp_days }}\\n"
        mode: "0644"
  rescue:
    - name: Say what is wrong
      ansible.builtin.fail:
""",
            "+tasks/backout.yml": """
# REVIEW: the settings go
- name: Take the settings away
  ansible.builtin.file:
    path: /etc/clean-tmp.conf
    state: absent
""",
        },
    ),
    case(
        "a service is stopped, and people are asked",
        {
            "+tasks/main.yml": """
# REVIEW: nobody needs it on these hosts
- name: Keep the service off
  ansible.builtin.systemd_service:
    name: clean-tmp
    state: stopped
    enabled: false
""",
            "+tasks/backout.yml": """
- name: Have the service again
  ansible.builtin.systemd_service:
    name: clean-tmp
    state: started
    enabled: true
""",
        },
    ),
    case(
        "a text is replaced, with the way back",
        {
            "+tasks/main.yml": """
- name: Look at more than one folder
  ansible.builtin.replace:
    path: /etc/clean-tmp.conf
    regexp: '^folders=one$'
    replace: folders=all
""",
            "+tasks/backout.yml": """
- name: Look at one folder again
  ansible.builtin.replace:
    path: /etc/clean-tmp.conf
    regexp: '^folders=all$'
    replace: folders=one
""",
        },
        before=THERE,
    ),
    case(
        "words of other languages, and words that look dangerous in a text",
        {
            "+tasks/main.yml": """
- name: Größe der Dateien, «höchstens» zehn Tage, no lookup, no shell
  ansible.builtin.copy:
    dest: /etc/clean-tmp.conf
    content: |
      # query the folder, look it up (see the manual), rm -rf is not for us
      password_file=/etc/clean-tmp.key
      title=日本語
    mode: "0644"
""",
            "+tasks/backout.yml": """
# REVIEW: the settings go
- name: Take the settings away
  ansible.builtin.file:
    path: /etc/clean-tmp.conf
    state: absent
""",
        },
    ),
    case(
        "what is described, with meta",
        {
            "meta/main.yml": """\
---
galaxy_info:
  author: Linux on-call
  description: Cleans temporary folders
  license: MIT
  min_ansible_version: "2.16"
  platforms:
    - name: Debian
      versions:
        - all
dependencies: []
""",
        },
    ),
)
