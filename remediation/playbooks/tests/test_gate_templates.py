"""Ways out of a template that people have found elsewhere: each is stopped, in a text of a task and in a whole file."""

from __future__ import annotations

import pytest

from remediation.playbooks import gate
from remediation.playbooks.tests.roles_base import BASE, NAME, SCOPE

WAYS_OUT = (
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ joiner }}",
    "{{ namespace() }}",
    "{{ dict(a=1) }}",
    "{{ undef() }}",
    "{{ ('a','b')|map('ansible.builtin.lookup')|list }}",
    "{{ [1]|map(**{'attribute':'x'}) }}",
    "{{ [1]|map(*['attr']) }}",
    "{{ x if lookup is defined }}",
    "{{ clean_tmp_days.__class__ }}",
    "{{ clean_tmp_days|ansible.builtin.attr('x') }}",
    "{{ ''|default(lookup('pipe','x')) }}",
    "{{ [1]|groupby('x') }}",
    "{{ [1]|sum(attribute='__class__') }}",
    "{{ [1] | sort(attribute=clean_tmp_days) }}",
    "{{ [1]|selectattr(attr) }}",
    "{{ [1]|selectattr('a','file') }}",
    "{{ [1]|select('ansible.builtin.exists') }}",
    "{{ 1|to_json(cls=x) }}",
    "{{ 'x' is exists }}",
    "{{ 'x' is not file }}",
    "{{ '/x' is ansible.builtin.exists }}",
    "{{ a:=1 }}",
    "{{ x|e }}",
    "{{ x|safe }}",
    "{{ 'id'|ansible.builtin.unvault }}",
    "{% set x %}{% endset %}",
    "{% import 'x' as y %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% block a %}{% endblock %}",
    "{% call x() %}{% endcall %}",
    "{% filter attr('x') %}{% endfilter %}",
    "{% with a=1 %}{% endwith %}",
    "{% do x %}",
    "{% autoescape x %}{% endautoescape %}",
    "{%- include '/etc/shadow' -%}",
    "{% for x in lookup('pipe','id') %}{% endfor %}",
    "{% if query('x') %}{% endif %}",
    "{% raw %}",
    "{{ loop }}",
    "{{ caller() }}",
    "{{ super() }}",
    "{{ omit.__class__ }}",
    "{{ ansible_facts['__class__'] }}",
    "{{ ansible_facts.__class__ }}",
    "{{ ansible_facts['services'].__class__ }}",
    "{{ ansible_facts }}",
    "{{ ansible_password }}",
    "{{ ansible_ssh_private_key_file }}",
    "{{ environment }}",
    "{{ playbook_dir }}",
    "{{ ansible_env }}",
    "{{ ansible_facts.env }}",
    "{{ ansible_facts['env']['HOME'] }}",
    "{{ ansible_local }}",
    "{{ groups['all'] }}",
    "{{ 'x' | from_yaml_all }}",
    "{{ 'x'|regex_replace('a','__class__') }}",
    "{{ ['__cla','ss__']|join }}{{ clean_tmp_days[['__cla','ss__']|join] }}",
    "{{ clean_tmp_days['a'.lower()] }}",
    "{{ clean_tmp_days.get('x')() }}",
    "{{ 9**9**9 }}",
    "{{ '%c' % 95 }}",
    "{{ 'a' 'b' }}{{ x }}",
    "{{ {} | combine(lookup('x')) }}",
    "{{ 'x' | expanduser }}",
    "{{ 'x'|ansible.builtin.password_hash }}",
    "{{ inventory_file }}",
    "{{ ansible_check_mode }}",
    "{{ ansible_play_hosts }}",
    "{{ ansible_version }}",
    "{{ role_path }}",
    "{{ ansible_config_file }}",
    "{{ lookup }}",
    "{{ q }}",
    "{{ 'q'('pipe') }}",
    "{{ [q][0]('pipe') }}",
    "{{ {'x':lookup}['x']('pipe','id') }}",
    "{{ lookup|map }}",
    "{{ '%999999999d' % 1 }}",
)
HARMLESS = (
    "{{ clean_tmp_days | int + 1 }}",
    "{{ 'yes' if clean_tmp_days is defined and clean_tmp_days | int > 3 else 'no' }}",
    "{{ ansible_facts['services'].get('ssh.service', {}).state | default('gone') }}",
    "{{ ansible_facts.mounts | selectattr('mount', 'equalto', '/var') | map(attribute='size_total') | first }}",
    "{{ [1, 2, 3] | select('gt', 1) | map('string') | join(', ') }}",
    "{{ 'a b'.split() | map('upper') | list | length == 2 and not false }}",
    "{%- for each in [1, 2] -%} {{ loop.index }}{{ each }} {%- endfor -%}",
    "{# a comment with lookups #}{{ {'a': {'b': 1}}.a.b }}",
    "{{ clean_tmp_days | string is match('^[0-9]{1,3}$') }}",
)


def findings(template: str) -> list[list[gate.Finding]]:
    """What the gate says of it in a file of templates/, and in what a task shows."""
    shown = f"\n- name: Show\n  ansible.builtin.debug:\n    msg: |\n      {template}\n"
    changes = {"templates/clean-tmp.conf.j2": f"x\n{template}\n", "tasks/main.yml": BASE["tasks/main.yml"] + shown}
    return [gate.check(NAME, {**BASE, path: text}, SCOPE) for path, text in changes.items()]


@pytest.mark.parametrize("template", WAYS_OUT)
def test_a_way_out_of_a_template_is_closed(template: str) -> None:
    in_file, in_task = findings(template)
    assert [each for each in in_file if each.file.startswith("templates/") and each.line == 2]
    assert [each for each in in_task if each.file == "tasks/main.yml" and each.line == 14]


@pytest.mark.parametrize("template", HARMLESS)
def test_what_roles_need_is_let_through(template: str) -> None:
    assert findings(template) == [[], []]
