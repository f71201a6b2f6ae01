"""Roles that lead a reader, or a gate, to other values than Ansible would use."""

from __future__ import annotations

from remediation.playbooks.tests.roles_base import case

MAIN = "+tasks/main.yml"
SHOW = "\n- name: Show\n  ansible.builtin.debug:\n    msg: "
FIND = """
# REVIEW: these go
- name: Find
  ansible.builtin.find:
    paths: /var/log
    patterns: "*.old"
  register: clean_tmp_found
"""
ASIDE = """
- name: Keep
  ansible.builtin.file:
    src: "{{ item.path }}"
    dest: /var/lib/clean-tmp/{{ item.path | basename }}
    state: hard
  loop: "{{ clean_tmp_found.files }}"
"""
DELETE = """
# REVIEW: kept
- name: Delete <--
  ansible.builtin.file:
    path: "{{ item.path }}"
    state: absent
  loop: "{{ clean_tmp_found.files }}"
"""
CASES = (
    case("other files are deleted than were kept", {MAIN: FIND + ASIDE + FIND.replace("*.old", "*").replace(
        "  register: clean_tmp_found", "  register: clean_tmp_found <--") + DELETE.replace(" <--", "")},
         "is registered twice"),
    case("what is kept may fail", {MAIN: FIND + ASIDE + "  failed_when: clean_tmp_found.matched > 9\n" + DELETE},
         "was not moved aside"),
    case("a block that keeps may fail", {MAIN: FIND + "\n- name: Try\n  block:" + ASIDE.replace("\n", "\n    ") + """
  rescue:
    - name: Go on
      ansible.builtin.debug:
        msg: Go on
""" + DELETE}, "was not moved aside"),
    case("what is kept lies in what is deleted", {MAIN: """
- name: Keep
  ansible.builtin.copy:
    src: /var/log/x
    dest: /var/log/x/kept
    remote_src: true
    mode: "0640"

# REVIEW: kept
- name: Delete <--
  ansible.builtin.file:
    path: /var/log/x
    state: absent
"""}, "was not moved aside"),
    case("another path under the same name", {MAIN: """
- name: Keep
  ansible.builtin.file:
    src: "{{ clean_tmp_file }}"
    dest: /var/lib/clean-tmp/x
    state: hard
  vars:
    clean_tmp_file: /var/log/x

# REVIEW: kept
- name: Delete <--
  ansible.builtin.file:
    path: "{{ clean_tmp_file }}"
    state: absent
  vars:
    clean_tmp_file: /var/log/y
"""}, "was not moved aside"),
    case("a base name that the host makes", {MAIN: """
- name: Read
  ansible.builtin.slurp:
    src: /etc/clean-tmp.conf
  register: clean_tmp_read

# REVIEW: it goes
# PURGE: it is empty
- name: Delete
  ansible.builtin.file:
    path: /var/log/{{ clean_tmp_read.content | b64decode | basename }} <--
    state: absent
"""}, "cannot be read from the role"),
    case("the way back deletes what main might have written", {MAIN: FIND + """
- name: Copy
  ansible.builtin.copy:
    src: "{{ item.path }}"
    dest: /var/log/{{ item.path | basename }}
    remote_src: true
    mode: preserve
  loop: "{{ clean_tmp_found.files }}"
""", "+tasks/backout.yml": FIND.replace("*.old", "*") + DELETE.replace(
        '"{{ item.path }}"', "/var/log/{{ item.path | basename }}")}, "was not moved aside"),

    case("a default that a fact replaces", {"+defaults/main.yml": "clean_tmp_file: /var/log/x\n", MAIN: """
- name: Another file <--
  ansible.builtin.set_fact:
    clean_tmp_file: /etc/passwd
"""}, "gives it another meaning"),
    case("a variable of a task that a fact replaces", {MAIN: """
- name: A fact
  ansible.builtin.set_fact:
    clean_tmp_file: /etc/passwd

- name: Write <--
  ansible.builtin.copy:
    dest: "{{ clean_tmp_file }}"
    content: x
    mode: "0644"
  vars:
    clean_tmp_file: /var/log/x
"""}, "already means something else"),
    case("variables for what is imported", {MAIN: """
- name: More
  ansible.builtin.import_tasks: more.yml
  vars: <--
    clean_tmp_file: /etc/passwd
""", "tasks/more.yml": "---\n- name: Look\n  ansible.builtin.debug:\n    msg: x\n"}, "takes no vars"),
    case("a default for what is empty", {"+defaults/main.yml": "clean_tmp_none: ''\n", MAIN: """
- name: Write
  ansible.builtin.copy:
    dest: "/var/log/x{{ clean_tmp_none | default('/../../../etc/passwd', true) }}" <--
    content: x
    mode: "0644"
"""}, "cannot be read from the role"),
    case("the first of a sorted list", {MAIN: """
- name: Write
  ansible.builtin.copy:
    dest: "{{ (['/var/log/x', '/etc/passwd'] | sort)[0] }}" <--
    content: x
    mode: "0644"
"""}, "cannot be read from the role"),
    case("a path that is trimmed", {MAIN: """
- name: Write
  ansible.builtin.copy:
    dest: "{{ '/var/log/..x' | trim('x') }}" <--
    content: x
    mode: "0644"
"""}, "cannot be read from the role"),
    case("a path behind a short option", {MAIN: """
# REASON: there is no module
# REVIEW: it rotates
- name: Rotate
  ansible.builtin.command:
    argv:
      - /usr/sbin/logrotate
      - -s/etc/passwd <--
    creates: /var/log/rotated
"""}, "lies outside the patch scope"),
    case("two paths in one word", {MAIN: """
# REASON: there is no module
# REVIEW: it rotates
- name: Rotate
  ansible.builtin.command:
    argv:
      - /usr/sbin/logrotate
      - --both=/var/log/x,/etc/passwd <--
    creates: /var/log/rotated
"""}, "names /etc/passwd"),
    case("an empty text from a variable", {"+defaults/main.yml": "clean_tmp_none: ''\n", MAIN: """
- name: Empty it <--
  ansible.builtin.copy:
    dest: /var/log/x
    content: "{{ clean_tmp_none }}"
    mode: "0644"
"""}, "truncates a file"),
    case("a block that begins at somebody else's line", {MAIN: """
- name: Between two lines
  ansible.builtin.blockinfile:
    path: /etc/clean-tmp.conf
    block: x
    marker: "{mark}"
    marker_begin: "[Journal]" <--
"""}, "is not on the list"),
    case("a handler that deletes", {"handlers/main.yml": """\
---
# REVIEW: nobody needs it
- name: Delete <--
  ansible.builtin.file:
    path: /var/log/x
    state: absent
"""}, "was not moved aside"),
    case("tasks nobody plays", {"tasks/more.yml": "--- <--\n- name: Look\n  ansible.builtin.debug:\n    msg: x\n"},
         "Nothing imports"),
    case("a shell in a crontab", {MAIN: """
# REVIEW: at night
- name: Clean
  ansible.builtin.cron:
    name: clean
    job: /usr/bin/true; /usr/bin/id <--
    hour: "3"
    cron_file: clean
"""}, "is not one plain command"),
    case("a package whose name removes it", {MAIN: """
- name: A package
  ansible.builtin.apt:
    name: clean-tmp- <--
"""}, "is no plain name"),
    case("an expression without end", {MAIN: SHOW + '"{{ 1' + " + 1" * 5_000 + ' }}" <--\n'}, "too long to be read"),
)  # fmt: skip
