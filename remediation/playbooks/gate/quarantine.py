"""What goes is moved aside first, and purged later by a task of its own.

A deletion is in order when one of these holds:

- an earlier task of the same file keeps the same path, over the same loop, elsewhere: by a second name (`file` with
  `state: hard`) or by a copy (`copy` with `remote_src: true`). Deleting is then the second half of moving aside;
- the way back takes away what `tasks/main.yml` itself has put there;
- the task stands alone as a purge and says why: the comment `# PURGE: <why nothing is moved aside>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from remediation.playbooks.gate.destruction import deletes, destinations
from remediation.playbooks.gate.evaluating import HOLES, NAME, roots_of, texts_of
from remediation.playbooks.gate.reading import scalars as scalars_of
from remediation.playbooks.gate.reading import text_of
from remediation.playbooks.gate.roles import BACKOUT, HANDLERS, MAIN, Role
from remediation.playbooks.gate.shapes import Finding
from remediation.playbooks.gate.tasks import PURGE, Task

RULE = "quarantine"
MEND = (
    "Move the files aside first, by a task over the same loop (ansible.builtin.file with state: hard and a dest in a "
    f"folder of its own); or say in a comment above the task why not: {PURGE} <why>."
)
COLLIDE = (
    "Keep them by ansible.builtin.file with state: hard, which stops at a name that is taken; or look into one folder."
)


def findings(role: Role) -> Iterator[Finding]:
    """Deletions without a quarantine before them."""
    for file in (MAIN, BACKOUT, HANDLERS):
        own = _put_by_main(role) if file == BACKOUT else frozenset()
        before: list[Task] = []
        for task in role.played(file):
            if _may_collide(role, task):
                text = "Files of one name in several folders are copied to one place; only the last of them is kept."
                yield Finding(task.file, task.line, RULE, text, COLLIDE)
            if deletes(task) and not (_says_why(task) or _is_aside(role, task, before) or _is_own(role, task, own)):
                yield Finding(task.file, task.line, RULE, "What this task deletes was not moved aside before.", MEND)
            before.append(task)


def _says_why(task: Task) -> bool:
    return any(line.removeprefix(PURGE).strip() for line in task.comments if line.startswith(PURGE))


def _is_aside(role: Role, task: Task, before: list[Task]) -> bool:
    """Whether one of the tasks before keeps exactly this in another place."""
    path = text_of(task.argument("path", "dest"))
    return any(
        _keeps(other)
        and other.file == task.file
        and set(other.within) <= set(task.within)
        and text_of(other.argument("src")) == path
        and _sources(role, other) == destinations(role, task)
        and not _lies_below(destinations(role, other), destinations(role, task))
        and _same(task, other, "loop", "when")
        for other in before
    )


def _may_collide(role: Role, task: Task) -> bool:
    """Whether what `find` found in more than one folder is copied under base names."""
    loop = set(re.findall(r"[a-z_][a-z0-9_]*", task.text("loop")))
    finds = [setter for name in loop for setter in role.setters(name) if setter.module == "find"]
    return (
        task.module == "copy"
        and any(path.endswith(NAME) for path in destinations(role, task))
        and any(find.is_on("recurse") or len(roots_of(role, find)) > 1 for find in finds)
    )


def _lies_below(paths: tuple[str, ...], folders: tuple[str, ...]) -> bool:
    return any(f"{path}/".startswith(f"{folder}/") for path in paths for folder in folders)


def _sources(role: Role, task: Task) -> tuple[str, ...]:
    source = task.argument("src")
    return texts_of(role, task, source) if source else ()


def _keeps(task: Task) -> bool:
    """Whether a task keeps what it names elsewhere, and stops the run when it cannot."""
    if task.may_fail or "failed_when" in task.node.items or task.is_off("force"):
        return False
    return (task.module == "copy" and task.is_on("remote_src")) or (
        task.module == "file" and task.says("state", "hard")
    )


def _same(task: Task, other: Task, *keys: str) -> bool:
    return all(_spelled(task, key) == _spelled(other, key) for key in keys)


def _spelled(task: Task, key: str) -> str:
    """A value without its place, to compare by."""
    node = task.node.items.get(key)
    return text_of(node) or (repr(tuple(each.text for each in scalars_of(node))) if node else "")


def _is_own(role: Role, task: Task, own: frozenset[str]) -> bool:
    paths = destinations(role, task)
    return bool(paths) and all(path in own for path in paths)


def _put_by_main(role: Role) -> frozenset[str]:
    """Files that the role itself writes whole. Not folders, nor what it leaves as it is: others have put that there."""
    makers = [
        task
        for task in role.played(MAIN)
        if (task.module in {"copy", "template"} and not task.is_off("force")) or task.says("state", "link")
    ]
    return frozenset(path for task in makers for path in destinations(role, task) if not HOLES & set(path))
