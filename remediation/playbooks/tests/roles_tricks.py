"""Roles written to get past a gate: lookups under other names, YAML that says more than it shows, odd signs."""

from __future__ import annotations

from remediation.playbooks.tests.roles_base import Case, case

MAIN = "+tasks/main.yml"
LOOK = "\n- name: Look\n  ansible.builtin.stat:\n    path: /etc/clean-tmp.conf\n"
SHOW = "\n- name: Show\n  ansible.builtin.debug:\n    msg: "
PIPE = "{{ lookup('pipe', 'id') }}"


def shown(what: str, template: str, says: str) -> Case:
    """A template that is shown on the page of a run."""
    return case(what, {MAIN: f"{SHOW}>-\n      {template} <--\n"}, says)


LOOKUPS = (
    case("a lookup in a name", {MAIN: LOOK.replace("Look", f'"Look {PIPE}" <--', 1)}, "lookup runs on the controller"),
    case("a lookup in an argument", {MAIN: SHOW + f'"{PIPE}" <--\n'}, "lookup runs on the controller"),
    case("a lookup in a condition", {MAIN: LOOK + "  when: lookup('env', 'HOME') <--\n"}, "lookup runs on"),
    case("a lookup in a loop", {MAIN: LOOK + "  loop: \"{{ query('fileglob', '/etc/*') }}\" <--\n"}, "another name"),
    case("a lookup in a handler's name", {"handlers/main.yml": "---\n" + LOOK[1:].replace("Look", f'"{PIPE}" <--')},
         "lookup"),
    case("a lookup in a default", {"+defaults/main.yml": f'clean_tmp_id: "{PIPE}" <--\n'}, "lookup runs on"),
    case("a lookup in a template", {"templates/clean-tmp.conf.j2": f"d /var\n{PIPE} <--\n"}, "lookup runs on"),
    case("a lookup in a statement", {"templates/clean-tmp.conf.j2": "{% set x = q('pipe', 'id') %} <--\n"},
         "q is a lookup"),
    case("a lookup in the variables of a task", {MAIN: LOOK + f'  vars:\n    clean_tmp_x: "{PIPE}" <--\n'},
         "lookup runs on"),
    case("a lookup in what is said on failure", {MAIN: f"""
- name: Assert
  ansible.builtin.assert:
    that: true
    fail_msg: "{PIPE}" <--
"""}, "lookup runs on"),
    case("a lookup in a label", {MAIN: LOOK + f'  loop: [a]\n  loop_control:\n    label: "{PIPE}" <--\n'},
         "lookup runs on"),
    case("a lookup in the metadata", {"meta/main.yml": f'---\ngalaxy_info:\n  author: "{PIPE}" <--\n'},
         "lookup runs on"),
    case("a lookup in old words", {MAIN: LOOK + "  with_pipe: id <--\n"}, "with_pipe is a lookup"),
    case("a loop over items in old words", {MAIN: LOOK + "  with_items: [a] <--\n"}, "with_items is a lookup"),
    case("a lookup in a table in an expression", {MAIN: SHOW + "\"{{ {'a': lookup('pipe', 'id')} }}\" <--\n"},
         "lookup runs on"),
    case("a lookup handed to a filter", {MAIN: SHOW + "\"{{ 'id' | map('lookup', 'pipe') }}\" <--\n"},
         "calls 'lookup'"),
    case("a lookup with white space", {MAIN: SHOW + "\"{{ lookup  ( 'pi' ~ 'pe' , 'id' ) }}\" <--\n"},
         "lookup runs on"),
    case("a lookup without its arguments", {MAIN: SHOW + '"{{ [lookup] | first }}" <--\n'}, "lookup runs on"),
)  # fmt: skip

