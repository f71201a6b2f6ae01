"""Tasks as the rules look at them: one flat list a file, each with its module, its arguments and the comments above."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from remediation.playbooks.gate.reading import Mapping, Node, Scalar, Sequence, text_of

PREFIX = "ansible.builtin."
BLOCKS = ("block", "rescue", "always")
REVIEW, REASON, PURGE = "# REVIEW", "# REASON:", "# PURGE:"
"""Comments directly above a task: somebody has to confirm it; why it is a command; why nothing is moved aside first."""
TASK_KEYS = frozenset({
    "name", "when", "loop", "loop_control", "register", "notify", "listen", "changed_when", "failed_when", "tags",
    "become", "vars", "until", "retries", "delay", "timeout", "block", "rescue", "always",
})  # fmt: skip
LOOKS_LIKE_A_MODULE = re.compile(r"^[a-z_0-9]+(\.[a-z_0-9]+)+$")
EMPTY = Mapping(0, 0, {}, {})


@dataclass(frozen=True, slots=True)
class Task:
    """One task, handler or block.

    `module` is the short name of a module of ansible.builtin, else the whole key; empty for a block. `arguments` is
    empty where they are not a mapping. `vars` holds those of blocks around it too, `within` the lines of those blocks
    that have a condition; where it `may_fail`, a block goes on without it.
    """

    file: str
    line: int
    node: Mapping
    module: str = ""
    arguments: Mapping = EMPTY
    comments: tuple[str, ...] = ()
    vars: dict[str, Node] = field(default_factory=dict)
    may_fail: bool = False
    within: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        return self.text("name")

    def text(self, key: str) -> str:
        """The text of a key of the task, empty without."""
        return text_of(self.node.items.get(key))

    def argument(self, *names: str) -> Scalar | None:
        """The first argument that is given under one of these names, if it is one value."""
        found = (self.arguments.items.get(name) for name in names)
        return next((node for node in found if isinstance(node, Scalar)), None)

    def says(self, name: str, *values: str) -> bool:
        """Whether an argument has one of these values."""
        return text_of(self.arguments.items.get(name)) in values

    def is_on(self, name: str) -> bool:
        """Whether an argument is true."""
        node = self.argument(name)
        return node is not None and node.value is True

    def is_off(self, name: str) -> bool:
        """Whether an argument is false."""
        node = self.argument(name)
        return node is not None and node.value is False

    def has(self, comment: str) -> bool:
        """Whether this comment stands directly above the task."""
        return any(line.startswith(comment) for line in self.comments)

    def line_of(self, key: str) -> int:
        """The line of a key or an argument."""
        return self.arguments.lines.get(key) or self.node.lines.get(key) or self.line


def tasks_in(file: str, root: Node | None, text: str) -> tuple[Task, ...]:
    """Every task of a file in its order, blocks before what they hold. What is no task is left to other rules."""
    return tuple(_walk(root, text.split("\n"), Task(file, 0, EMPTY)))


def _walk(node: Node | None, lines: list[str], around: Task) -> Iterator[Task]:
    for item in node.items if isinstance(node, Sequence) else ():
        if not isinstance(item, Mapping):
            continue
        own = item.items.get("vars")
        key = module_key(item)
        given = item.items.get(key) if key else None
        task = Task(
            file=around.file,
            line=item.line,
            node=item,
            module=key.removeprefix(PREFIX),
            arguments=given if isinstance(given, Mapping) else EMPTY,
            comments=_comments(lines, item),
            vars={**around.vars, **own.items} if isinstance(own, Mapping) else around.vars,
            may_fail=around.may_fail,
            within=around.within,
        )
        yield task
        inside = replace(
            task,
            may_fail=task.may_fail or "rescue" in item.items,
            within=(*task.within, item.line) if "when" in item.items else task.within,
        )
        for part in BLOCKS:
            yield from _walk(item.items.get(part), lines, inside)


def module_key(item: Mapping) -> str:
    """The key that names the module; empty for a block and where there is none."""
    if "block" in item.items:
        return ""
    others = [key for key in item.items if key not in TASK_KEYS]
    return next((key for key in others if LOOKS_LIKE_A_MODULE.match(key)), "")


def _comments(lines: list[str], item: Mapping) -> tuple[str, ...]:
    """The comment lines directly above a task, at the column of its dash: there they cannot be part of a text."""
    dash, found = item.column - 2, []
    for line in reversed(lines[: item.line - 1]):
        if not line.startswith("#", max(dash, 0)) or line[: max(dash, 0)].strip():
            break
        found.append(line.strip())
    return tuple(reversed(found))
