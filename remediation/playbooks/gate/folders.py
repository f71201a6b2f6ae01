"""Where files are written: into folders that are there, and each by one task."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from remediation.playbooks.gate import destruction
from remediation.playbooks.gate.evaluating import HOLE
from remediation.playbooks.gate.places import THERE, USUAL
from remediation.playbooks.gate.reading import text_of
from remediation.playbooks.gate.roles import ENTRIES, Role
from remediation.playbooks.gate.scoping import shown
from remediation.playbooks.gate.shapes import Finding
from remediation.playbooks.gate.tasks import Task

RULE = "folder"


def findings(role: Role) -> Iterator[Finding]:
    """Files for which there may be no folder, in the order of each run."""
    for entry in ENTRIES:
        made: set[str] = set()
        for task in role.played(entry):
            paths = destruction.destinations(role, task)
            if task.module == "file" and task.says("state", "directory"):
                made.update(each for path in paths for each in _with_parents(path))
            elif _writes_a_file(task):
                for path in paths:
                    yield from _of_file(role, task, path, made)
            yield from _of_system(task, paths)


def written_twice(role: Role) -> Iterator[Finding]:
    """A file that one task writes whole and another one changes: each undoes the other, on every run."""
    for entry in ENTRIES:
        whole: dict[str, Task] = {}
        for task in role.played(entry):
            for path in destruction.destinations(role, task):
                first = whole.get(path)
                is_either = first and "when" in first.node.items and "when" in task.node.items
                if first and not is_either and not destruction.deletes(task):
                    text = f"{shown(path)} is written whole by the task in line {first.line}; each undoes the other."
                    yield Finding(task.file, task.line, "converge", text, "Let one task write the file.")
                elif task.module in {"copy", "template"} and not task.is_off("force"):
                    whole[path] = task


def _of_system(task: Task, paths: tuple[str, ...]) -> Iterator[Finding]:
    """Folders that every host has are neither taken away nor written like a file."""
    line = task.line_of("dest" if "dest" in task.arguments.items else "path")
    for path in paths:
        if (path.rstrip("/") or "/") not in THERE:
            continue
        if destruction.deletes(task):
            yield Finding(task.file, line, RULE, f"Every host needs the folder {path}.", "Name what lies in it.")
        elif _writes_a_file(task):
            yield Finding(task.file, line, RULE, f"{path} is a folder.", "Name the file in it.")


def _writes_a_file(task: Task) -> bool:
    return task.module in {"copy", "template"} or (
        task.module == "file" and task.says("state", "hard", "link", "touch")
    )


def _of_file(role: Role, task: Task, path: str, made: set[str]) -> Iterator[Finding]:
    folder = posixpath.dirname(path)
    line = task.line_of("dest" if "dest" in task.arguments.items else "path")
    if _is_there(folder, role) or HOLE in path or not path.startswith("/"):
        return
    if folder not in made:
        text = f"The folder {shown(folder)} may not exist, and nothing before this task makes it."
        mend = f"Add a task before it: ansible.builtin.file with path: {shown(folder)} and state: directory."
        yield Finding(task.file, line, RULE, text, mend)
    elif task.module == "copy" and task.is_on("remote_src"):
        text = f"In the first check {shown(folder)} is not there, and a copy on the host (remote_src) fails."
        mend = "Give it a second name instead: ansible.builtin.file with src, dest and state: hard."
        yield Finding(task.file, line, RULE, text, mend)


def _with_parents(path: str) -> Iterator[str]:
    while len(path) > 1:
        yield path
        path = posixpath.dirname(path)


def _is_there(folder: str, role: Role) -> bool:
    """Whether every host has this folder, or the package of a service has brought it."""
    if folder in THERE:
        return True
    parts = folder.split("/")
    owners = {
        name.partition("@")[0]
        for task in role.all_tasks
        if task.module in {"apt", "dnf", "package", "systemd", "systemd_service", "service"}
        for name in re.findall(r"[a-z0-9][a-z0-9.+@-]*", text_of(task.argument("name", "pkg")))
    }
    if len(parts) not in {3, 4} or parts[1] != "etc":
        return False
    is_own = parts[2] in owners or (len(parts) == 3 and parts[2].removesuffix(".d") in owners)  # noqa: PLR2004 - /etc/x.d
    return is_own and "/".join(parts[3:]) in USUAL
