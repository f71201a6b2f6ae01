"""The tasks of a role that a reviewer confirms, one by one. Pure.

A task is recognised by all that decides what it does: its own text with its comments, the defaults it uses and what
these use, the templates it names. So an edit elsewhere keeps its tick, and another value of a variable in it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml

from portal.kit import canonical

VERSION = "countersign.role-item/1"
DEFAULTS = "defaults/main.yml"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Confirmable:
    """One task to confirm: its place, its name, why, and the digest of all that decides what it does."""

    file: str
    line: int
    task: str
    why: str
    item: str

    @property
    def place(self) -> str:
        """As comments name it."""
        return f"{self.file} line {self.line}"


def confirmable(files: Mapping[str, str]) -> list[Confirmable]:
    """Every task of the role that destroys something or is marked for review, in the order of the files."""
    from remediation.playbooks import gate  # noqa: PLC0415 - only drafts with a role need it

    return [
        Confirmable(each.file, each.line, each.task, each.why, _item(files, each.file, each.line))
        for each in gate.marked(files)
    ]


def task_at(text: str, line: int) -> str:
    """The task around a line, with the comments above it: up to the next entry of the same list."""
    lines = text.splitlines()
    first = next((at for at in range(min(line, len(lines)) - 1, -1, -1) if _is_entry(lines[at])), 0)
    indent = _indent(lines[first]) if lines else 0
    ends = (at for at in range(first + 1, len(lines)) if _is_over(lines[at], indent))
    last = next(ends, len(lines))
    return "\n".join([*_comments(lines, first), *_trimmed(lines[first:last])])


def _item(files: Mapping[str, str], file: str, line: int) -> str:
    task = task_at(files[file], line)
    used = dict(_used(task, _defaults(files.get(DEFAULTS, ""))))
    named = {path: text for path, text in files.items() if _is_named(path, task)}
    data = {"file": file, "task": task, "defaults": used, "templates": named}
    return canonical.digest_of(canonical.text_of(data, version=VERSION))


def _used(task: str, defaults: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The defaults that a text uses, and those that they use."""
    seen: set[str] = set()
    left = [task]
    while left:
        for name in sorted(set(_NAME.findall(left.pop())) - seen):
            if name in defaults:
                seen.add(name)
                left.append(defaults[name])
                yield name, defaults[name]


def _defaults(text: str) -> Mapping[str, str]:
    """The defaults by name, each as text; what does not read as YAML is one default that every task uses."""
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=_LOADER)):
            return dict.fromkeys(_NAME.findall(text), text)  # an alias of aliases has no end as text
        data = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, the fast one where there is one
    except (yaml.YAMLError, ValueError, RecursionError):
        return dict.fromkeys(_NAME.findall(text), text)
    return {str(name): repr(value) for name, value in data.items()} if isinstance(data, dict) else {}


def _is_named(path: str, task: str) -> bool:
    name = PurePosixPath(path).name
    return path.startswith("templates/") and (name in task or name.removesuffix(".j2") in task)


def _is_entry(line: str) -> bool:
    return line.lstrip().startswith("- ")


def _is_over(line: str, indent: int) -> bool:
    """Whether a line belongs to what comes after an entry at this depth."""
    return bool(line.strip()) and not line.lstrip().startswith("#") and _indent(line) <= indent


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _comments(lines: Sequence[str], first: int) -> list[str]:
    start = first
    while start and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return list(lines[start:first])


def _trimmed(lines: Sequence[str]) -> list[str]:
    """Without the comments and empty lines at the end, which belong to the next task."""
    kept = list(lines)
    while kept and (not kept[-1].strip() or kept[-1].lstrip().startswith("#")):
        kept.pop()
    return kept
