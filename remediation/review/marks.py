"""The tasks of a role that a reviewer confirms, one by one. Pure.

A task is recognised by all that decides what it does: its own text with its comments, the blocks around it, the tasks
that bring in its file, the defaults and the results of other tasks that it uses and what these use, the templates it
names. So an edit elsewhere keeps its tick, and another value of a variable in it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml

from portal.kit import canonical

VERSION = "countersign.role-item/2"
DEFAULTS = "defaults/main.yml"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NAME = re.compile(r"[A-Za-z_]\w*")
_REGISTERS = re.compile(r"\s*(?:-\s+)?register:\s*[\"']?(?P<name>\w+)")
_SETS = re.compile(r"\s*(?:-\s+)?(?:ansible\.builtin\.)?set_fact:")
_KEY = re.compile(r"\s+(?P<name>\w+):")
_NESTS = re.compile(r"\s*(?:-\s+)?(?:block|rescue|always):")


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

    known = _known(files)
    return [
        Confirmable(each.file, each.line, each.task, each.why, _item(files, known, each.file, each.line))
        for each in gate.marked(files)
    ]


def task_at(text: str, line: int) -> str:
    """The task around a line, with the comments above it: up to the next entry of the same list."""
    lines = text.splitlines()
    first = _entry_at(lines, line)
    return "\n".join([*_comments(lines, first), *_trimmed(lines[first : _end_of(lines, first)])])


def around(text: str, line: int) -> list[str]:
    """What the blocks around the task at a line say of all tasks in them, the innermost first."""
    lines = text.splitlines()
    first, found = _entry_at(lines, line), []
    while parent := _parent_of(lines, first):
        found.append("\n".join(_own_keys(lines[parent - 1 : _end_of(lines, parent - 1)])))
        first = parent - 1
    return found


def _item(files: Mapping[str, str], known: Mapping[str, str], file: str, line: int) -> str:
    task, blocks = task_at(files[file], line), around(files[file], line)
    name = PurePosixPath(file).name
    brought = [
        task_at(text, number)
        for path, text in sorted(files.items())
        for number, each in enumerate(text.splitlines(), start=1)
        if path != file and path.startswith(("tasks/", "handlers/")) and name in each
    ]
    whole = "\n".join([task, *blocks, *brought])
    named = {path: text for path, text in files.items() if _is_named(path, whole)}
    used = dict(_used(whole, known))
    data = {"file": file, "task": task, "around": blocks, "brought": brought, "uses": used, "templates": named}
    return canonical.digest_of(canonical.text_of(data, version=VERSION))


def _known(files: Mapping[str, str]) -> Mapping[str, str]:
    """What each variable of a role is made of: its default, and every task that gives it a value."""
    known = {name: [text] for name, text in _defaults(files.get(DEFAULTS, "")).items()}
    for text in (text for path, text in sorted(files.items()) if path.startswith(("tasks/", "handlers/"))):
        for number, line in enumerate(text.splitlines(), start=1):
            names = [match["name"]] if (match := _REGISTERS.match(line)) else []
            if _SETS.match(line):
                names = [match["name"] for each in task_at(text, number).splitlines() if (match := _KEY.match(each))]
            for name in names:
                known.setdefault(name, []).append(task_at(text, number))
    return {name: "\n".join(texts) for name, texts in known.items()}


def _used(task: str, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The variables that a text uses, and those that they are made of."""
    seen: set[str] = set()
    left = [task]
    while left:
        for name in sorted(set(_NAME.findall(left.pop())) - seen):
            if name in known:
                seen.add(name)
                left.append(known[name])
                yield name, known[name]


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


def _entry_at(lines: Sequence[str], line: int) -> int:
    """Where the entry around a line begins, counted from 0."""
    return next((at for at in range(min(line, len(lines)) - 1, -1, -1) if _is_entry(lines[at])), 0)


def _end_of(lines: Sequence[str], first: int) -> int:
    """Where the next entry of the same list begins, or what comes after the list."""
    indent = _indent(lines[first]) if lines else 0
    return next((at for at in range(first + 1, len(lines)) if _is_over(lines[at], indent)), len(lines))


def _parent_of(lines: Sequence[str], first: int) -> int:
    """The number of the line, from 1, at which the entry begins that this one stands in; 0: in none."""
    indent = _indent(lines[first]) if lines else 0
    return next((at + 1 for at in range(first - 1, -1, -1) if _is_entry(lines[at]) and _indent(lines[at]) < indent), 0)


def _own_keys(entry: Sequence[str]) -> Iterator[str]:
    """The lines of a block without those of the tasks in it."""
    depth, is_own = _indent(entry[0]) + 2, True
    for number, line in enumerate(entry):
        if number == 0 or (line.strip() and _indent(line) <= depth and not _is_entry(line)):
            is_own = not _NESTS.match(line)
        elif _is_entry(line) and _indent(line) <= depth:
            is_own = False
        if is_own:
            yield line


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
