"""Roles written to get past the gate: code on the controller, files outside the scope, gates that never end."""

from __future__ import annotations

from remediation.playbooks.tests.roles_base import case

MAIN, DEFAULTS = "+tasks/main.yml", "+defaults/main.yml"
SHOW = "\n- name: Show\n  ansible.builtin.debug:\n    msg: "
HEADER = "#jinja2:variable_start_string:'[=',variable_end_string:'=]'"
PIPE = "[= query(['pipe'][0], 'id') =]"


def written(dest: str, rest: str = "") -> str:
    """A task that writes a file."""
    task = f'\n- name: Write\n  ansible.builtin.copy:\n    dest: {dest}\n    content: x\n    mode: "0644"\n'
    return task + rest


def twice(name: str, expression: str) -> str:
    """Defaults of which each is two of the next."""
    return "".join(f'clean_tmp_{name}{n}: "{{{{ {expression.format(n + 1)} }}}}"\n' for n in range(24))


CASES = (
    # code on the controller
    case("other marks for templates in a block", {MAIN: f"{SHOW}|\n      {HEADER} <--\n      {PIPE}\n"},
         "changes what marks a template"),
    case("other marks for templates in escapes", {
        MAIN: SHOW + f'"\\x23jinja2{HEADER.removeprefix("#jinja2")}\\n{PIPE}" <--\n'}, "changes what marks a template"),
    case("other marks for templates in a default", {DEFAULTS: f"clean_tmp_x: |\n  {HEADER} <--\n  {PIPE}\n"},
         "changes what marks a template"),
    case("other marks for templates in a name", {MAIN: f"\n- name: |\n    {HEADER} <--\n    {PIPE}\n"
         "  ansible.builtin.debug:\n    msg: x\n"}, "changes what marks a template"),

    # what nobody sees
    case("a hidden character in an escape", {MAIN: '\n- name: "a\\u202eb" <--\n  ansible.builtin.debug:\n    msg: x\n'},
         "U+202E"),
    case("a hidden character in a text of a template", {MAIN: SHOW + "\"{{ 'a\\\\x00b' }}\" <--\n"}, "U+0000"),
    case("a letter that leaves nothing on paper", {MAIN: SHOW + "a\u3164b <--\n"}, "U+3164"),

    # a gate that breaks or never ends
    case("a number of 5,000 digits", {MAIN: SHOW + '"{{ ' + "9" * 5_000 + ' }}" <--\n'}, "A template has '99999999'"),
    case("a number that no text can hold", {
        DEFAULTS: "clean_tmp_n: 0x" + "f" * 20_000 + "\n", MAIN: written('"/etc/{{ clean_tmp_n }}" <--')},
         "cannot be read from the role"),
    case("a value with millions of alternatives", {
        DEFAULTS: twice("a", "clean_tmp_a{0} if clean_tmp_days else clean_tmp_a{0}") + "clean_tmp_a24: x\n",
        MAIN: "".join(written(f'"/var/log/{{{{ clean_tmp_a{n} }}}}"') for n in range(24, 0, -1))
        + written('"/var/log/{{ clean_tmp_a0 }}" <--')}, "cannot be read from the role"),
    case("a list of millions", {
        DEFAULTS: twice("a", "clean_tmp_a{0} + clean_tmp_a{0}") + "clean_tmp_a24: [x]\n",
        MAIN: "".join(written('"/srv/{{ item }}"', f'  loop: "{{{{ clean_tmp_a{n} }}}}"\n') for n in range(24, 0, -1))
        + written('"/srv/{{ item }}" <--', '  loop: "{{ clean_tmp_a0 }}"\n')}, "cannot be read from the role"),
    case("more findings than anybody reads", {MAIN: SHOW + "x\n" + "".join(f"  key_{n}: x\n" for n in range(300))},
         "more findings behind these", at=("role", 1)),
)  # fmt: skip
