"""What a template may do: known filters, tests and methods on known variables, and nothing that reaches the controller.

Ansible evaluates templates where it runs, not on the host. So what is not listed here is refused: lookups and queries,
tests that look at files, filters that read, draw lots or tell the time, attributes with underscores, names made at run
time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from remediation.playbooks.gate import parsing
from remediation.playbooks.gate.characters import hidden
from remediation.playbooks.gate.parsing import Attribute, Call, Expr, Filter, Item, Literal, Name, Operation, Test
from remediation.playbooks.gate.templates import Template

FILTERS = frozenset({
    "abs", "b64decode", "b64encode", "basename", "batch", "bool", "capitalize", "combine", "comment", "count", "d",
    "default", "dict2items", "difference", "dirname", "first", "flatten", "float", "from_json", "from_yaml", "hash",
    "human_readable", "human_to_bytes", "indent", "int", "intersect", "items", "items2dict", "join", "last",
    "length", "list", "lower", "map", "mandatory", "max", "min", "quote", "regex_escape", "regex_findall",
    "regex_replace", "regex_search", "reject", "rejectattr", "replace", "reverse", "round", "select", "selectattr",
    "slice", "sort", "split", "splitext", "string", "sum", "symmetric_difference", "ternary", "title", "to_json",
    "to_nice_json", "to_nice_yaml", "to_yaml", "trim", "type_debug", "union", "unique", "upper", "wordcount", "zip",
})  # fmt: skip
TESTS = frozenset({
    "==", "!=", "<", ">", "<=", ">=", "eq", "ne", "lt", "gt", "le", "ge", "equalto", "sameas", "in", "defined",
    "undefined", "none", "boolean", "true", "false", "integer", "float", "number", "string", "mapping", "sequence",
    "iterable", "even", "odd", "divisibleby", "lower", "upper", "match", "search", "regex", "contains", "subset",
    "superset", "all", "any", "truthy", "falsy", "version", "failed", "failure", "succeeded", "success", "changed",
    "skipped",
})  # fmt: skip
BY_NAME = {"map": FILTERS, "select": TESTS, "reject": TESTS}
"""Filters whose first argument names another filter or test."""
OF_ATTRIBUTES = frozenset({"selectattr", "rejectattr"})
NOT_BY_NAME = frozenset({"map", "select", "reject", "selectattr", "rejectattr"})
ONLY_LITERALS = frozenset({
    "batch", "dict2items", "items2dict", "join", "max", "min", "slice", "sort", "sum", "unique",
})  # fmt: skip
"""Filters that can be told, in one of their arguments, which attribute to reach."""
METHODS = frozenset({
    "endswith", "get", "items", "keys", "lower", "lstrip", "replace", "rstrip", "split", "splitlines", "startswith",
    "strip", "upper", "values",
})  # fmt: skip
SHUNNED = {
    "lookup": "runs on the controller and may read or execute anything there",
    "query": "is a lookup under another name",
    "q": "is a lookup under another name",
    "omit": "leaves an argument out where nobody sees it",
    "now": "is another time on every run, so that the role never converges",
    "range": "is a function; only filters and a few methods are called",
    "attr": "reaches attributes by names made at run time",
    "random": "draws lots, so that the role never converges",
    "shuffle": "draws lots, so that the role never converges",
    "password_hash": "draws a salt, so that the role never converges",
    "strftime": "tells the time, so that the role never converges",
    "fileglob": "lists files of the controller",
    "expanduser": "looks at the controller",
    "expandvars": "reads the controller's environment",
    "realpath": "looks at the controller",
    "unvault": "opens a vault",
    "vault": "closes a vault",
    "format": "builds text in ways that nobody can follow",
    "hostvars": "reads what belongs to other hosts",
    "groups": "reads the inventory; a role knows one host",
    "vars": "reaches variables by names made at run time",
    "role_path": "is a path of the controller",
    "playbook_dir": "is a path of the controller",
    "inventory_dir": "is a path of the controller",
    "ansible_check_mode": "lets a task behave otherwise while it is checked, so that the proof proves nothing",
}
FACTS = frozenset({
    "all_ipv4_addresses", "apparmor", "architecture", "bios_version", "cmdline", "default_ipv4", "default_ipv6",
    "devices", "distribution", "distribution_major_version", "distribution_release", "distribution_version", "dns",
    "domain", "fqdn", "getent_group", "getent_hosts", "getent_passwd", "getent_services", "hostname", "interfaces",
    "kernel", "kernel_version", "lsb", "lvm", "machine", "memtotal_mb", "mounts", "nodename", "os_family",
    "packages", "pkg_mgr", "processor_cores", "processor_count", "processor_vcpus", "product_name", "selinux",
    "service_mgr", "services", "swaptotal_mb", "system", "system_vendor", "virtualization_role",
    "virtualization_type",
})  # fmt: skip
"""Facts that stay the same from one run to the next, or that verify.yml gathers itself."""
ON_THE_CONTROLLER = frozenset({
    "abs", "directory", "dir", "exists", "file", "is_abs", "is_dir", "is_file", "is_link", "is_mount", "link",
    "mount", "same_file",
})  # fmt: skip
NAMES_OF_HOSTS = frozenset({"inventory_hostname", "inventory_hostname_short", "fqdn", "hostname", "nodename"})
COMPARING = parsing.COMPARISONS | {"in", "not in"}
Known = Callable[[str], bool]
DUNDER = re.compile(r"__\w|\w__|^_")
BRACE = re.compile(r"\{(?!\d)|\{$")
MEND = "Write the value into defaults/main.yml, or register what a task on the host finds."


@dataclass(frozen=True, slots=True)
class Objection:
    """Something that a template may not do; `offset` is where in its text."""

    offset: int
    rule: str
    text: str
    mend: str


def judge(template: Template, known: Known) -> Iterator[Objection]:
    """What is wrong with a template, given the variables that are known where it stands."""
    for expr in template.expressions():
        yield from _judge(expr, lambda name: name in template.names or known(name))


def _judge(expr: Expr, known: Known) -> Iterator[Objection]:
    if isinstance(expr, Name):
        yield from _name(expr, known)
    elif type(expr) in RULES:
        yield from RULES[type(expr)](expr)
    for part in _parts(expr):
        yield from _judge(part, known)


def _parts(expr: Expr) -> tuple[Expr, ...]:
    """What is looked into next: not a name of which everything is said."""
    if isinstance(expr, Call) and isinstance(expr.of, Name):
        return expr.arguments.all()
    return () if _is_fact(expr) else parsing.children(expr)


def _is_fact(expr: Expr) -> bool:
    return isinstance(expr, Attribute | Item) and isinstance(expr.of, Name) and expr.of.id == "ansible_facts"


def _fact(expr: Expr, name: object) -> Iterator[Objection]:
    if name not in FACTS:
        text = f"The fact {name} is not on the list: it changes from run to run, or says more than a role needs."
        yield Objection(expr.offset, "variable", text, f"Use one of: {', '.join(sorted(FACTS))}.")


def _name(expr: Name, known: Known) -> Iterator[Objection]:
    if expr.id == "ansible_facts":
        mend = "Name one fact, as ansible_facts['os_family']."
        yield Objection(expr.offset, "variable", "All facts are taken at once.", mend)
    elif expr.id in SHUNNED:
        yield Objection(expr.offset, "template", f"{expr.id} {SHUNNED[expr.id]}.", MEND)
    elif not known(expr.id):
        mend = f"Set {expr.id} in defaults/main.yml, or register it in an earlier task of this file."
        fact = expr.id.removeprefix("ansible_")
        if fact != expr.id and fact in FACTS:
            mend = f"Write ansible_facts['{fact}']."
        yield Objection(expr.offset, "variable", f"The variable {expr.id} is set nowhere before this.", mend)


def _literal(expr: Literal) -> Iterator[Objection]:
    text = expr.value if isinstance(expr.value, str) else ""
    if what := hidden(text, allowed="\t\r\n"):
        yield Objection(expr.offset, "template", f"A text in a template has {what} in it.", "Write what people see.")
    if DUNDER.search(text) and "__" in text:
        yield Objection(expr.offset, "template", f"The text {text!r} names something inner.", MEND)
    if BRACE.search(text):
        mend = "Put text with braces outside of the template."
        yield Objection(
            expr.offset, "template", "A text in a template holds a brace and could become a template.", mend
        )


def _attribute(expr: Attribute) -> Iterator[Objection]:
    if DUNDER.search(expr.name):
        yield Objection(expr.offset, "template", f"The attribute {expr.name} is an inner one.", MEND)
    elif _is_fact(expr):
        yield from _fact(expr, expr.name)


def _item(expr: Item) -> Iterator[Objection]:
    key = expr.key
    if _is_fact(expr):
        yield from _fact(expr, key.value if isinstance(key, Literal) else None)
    elif not isinstance(key, Literal) and not _is_negative(key):
        mend = "Write the key out, or use .get(name)."
        yield Objection(key.offset, "template", "A key in square brackets is made at run time.", mend)


def _is_negative(key: Expr) -> bool:
    return isinstance(key, Operation) and key.op == "-" and isinstance(key.parts[0], Literal)


def _filter(expr: Filter) -> Iterator[Objection]:
    """A filter has to be listed, and so has what it calls by name."""
    short = expr.name.removeprefix("ansible.builtin.")
    if short not in FILTERS:
        why = SHUNNED.get(short, "is not on the list of filters")
        yield Objection(expr.offset, "template", f"The filter {expr.name} {why}.", MEND)
        return
    plain = expr.arguments.plain
    if short in BY_NAME and plain:
        yield from _by_name(expr, plain[0], BY_NAME[short])
    if short in OF_ATTRIBUTES and len(plain) > 1:
        yield from _by_name(expr, plain[1], TESTS)
    if not all(isinstance(part, Literal) for part in _written_out(short, expr)):
        yield Objection(expr.offset, "template", f"The filter {short} takes its arguments from a variable.", MEND)


def _written_out(short: str, expr: Filter) -> tuple[Expr, ...]:
    """Those arguments of a filter that say what to reach or to call, and so may not come from a variable."""
    named = tuple(value for name, value in expr.arguments.named if name == "attribute")
    if short in ONLY_LITERALS:
        return expr.arguments.all()
    return (*expr.arguments.plain[:1], *named) if short in {*BY_NAME, *OF_ATTRIBUTES} else named


def _by_name(expr: Filter, called: Expr, allowed: frozenset[str]) -> Iterator[Objection]:
    name = called.value if isinstance(called, Literal) else None
    short = str(name).removeprefix("ansible.builtin.")
    if short not in allowed or short in NOT_BY_NAME:
        what = f"{name!r}" if name is not None else "what a variable names"
        yield Objection(
            expr.offset, "template", f"The filter {expr.name} calls {what}, which is not on the list.", MEND
        )


def _test(expr: Test) -> Iterator[Objection]:
    if expr.name.removeprefix("ansible.builtin.") in ON_THE_CONTROLLER:
        mend = "Use ansible.builtin.stat, register what it says, and test that."
        yield Objection(expr.offset, "template", f"The test {expr.name} looks at files of the controller.", mend)
    elif expr.name not in TESTS:
        yield Objection(expr.offset, "template", f"The test {expr.name} is not on the list of tests.", MEND)
    if _is_named(expr.of):
        yield _by_host(expr)


def _operation(expr: Operation) -> Iterator[Objection]:
    has_text = any(isinstance(part, Literal) and isinstance(part.value, str) for part in expr.parts)
    if expr.op == "**" or (expr.op in {"*", "%"} and has_text):
        yield Objection(expr.offset, "template", f"{expr.op} can make a text of any length.", MEND)
    if expr.op in COMPARING and any(map(_is_named, expr.parts)):
        yield _by_host(expr)


def _is_named(expr: Expr) -> bool:
    """Whether a value is the name of the host."""
    match expr:
        case Name(id=name):
            return name in NAMES_OF_HOSTS
        case Attribute(name=name) | Item(key=Literal(value=name)):
            return _is_fact(expr) and name in NAMES_OF_HOSTS
    return False


def _by_host(expr: Expr) -> Objection:
    text = "What is done depends on the name of the host, so that the canary proves nothing for the others."
    return Objection(expr.offset, "template", text, "Leave it out; other work on other hosts is a role of its own.")


def _call(expr: Call) -> Iterator[Objection]:
    """Only listed methods are called, by their name."""
    if isinstance(expr.of, Attribute):
        if expr.of.name not in METHODS:
            mend = "Use a filter."
            yield Objection(expr.offset, "template", f"The method {expr.of.name} is not on the list.", mend)
    elif isinstance(expr.of, Name):
        why = SHUNNED.get(expr.of.id, "is a function; only filters and a few methods are called")
        yield Objection(expr.offset, "template", f"{expr.of.id} {why}.", MEND)
    else:
        yield Objection(expr.offset, "template", "Something is called that has no name.", MEND)


RULES: dict[type[Expr], Callable[[Any], Iterator[Objection]]] = {
    Attribute: _attribute,
    Call: _call,
    Filter: _filter,
    Item: _item,
    Literal: _literal,
    Operation: _operation,
    Test: _test,
}