JINJA = (
    shown("the class of a text", "{{ ''.__class__ }}", "is an inner one"),
    shown("the class of a text, as a key", "{{ ''['__class__'] }}", "names something inner"),
    shown("the class of a text, put together", "{{ ''['__cl' ~ 'ass__'] }}", "made at run time"),
    shown("the class of a text, in escapes", r"{{ ''['\x5f\x5fclass\x5f\x5f'] }}", "names something inner"),
    shown("an attribute by a filter", "{{ '' | attr('_' ~ '_class_' ~ '_') }}", "The filter attr"),
    shown("an attribute by another filter", "{{ ['a'] | map(attribute='__class__') | list }}", "names something inner"),
    shown("an attribute from a variable", "{{ ['a'] | map(attribute=clean_tmp_days) | list }}", "from a variable"),
    shown("a filter by name", "{{ ['a'] | map('attr', 'x') | list }}", "calls 'attr'"),
    shown("a filter by name from a variable", "{{ ['a'] | map(clean_tmp_days) | list }}", "what a variable names"),
    shown("a test of the controller's files", "{{ '/etc/shadow' is file }}", "files of the controller"),
    shown("a test of the controller's files by name", "{{ ['/etc'] | select('exists') | list }}", "calls 'exists'"),
    shown("the controller's files by a filter", "{{ '/etc/*' | fileglob }}", "lists files of the controller"),
    shown("a template in a template", "{{ '{{ lookup }}' }}", "holds a brace"),
    shown("a template put together", "{{ '{' ~ '{ 1 }' ~ '}' }}", "holds a brace"),
    shown("a function of a text", "{{ '%s'.format(1) }}", "The method format"),
    shown("something is called that has no name", "{{ (1, 2)(3) }}", "has no name"),
    shown("variables by name", "{{ vars['ansible_password'] }}", "names made at run time"),
    shown("variables of other hosts", "{{ hostvars }}", "belongs to other hosts"),
    shown("the lot", "{{ 10 | random }}", "draws lots"),
    shown("the clock", "{{ now() }}", "another time on every run"),
    shown("a text without end", "{{ 'a' * 1000000000 }}", "of any length"),
    shown("all facts", "{{ ansible_facts | to_json }}", "All facts"),
    shown("a filter of a collection", "{{ 'a' | community.general.random_mac }}", "is not on the list of filters"),
    shown("a function that nobody knows", "{{ url_for(1) }}", "is a function"),
    shown("a broken template", "{{ 1 + }}", "is not readable"),
    case("an include in a template", {"templates/clean-tmp.conf.j2": "{% include '/etc/shadow' %} <--\n"},
         "not allowed"),
    case("a macro in a template", {"templates/clean-tmp.conf.j2": "{% macro x() %}{% endmacro %} <--\n"},
         "not allowed"),
    case("raw text in a template", {"templates/clean-tmp.conf.j2": "{% raw %}{{ x }}{% endraw %} <--\n"},
         "not allowed"),
    case("other marks for templates", {"templates/clean-tmp.conf.j2": "#jinja2: variable_start_string:'[['\n[[ 1 ]]\n"},
         "changes what marks a template", at=("templates/clean-tmp.conf.j2", 1)),
    case("braces in a condition", {MAIN: LOOK + '  when: "{{ clean_tmp_days }}" <--\n'}, "is an expression already"),
    case("a check that is told from a run", {MAIN: LOOK + "  when: not ansible_check_mode <--\n"}, "behave otherwise"),
)  # fmt: skip

