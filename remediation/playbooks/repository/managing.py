"""What the tasks of a role manage: paths, services, packages, with file and line; nothing is run for it. Pure.

YAML is composed into nodes and never turned into objects. What holds a template is not a literal and says nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

PATH, SERVICE, PACKAGE = "path", "service", "package"
_NAMED = {
    SERVICE: frozenset({"service", "systemd", "systemd_service"}),
    PACKAGE: frozenset({"package", "apt", "dnf", "yum"}),
}
_NAMES = frozenset({"name", "pkg"})
_FROM_THE_CONTROLLER = frozenset({"src", "content", "validate"})
MOST_NODES = 20_000
MOST_USES = 2_000
LONGEST_VALUE = 500
"""Characters; what is longer is no name, and would not fit into an index."""


@dataclass(frozen=True, slots=True)
class Use:
    """A task manages something."""

    kind: str
    value: str
    file: str
    line: int


def uses_of(files: Mapping[str, str]) -> list[Use]:
    """What the tasks and handlers of a role manage; a file that is no YAML says nothing."""
    found: dict[Use, None] = {}
    for path, text in sorted(files.items()):
        if path.startswith(("tasks/", "handlers/")) and path.endswith((".yml", ".yaml")):
            found |= dict.fromkeys(_uses_in(path, text))
    return list(found)[:MOST_USES]


def _uses_in(path: str, text: str) -> Iterator[Use]:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return
    for key, value in _pairs(root):
        module = key.rpartition(".")[2]
        if isinstance(value, yaml.MappingNode):
            for kind, node in _arguments(module, value):
                yield Use(kind, node.value.rstrip("/") or "/", path, node.start_mark.line + 1)


def _arguments(module: str, arguments: yaml.MappingNode) -> Iterator[tuple[str, yaml.ScalarNode]]:
    """What one module's arguments name literally."""
    for name, value in arguments.value:
        for node in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            if not isinstance(node, yaml.ScalarNode) or "{{" in node.value or not 0 < len(node.value) <= LONGEST_VALUE:
                continue
            if node.value.startswith("/") and name.value not in _FROM_THE_CONTROLLER:
                yield PATH, node
            elif name.value in _NAMES and (kind := _kind_of(module)):
                yield kind, node


def _kind_of(module: str) -> str | None:
    return next((kind for kind, modules in _NAMED.items() if module in modules), None)


def _pairs(root: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    """Every key with its value, however deep; a node that aliases repeat is looked at once."""
    seen: set[int] = set()
    waiting: list[yaml.Node | None] = [root]
    while waiting and len(seen) < MOST_NODES:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                waiting.append(value)
                if isinstance(key, yaml.ScalarNode):
                    yield key.value, value
