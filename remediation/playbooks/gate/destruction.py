"""What destroys something or takes something away, by our own rules per module and argument (law 6).

A task of this kind needs the comment `# REVIEW` directly above it; the reviewer confirms each. A file is moved aside
before it goes: see `quarantine`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from remediation.playbooks.gate import evaluating
from remediation.playbooks.gate.evaluating import HOLE
from remediation.playbooks.gate.places import GUARDED, THERE
from remediation.playbooks.gate.reading import Scalar, scalars, text_of
from remediation.playbooks.gate.roles import Role
from remediation.playbooks.gate.shapes import Finding, Marked
from remediation.playbooks.gate.tasks import REVIEW, Task

RULE = "review"
MEND = f"Put the comment {REVIEW} directly above the task, with what the reviewer has to confirm."
LOOSE = re.compile(r"0?[1-7][0-7]{3}|[0-7]*[2367]")
PLAIN_WORD = re.compile(r"(?<![\\A-Za-z0-9_])[A-Za-z0-9_]{3,}(?![*?{])")
UNLIKE = ("x", "#9 =/", "Zz: _")
"""Lines that have nothing in common: what matches them all matches everything."""
LONGEST, REPETITIONS, CHOICES = 200, 2, 4
AGAIN = re.compile(r"\)[*+{?]")
REPEATED, CHOICE = re.compile(r"[*+{]"), re.compile(r"\||(?<!\()\?")
ALWAYS = {
    "command": "runs a program, and nobody but a person can say what it does",
    "cron": "changes what runs by the clock",
    "group": "changes a group of accounts",
    "hostname": "renames the host",
    "iptables": "changes the firewall",
    "user": "changes an account",
}
"""Modules that nobody uses without being asked, whatever the arguments."""
UNITS = frozenset({"automount", "mount", "scope", "slice", "swap", "target"})
WRITERS = frozenset({"file", "copy", "template", "lineinfile", "blockinfile", "replace"})


def whys(role: Role, task: Task) -> Iterator[str]:
    """What a task destroys or takes away, one sentence each."""
    if task.module in ALWAYS:
        yield ALWAYS[task.module]
    if task.module in RULES:
        yield from RULES[task.module](task)
    if task.module in NAMING:
        yield from NAMING[task.module](role, task)
    if task.module in WRITERS:
        yield from _permissions(role, task)
        yield from _guarded(role, task)
        yield from _empty(role, task)
    if task.module == "find" and task.text("register") in _deleted_from(role):
        yield "selects what is deleted"


def marked(role: Role) -> Iterator[Marked]:
    """The checklist: every task with the mark, and every one that destroys by our rules, marked or not."""
    for task in role.all_tasks:
        reasons = list(dict.fromkeys(whys(role, task)))
        said = [line.removeprefix(REVIEW).lstrip(": ").strip() for line in task.comments if line.startswith(REVIEW)]
        if said or reasons or task.has(REVIEW):
            why = "; ".join([*(text for text in said if text), *reasons]) or "marked for review"
            yield Marked(task.file, task.line, task.name or task.module or "a block", why)


def findings(role: Role, task: Task) -> Iterator[Finding]:
    """A task that destroys and does not say so."""
    reasons = list(dict.fromkeys(whys(role, task)))
    if reasons and not task.has(REVIEW):
        what = task.module or "block"
        yield Finding(
            task.file, task.line, RULE, f"This task ({what}) {', and it '.join(reasons)}; it is not marked.", MEND
        )


def floating(role: Role) -> Iterator[Finding]:
    """A mark that stands above no task would vanish from the checklist."""
    for path, tasks in role.tasks.items():
        counted = sum(line.startswith(REVIEW) for task in tasks for line in task.comments)
        lines = [
            number for number, line in enumerate(role.files[path].split("\n"), 1) if line.lstrip().startswith(REVIEW)
        ]
        if len(lines) != counted:
            near = {task.line - back for task in tasks for back in range(1, len(task.comments) + 1)}
            for number in (line for line in lines if line not in near):
                text = f"A {REVIEW} mark stands above no task."
                yield Finding(
                    path, number, RULE, text, "Put it directly above the dash of its task, at the same column."
                )


def deletes(task: Task) -> bool:
    """Whether a task takes files away."""
    return task.module == "file" and task.says("state", "absent")


def _deleted_from(role: Role) -> frozenset[str]:
    """The names under which what is deleted was registered."""
    loops = [text_of(task.node.items.get("loop")) for task in role.all_tasks if deletes(task)]
    return frozenset(word for loop in loops for word in re.findall(r"[a-z_][a-z0-9_]*", loop))


def _file(task: Task) -> Iterator[str]:
    if deletes(task):
        yield "takes files away (state absent)"
        if any(sign in text_of(task.argument("path", "dest")) for sign in "*?"):
            yield "names them by a wildcard"
    if task.is_on("recurse"):
        yield "changes everything below a folder (recurse)"
    if task.is_on("force"):
        yield "replaces what is in its way (force)"
    if text_of(task.argument("state")) in {"", "file"} and {"owner", "group", "mode"} & task.arguments.items.keys():
        yield "changes owner, group or permissions of something that is there"


def _line(task: Task) -> Iterator[str]:
    if task.says("state", "absent"):
        yield "takes lines away (state absent)"
    yield from _wide(task)


def _block(role: Role, task: Task) -> Iterator[str]:
    if task.says("state", "absent") or _may_be_empty(role, task, "block"):
        yield "takes lines away"


def _replace(role: Role, task: Task) -> Iterator[str]:
    if _may_be_empty(role, task, "replace"):
        yield "takes text away"
    yield from _wide(task)
    pattern = text_of(task.argument("regexp"))
    if not is_quick(pattern) and ("|" in pattern or AGAIN.search(pattern) or not PLAIN_WORD.search(pattern)):
        yield "replaces by a pattern that does not show what it matches"


def _may_be_empty(role: Role, task: Task, key: str) -> bool:
    """Whether an argument is left out, or can become nothing at all."""
    node = task.argument(key)
    return node is None or any(not text.strip() for text in evaluating.texts_of(role, task, node))


def _wide(task: Task) -> Iterator[str]:
    pattern = task.argument("regexp")
    if pattern is not None and all(finds(pattern.text, line) for line in UNLIKE):
        yield "matches everything (wildcard)"


def _unit(task: Task) -> Iterator[str]:
    if task.says("state", "stopped"):
        yield "stops a service"
    if task.is_off("enabled"):
        yield "keeps a service from starting"
    if task.is_on("masked"):
        yield "masks a service"


def _other_unit(role: Role, task: Task) -> Iterator[str]:
    node = task.argument("name")
    for name in evaluating.texts_of(role, task, node) if node else ():
        kind = name.rpartition(".")[2]
        if kind in UNITS:
            yield f"starts or stops what is no service ({kind})"


def _version(role: Role, task: Task) -> Iterator[str]:
    nodes = (task.arguments.items.get("name"), task.arguments.items.get("pkg"))
    names = (text for node in nodes if node for each in scalars(node) for text in evaluating.texts_of(role, task, each))
    if any("=" in name for name in names):
        yield "changes the version of packages"


def _package(task: Task) -> Iterator[str]:
    if task.says("state", "absent", "removed"):
        yield "removes packages"
    for key in ("purge", "autoremove"):
        if task.is_on(key):
            yield f"removes more than it names ({key})"
    if task.says("state", "latest") or task.is_on("only_upgrade"):
        yield "changes the version of packages"


def _user(task: Task) -> Iterator[str]:
    for key in ("remove", "force"):
        if task.is_on(key):
            yield f"takes an account's files away ({key})"


def _iptables(task: Task) -> Iterator[str]:
    if task.is_on("flush"):
        yield "empties a chain (flush)"


RULES: dict[str, Callable[[Task], Iterator[str]]] = {
    "file": _file,
    "lineinfile": _line,
    "systemd": _unit,
    "systemd_service": _unit,
    "service": _unit,
    "apt": _package,
    "dnf": _package,
    "package": _package,
    "user": _user,
    "iptables": _iptables,
}
NAMING: dict[str, Callable[[Role, Task], Iterator[str]]] = {
    "blockinfile": _block,
    "replace": _replace,
    "systemd": _other_unit,
    "systemd_service": _other_unit,
    "service": _other_unit,
    "apt": _version,
    "dnf": _version,
    "package": _version,
}
"""Rules that need to know what the variables of the role can be."""


def _empty(role: Role, task: Task) -> Iterator[str]:
    """A file that is written whole, and has nothing in it."""
    content = task.argument("content")
    texts = evaluating.texts_of(role, task, content) if content and task.module == "copy" else ()
    if task.module == "template":
        source = role.files.get(f"templates/{text_of(task.argument('src'))}", "")
        texts = evaluating.texts_in(role, task, source)
    if any(not text.strip() for text in texts):
        yield "truncates a file (empty content)"


def _permissions(role: Role, task: Task) -> Iterator[str]:
    """Modes that let others write or a program act as its owner; and any change to folders of the system."""
    if task.says("state", "directory") and THERE & set(destinations(role, task)):
        yield "changes owner, group or permissions of something that is there"
    for key in ("mode", "directory_mode"):
        mode = task.argument(key)
        for text in evaluating.texts_of(role, task, mode) if mode is not None else ():
            if LOOSE.fullmatch(text):
                yield f"gives permissions to everybody or sets a special bit ({key} {text})"


def _guarded(role: Role, task: Task) -> Iterator[str]:
    for path in destinations(role, task):
        known = re.split(r"[\x00-\x02]", path, maxsplit=1)[0]
        for place, why in GUARDED.items():
            if path == place or path.startswith(f"{place}/"):
                yield f"changes {place}, which {why}"
            elif known != path and known and place.startswith(known):
                yield f"may change {place}, which {why}"


def is_quick(pattern: str) -> bool:
    """Whether a regular expression cannot take for ever: short, few repetitions and choices, nothing of a group."""
    return (
        len(pattern) <= LONGEST
        and len(REPEATED.findall(pattern)) <= REPETITIONS
        and len(CHOICE.findall(pattern)) <= CHOICES
        and not AGAIN.search(pattern)
    )


def finds(pattern: str, line: str) -> bool:
    """Whether a regular expression finds something in a line; not asked of one that may take for ever, or is none."""
    try:
        return is_quick(pattern) and re.search(pattern, line[:LONGEST]) is not None
    except (re.error, RecursionError, OverflowError):
        return False


def destinations(role: Role, task: Task) -> tuple[str, ...]:
    """The paths that a task writes to or takes away, with holes."""
    if task.module not in WRITERS:
        return ()
    node = task.argument("path", "dest")
    return evaluating.texts_of(role, task, node) if isinstance(node, Scalar) else (HOLE,)