YAML = (
    case("an anchor", {MAIN: LOOK + "  vars: &a <--\n    clean_tmp_x: 1\n"}, "An anchor (&a)"),
    case("an alias", {"+defaults/main.yml": "clean_tmp_x: *a <--\n"}, "An alias (*a)"),
    case("a merge key", {MAIN: LOOK + "  <<: {check_mode: false} <--\n"}, "A merge key"),
    case("a tag of Python", {MAIN: SHOW + "!!python/object/apply:os.system [id] <--\n"}, "The tag"),
    case("a vault", {"+defaults/main.yml": "clean_tmp_x: !vault x <--\n"}, "The tag !vault"),
    case("text that is not to be a template", {MAIN: SHOW + "!unsafe '{{ 1 }}' <--\n"}, "The tag !unsafe"),
    case("a key twice", {MAIN: LOOK + "  name: Another <--\n"}, "stands twice"),
    case("two documents", {MAIN: LOOK + "--- <--\n- name: x\n"}, "several documents"),
    case("a directive", {"defaults/main.yml": "%YAML 1.1 <--\n---\nclean_tmp_days: 1\n"}, "A directive"),
    case("no YAML at all", {MAIN: "\n- name: [ <--\n"}, "This is not YAML", at=("tasks/main.yml", 12)),
    case("a text over lines that hides a mark", {MAIN: '\n- name: "x <--\n# REVIEW"\n  ansible.builtin.stat:\n'},
         "over several lines"),
    case("nested too deeply", {"+defaults/main.yml": "clean_tmp_x: " + "[" * 40 + "]" * 40 + " <--\n"},
         "nested too deeply"),
    case("a tab", {MAIN: LOOK + "  tags:\t[a] <--\n"}, "a tab"),
    case("carriage returns", {"defaults/main.yml": "---\r\nclean_tmp_days: 1\r\n"},
         "a carriage return", at=("defaults/main.yml", 1)),
    case("a byte order mark", {"defaults/main.yml": "\ufeff---\nclean_tmp_days: 1\n"},
         "byte order mark", at=("defaults/main.yml", 1)),
    case("a key with a letter that cannot be seen", {MAIN: LOOK + "  delegate\u200b_to: x <--\n"}, "U+200B"),
    case("a key with a wide blank", {MAIN: LOOK + "  when\u00a0: x <--\n"}, "U+00A0"),
    case("text that runs backwards", {MAIN: LOOK + "  # \u202e etib <--\n"}, "U+202E"),
    case("a key with a foreign letter", {MAIN: LOOK + "  run_\u043ence: true <--\n"}, "is not on the list of keys"),
    case("a key that is a template", {"+defaults/main.yml": f'clean_tmp_x:\n  "{PIPE}": 1 <--\n'}, "lookup runs on"),
    case("a file of a megabyte", {"templates/big.j2": "x" * 1_000_000}, "is bigger than", at=("templates/big.j2", 1)),
    case("a name in another script", {"templates/größe.j2": "x\n"},
         "has no place in a role", at=("templates/größe.j2", 1)),
    case("a path that leaves the role", {"templates/../../x.j2": "x\n"},
         "has no place", at=("templates/../../x.j2", 1)),
    case("a module of its own", {"library/x.py": "x\n"}, "has no place in a role", at=("library/x.py", 1)),
    case("a filter of its own", {"filter_plugins/x.py": "x\n"}, "has no place", at=("filter_plugins/x.py", 1)),
    case("variables that overrule", {"vars/main.yml": "---\nx: 1\n"},
         "has no place in a role", at=("vars/main.yml", 1)),
    case("another role", {"meta/main.yml": "---\ndependencies:\n  - evil <--\n"}, "brings in other roles"),
    case("other collections", {"meta/main.yml": "---\ncollections: [evil.things] <--\n"}, "takes no collections"),
)  # fmt: skip

