"""What a text can become on a host, as far as the role's own text says it. Never runs anything.

Where the host has a say, the result has a hole: HOLE for anything, NAME for one name without a slash (a base name, the
host's name), BELOW for a path below what stands before it (what `find` found there).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, product

from remediation.playbooks.gate import reading
from remediation.playbooks.gate.lexing import NotReadable
from remediation.playbooks.gate.parsing import (
    Attribute,
    Expr,
    Filter,
    Item,
    Listing,
    Literal,
    Name,
    Operation,
)
from remediation.playbooks.gate.reading import Node, Scalar
from remediation.playbooks.gate.roles import Role, loop_names
from remediation.playbooks.gate.tasks import Task
from remediation.playbooks.gate.templates import parse

HOLE, NAME, BELOW = "\x00", "\x01", "\x02"
HOLES = frozenset({HOLE, NAME, BELOW})
MOST = 100
"""Alternatives that are followed; beyond them a text counts as one that nobody can read."""
MAX_DEPTH = 6
LONGEST = 4_096
FACTS_OF_ONE_WORD = frozenset({
    "architecture", "distribution", "distribution_major_version", "distribution_release", "distribution_version",
    "fqdn", "hostname", "machine", "nodename", "os_family",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """What a `find` registered: files below this path."""

    root: str
    depth: int = 0
    """1: the list of files, 2: one file of it, 3: its path."""


Value = object
"""A text, a number, a list or a mapping of values, a Found, or None for what only the host knows."""


@dataclass
class Surroundings:
    """The variables of one task, each with the values that it can have."""

    role: Role
    names: dict[str, tuple[Value, ...]] = field(default_factory=dict)


def texts_of(role: Role, task: Task, node: Scalar) -> tuple[str, ...]:
    """Every text that a value of a task can become, with holes. Several rules ask for the same."""
    key = id(task), id(node)
    if key not in role.found:
        values = values_of(role, task, node)
        parts = (part for value in values for part in (value if isinstance(value, list) else [value]))
        role.found[key] = tuple(dict.fromkeys(map(_as_text, parts)))
    return role.found[key]


def texts_in(role: Role, task: Task, text: str) -> tuple[str, ...]:
    """The same for the text of a whole file."""
    return tuple(map(_as_text, values_of(role, task, Scalar(1, 0, text, text))))


def values_of(role: Role, task: Task, node: Node) -> tuple[Value, ...]:
    """Every value that a node of a task can become."""
    around = Surroundings(role)
    for name, given in task.vars.items():
        around.names[name] = _node(given, around, 0)
    if "loop" in task.node.items:
        name = next(loop_names(task))
        around.names[name] = _few(tuple(_items(_node(task.node.items["loop"], around, 0))))
    return _node(node, around, 0)


def _items(values: Iterable[Value]) -> Iterator[Value]:
    """What a loop goes over, one after the other."""
    for value in values:
        if isinstance(value, Found) and value.depth == 1:
            yield Found(value.root, 2)
        elif isinstance(value, list):
            yield from value
        else:
            yield None


def _node(node: Node, around: Surroundings, depth: int) -> tuple[Value, ...]:
    if depth > MAX_DEPTH or (not isinstance(node, Scalar) and len(node.items) > MOST):
        return (None,)
    match node:
        case Scalar():
            return _scalar(node, around, depth)
        case reading.Sequence(items=items):
            return _each([_node(item, around, depth + 1) for item in items], list)
        case reading.Mapping(items=table):
            return _each(
                [_node(item, around, depth + 1) for item in table.values()],
                lambda row: dict(zip(table, row, strict=True)),
            )


def _each(parts: list[tuple[Value, ...]], make: object) -> tuple[Value, ...]:
    rows = list(islice(product(*parts), MOST + 1))
    return tuple(make(row) for row in rows) if len(rows) <= MOST else (None,)  # type: ignore[operator]


def _few(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """Values, or one that nobody knows in place of too many."""
    return values if len(values) <= MOST else (None,)


def _scalar(node: Scalar, around: Surroundings, depth: int) -> tuple[Value, ...]:
    if not isinstance(node.value, str) or "{" not in node.text:
        return (node.value,)
    try:
        template = parse(node.text)
    except NotReadable:
        return (None,)
    if template.headers:
        return (None,)
    parts = [(part,) if isinstance(part, str) else evaluate(part, around, depth) for part in template.parts]
    if len(parts) == 1:
        return parts[0]
    return _each(parts, lambda row: _short("".join(_as_text(part) for part in row)))


def evaluate(expr: Expr, around: Surroundings, depth: int) -> tuple[Value, ...]:  # noqa: PLR0911 - a table of forms
    """The values of an expression; (None,) where only the host knows."""
    match expr:
        case Literal(value=value):
            return (value,)
        case Name(id=name):
            return _name(name, around, depth)
        case Attribute(of=of, name=name):
            return _of(of, name, around, depth)
        case Item(of=of, key=Literal(value=key)):
            return _of(of, key, around, depth)
        case Listing(items=items):
            return _each([evaluate(item, around, depth) for item in items], list)
        case Operation(op="~", parts=parts):
            return _each([evaluate(part, around, depth) for part in parts], _joined)
        case Operation(op="+", parts=parts):
            return _each([evaluate(part, around, depth) for part in parts], _added)
        case Operation(op="if", parts=(then, _, other)):
            return _few(evaluate(then, around, depth) + evaluate(other, around, depth))
        case Filter():
            return tuple(_filtered(expr, value) for value in evaluate(expr.of, around, depth))
    return (None,)


def _name(name: str, around: Surroundings, depth: int) -> tuple[Value, ...]:
    if name in around.names:
        return around.names[name]
    if name in {"inventory_hostname", "inventory_hostname_short"}:
        return (NAME,)
    known = around.role.evaluated
    if name not in known:
        known[name] = (None,)  # what is made of itself is known to nobody
        known[name] = _first(name, around.role, depth)
    return known[name]


def _first(name: str, role: Role, depth: int) -> tuple[Value, ...]:
    """The values of a default, or of what `find` registered. No other rule lets a name be set in two ways."""
    if name in role.defaults:
        return _node(role.defaults[name], Surroundings(role), depth + 1)
    setters = role.setters(name)
    if not setters or any(task.module != "find" for task in setters):
        return (None,)
    return tuple(Found(root) for task in setters for root in roots_of(role, task)) or (None,)


def roots_of(role: Role, task: Task) -> tuple[str, ...]:
    """Where a task of `find` looks."""
    given = [task.arguments.items[key] for key in ("paths", "path") if key in task.arguments.items]
    roots: list[str] = []
    for node in given:
        nodes = node.items if isinstance(node, reading.Sequence) else (node,)
        for each in nodes:
            roots += texts_of(role, task, each) if isinstance(each, Scalar) else [HOLE]
    return tuple(roots)


def _of(of: Expr, key: Value, around: Surroundings, depth: int) -> tuple[Value, ...]:
    """An attribute or an item of a value."""
    if isinstance(of, Name) and of.id == "ansible_facts":
        return (NAME,) if key in FACTS_OF_ONE_WORD else (None,)
    return tuple(_one(value, key) for value in evaluate(of, around, depth))


def _one(value: Value, key: Value) -> Value:
    if isinstance(value, Found):
        if value.depth == 2 and key == "mode":  # noqa: PLR2004 - one file
            return "preserve"
        wanted = {0: "files", 2: "path"}.get(value.depth)
        return Found(value.root, value.depth + 1) if key == wanted else None
    if isinstance(value, dict):
        return value.get(key)
    return None


def _filtered(expr: Filter, value: Value) -> Value:  # noqa: PLR0911 - a table of filters
    given = expr.arguments.all()
    match expr.name.removeprefix("ansible.builtin."):
        case "basename":
            name = posixpath.basename(_as_text(value))
            return None if HOLE in name else NAME if HOLES & set(name) else name
        case "dirname":
            text = _as_text(value)
            return posixpath.dirname(text) if HOLE not in text and BELOW not in text else None
        case "default" | "d" if value is not None and len(given) == len(expr.arguments.plain) == 1:
            return value
        case "list" | "flatten" | "unique" | "sort" | "select" | "reject" | "selectattr" | "rejectattr":
            return value if isinstance(value, list | Found) else None
        case "string" if isinstance(value, str | int) and not given:
            return value
        case "int" if type(value) is int and not given:
            return value
        case "dict2items" if isinstance(value, dict) and not given:
            return [{"key": key, "value": each} for key, each in value.items()]
    return None


def _short(text: str) -> str:
    """A text, or a hole in place of one that is longer than any path."""
    return text if len(text) <= LONGEST else HOLE


def _joined(row: tuple[Value, ...]) -> Value:
    first, second = row
    return _short(_as_text(first) + _as_text(second))


def _added(row: tuple[Value, ...]) -> Value:
    """The sum of two lists or two texts; what else may come out is not followed."""
    first, second = row
    if isinstance(first, list) and isinstance(second, list):
        return first + second if len(first) + len(second) <= MOST else None
    return _joined(row) if isinstance(first, str) and isinstance(second, str) else None


def _as_text(value: Value) -> str:
    """A value as part of a text."""
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, Found) and value.depth == 3:  # noqa: PLR2004 - the path of a file
        return f"{value.root.rstrip('/')}/{BELOW}"
    return HOLE
