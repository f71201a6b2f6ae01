"""tasks/backout.yml takes back what tasks/main.yml does and touches nothing else; tasks/verify.yml only looks."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from remediation.playbooks.gate import convergence, destruction, modules
from remediation.playbooks.gate.evaluating import HOLE, HOLES
from remediation.playbooks.gate.roles import BACKOUT, HANDLERS, MAIN, VERIFY, Role, texts
from remediation.playbooks.gate.scoping import shown, touched_names, written_paths
from remediation.playbooks.gate.shapes import Finding
from remediation.playbooks.gate.tasks import Task

RULE = "way-back"


@dataclass(frozen=True, slots=True)
class Touched:
    """One thing that a task changes: a path, a service or a package."""

    kind: str
    name: str
    task: Task


def findings(role: Role) -> Iterator[Finding]:
    """Where the way back does not fit the way, and what is wrong with the look afterwards."""
    if {MAIN, BACKOUT} <= role.documents.keys():
        there, back = _touched(role, MAIN), _touched(role, BACKOUT)
        yield from _left(there, back)
        yield from _more(there, back)
    if VERIFY in role.documents:
        yield from _verify(role)


def _left(there: list[Touched], back: list[Touched]) -> Iterator[Finding]:
    for each in _once(there):
        if not any(_meets(each, other) for other in back):
            text = f"{BACKOUT} does not take {shown(each.name)} back ({each.kind})."
            yield Finding(each.task.file, each.task.line, RULE, text, f"Add a task to {BACKOUT} that restores it.")


def _more(there: list[Touched], back: list[Touched]) -> Iterator[Finding]:
    for each in _once(back):
        if not any(_meets(each, other) for other in there):
            text = f"The way back touches {shown(each.name)} ({each.kind}), which {MAIN} leaves alone."
            yield Finding(each.task.file, each.task.line, RULE, text, f"Take back what {MAIN} does, and nothing else.")


def _once(touched: list[Touched]) -> Iterator[Touched]:
    """Each thing once, at the first task that touches it; what cannot be read has a finding already."""
    seen: set[tuple[str, str]] = set()
    for each in touched:
        if (each.kind, each.name) not in seen and HOLE not in each.name and each.task.file != HANDLERS:
            seen.add((each.kind, each.name))
            yield each


def _meets(one: Touched, other: Touched) -> bool:
    """The same thing, or one inside the other."""
    if one.kind != other.kind:
        return False
    return one.name == other.name or (
        one.kind == "path" and (_lies_in(one.name, other.name) or _lies_in(other.name, one.name))
    )


def _known_part(path: str) -> str:
    """A path up to the folder that the role itself names; what the host finds there is the same on both ways."""
    if HOLE in path or not path.startswith("/"):
        return path
    first = next((at for at, sign in enumerate(path) if sign in HOLES), None)
    return posixpath.normpath(path if first is None else path[:first].rpartition("/")[0] or "/")


def _lies_in(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.rstrip('/')}/")


def _touched(role: Role, entry: str) -> list[Touched]:
    """Everything that the tasks of an entry change, and the services of handlers that they notify."""
    tasks = role.played(entry)
    notified = {name for task in tasks for name in texts(task.node.items.get("notify"))}
    handlers = [
        task for task in role.tasks.get(HANDLERS, ()) if notified & {task.name, *texts(task.node.items.get("listen"))}
    ]
    return [each for task in (*tasks, *handlers) for each in _of(role, task)]


def _of(role: Role, task: Task) -> Iterator[Touched]:
    for path in destruction.destinations(role, task):
        yield Touched("path", _known_part(path), task)
    if task.module == "command":
        yield from (
            Touched("path", _known_part(path), task) for path, _ in written_paths(role, task, task.argument("creates"))
        )
    known = modules.MODULES.get(task.module)
    for key, node in task.arguments.items.items() if known and not known.only_reads else ():
        kind = known.arguments.get(key) if known else None
        if kind in {"service", "package"}:
            for name, _ in touched_names(role, task, node):
                yield Touched(str(kind), name, task)
    if task.module in {"cron", "user", "group", "hostname", "iptables"}:
        yield Touched(task.module, task.argument("name").text if task.argument("name") else "", task)  # type: ignore[union-attr]


def _verify(role: Role) -> Iterator[Finding]:
    """Only modules that read, and at least one that can fail."""
    tasks = role.played(VERIFY)
    for task in tasks:
        known = modules.MODULES.get(task.module)
        if known and not known.only_reads:
            text = f"{VERIFY} only looks, and {task.module} changes something."
            yield Finding(
                task.file, task.line, "verify", text, "Look with stat, slurp, find, service_facts, and assert."
            )
        if "notify" in task.node.items:
            yield Finding(task.file, task.node.lines["notify"], "verify", f"{VERIFY} only looks.", "Leave notify out.")
    if not any(_can_fail(role, task) for task in tasks):
        text = f"{VERIFY} asserts nothing of what it looked at, so that it always succeeds."
        mend = "Add ansible.builtin.assert on what a task before it registered, outside of a block with rescue."
        yield Finding(VERIFY, tasks[0].line if tasks else 1, "verify", text, mend)


def _can_fail(role: Role, task: Task) -> bool:
    """Whether something that is found on the host makes a task fail, and the verification with it."""
    given, when = task.node.items, task.node.items.get("when")
    if task.may_fail or (when is not None and convergence.is_fixed(role, when)):
        return False
    if task.module == "assert":
        that = task.arguments.items.get("that")
        return that is not None and not convergence.is_fixed(role, that)
    return task.module == "wait_for" or (task.module == "fail" and when is not None) or "failed_when" in given