KEYS = (
    case("another host", {MAIN: LOOK + "  delegate_to: localhost <--\n"}, "another host"),
    case("the controller", {MAIN: "\n- name: Run\n  local_action: command id <--\n"}, "on the controller"),
    case("the module by another name", {MAIN: "\n- name: Run\n  action: command id <--\n"}, "named indirectly"),
    case("a change during a check", {MAIN: LOOK + "  check_mode: false <--\n"}, "while it is only checked"),
    case("only one host", {MAIN: LOOK + "  run_once: true <--\n"}, "Only one host"),
    case("another way to become root", {MAIN: LOOK + "  become_method: doas <--\n"}, "ours to say"),
    case("another environment", {MAIN: LOOK + "  environment: {PATH: /tmp} <--\n"}, "another environment"),
    case("on its own", {MAIN: LOOK + "  async: 10 <--\n"}, "go on by itself"),
    case("hidden from the proof", {MAIN: LOOK + "  no_log: true <--\n"}, "would not show"),
    case("arguments in two places", {MAIN: LOOK + "  args: {follow: true} <--\n"}, "two places"),
    case("a tag that is never run", {MAIN: LOOK + "  tags: [never] <--\n"}, "decides whether the task runs"),
    case("free text for a module", {MAIN: "\n- name: x\n  ansible.builtin.file: path=/etc state=absent <--\n"},
         "are one text"),
    case("arguments from a variable", {MAIN: '\n- name: x\n  ansible.builtin.file: "{{ clean_tmp_days }}" <--\n'},
         "are one text"),
    case("a decision from a variable", {"+defaults/main.yml": "clean_tmp_state: absent\n", MAIN: """
- name: A folder
  ansible.builtin.file:
    path: /var/lib/clean-tmp
    state: "{{ clean_tmp_state }}" <--
"""}, "written out"),
    case("a short name", {MAIN: "\n- name: x\n  command: id <--\n"}, "is a short name"),
    case("a shell", {MAIN: "\n- name: x\n  ansible.builtin.shell: id <--\n"}, "hands a line to a shell"),
    case("a script", {MAIN: "\n- name: x\n  ansible.builtin.script: x.sh <--\n"}, "copies a script"),
    case("a raw line", {MAIN: "\n- name: x\n  ansible.builtin.raw: id <--\n"}, "without Ansible's modules"),
    case("a module of a collection", {MAIN: "\n- name: x\n  community.general.xml: <--\n    path: /x\n"},
         "not one of ansible.builtin"),
    case("two modules", {MAIN: "\n- name: x\n  ansible.builtin.stat:\n    path: /x\n  ansible.builtin.shell: id <--\n"},
         "second module"),
    case("a role of others", {MAIN: "\n- name: x\n  ansible.builtin.include_role: <--\n    name: x\n"}, "another role"),
    case("variables of the controller", {MAIN: "\n- name: x\n  ansible.builtin.include_vars: /etc/x <--\n"},
         "from the controller"),
    case("tasks from elsewhere", {MAIN: "\n- name: x\n  ansible.builtin.include_tasks: ../../x.yml <--\n"},
         "not one file of tasks/"),
    case("tasks from a variable", {MAIN: '\n- name: x\n  ansible.builtin.include_tasks: "{{ x }}" <--\n'},
         "not one file of tasks/"),
    case("tasks that are not there", {MAIN: "\n- name: x\n  ansible.builtin.import_tasks: more.yml <--\n"},
         "does not exist"),
    case("tasks that import themselves", {MAIN: "\n- name: x\n  ansible.builtin.import_tasks: main.yml <--\n"},
         "imports back"),
    case("a play", {"tasks/main.yml": "---\n- hosts: all <--\n  tasks: []\n"}, "we write the play"),
    case("a file of the controller", {MAIN: """
- name: Settings
  ansible.builtin.copy:
    src: /etc/shadow <--
    dest: /var/log/x
    mode: "0644"
"""}, "a file of the controller"),
    case("a template of the controller", {MAIN: """
- name: Settings
  ansible.builtin.template:
    src: ../../../etc/passwd <--
    dest: /etc/clean-tmp.conf
    mode: "0644"
"""}, "is not the plain name of a file"),
    case("a check of a file by a shell", {MAIN: """
- name: Settings
  ansible.builtin.copy:
    content: x
    dest: /etc/clean-tmp.conf
    mode: "0644"
    validate: /bin/sh -c %s <--
"""}, "only look at a file"),
    case("connection by a default", {"+defaults/main.yml": "ansible_connection: local <--\n"},
         "does not begin with clean_tmp_"),
    case("connection by the variables of a task", {MAIN: LOOK + "  vars:\n    ansible_connection: local <--\n"},
         "no variable of the role"),
    case("connections by fact", {MAIN: "\n- name: x\n  ansible.builtin.set_fact:\n    ansible_connection: local <--\n"},
         "may not set"),
    case("a step of the run", {MAIN: "\n- name: x\n  ansible.builtin.meta: end_play <--\n"}, "steers the run"),
)  # fmt: skip

SECRETS = (
    case("a private key", {"templates/clean-tmp.conf.j2": "a\n-----BEGIN RSA PRIVATE KEY----- <--\n"}, "a private key"),
    case("a password", {"+defaults/main.yml": "clean_tmp_password: correct-horse <--\n"}, "a password"),
    case("a token", {"+defaults/main.yml": f"clean_tmp_x: ghp_{'a1B2' * 9} <--\n"}, "a token"),
    case("a password in an address", {"templates/clean-tmp.conf.j2": "u=https://me:hunter22@example.org/ <--\n"},
         "in an address"),
)  # fmt: skip
CASES = (*LOOKUPS, *JINJA, *YAML, *KEYS, *SECRETS)
