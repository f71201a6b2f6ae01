"""The patch scope: whether what a task touches lies inside, and whether the scope itself is one."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from remediation.playbooks.gate import modules, reading
from remediation.playbooks.gate.evaluating import BELOW, HOLE, HOLES, NAME, texts_of
from remediation.playbooks.gate.reading import Node, Scalar
from remediation.playbooks.gate.roles import Role
from remediation.playbooks.gate.shapes import Finding, Scope
from remediation.playbooks.gate.tasks import Task

RULE = "scope"
PLACE = "scope"
"""Stands for a file in findings about the scope itself."""
PATH = re.compile(r"/[A-Za-z0-9._@%+,:=/-]*")
UNIT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9:_.@+-]*[A-Za-z0-9+@])?")
SUFFIX = re.compile(r"\.(?:service)$")
NOBODYS = (
    "/boot", "/dev", "/etc/gshadow", "/etc/gshadow-", "/etc/ld.so.preload", "/etc/pam.d", "/etc/security/opasswd",
    "/etc/shadow", "/etc/shadow-", "/etc/sudoers", "/etc/sudoers.d", "/proc", "/root/.ssh", "/sys",
    "/var/backups/gshadow.bak", "/var/backups/shadow.bak",
)  # fmt: skip
"""What no role may touch: passwords, who becomes root, the kernel's own files."""
TAKES_THE_HOST = re.compile(
    r"(?:reboot|soft-reboot|poweroff|halt|kexec|exit|shutdown|rescue|emergency|default|multi-user|graphical|initrd|umount|final|"
    r"sleep|suspend|hibernate|hybrid-sleep|suspend-then-hibernate|ctrl-alt-del|runlevel[0-6])\.target|"
    r"systemd-(?:reboot|soft-reboot|poweroff|halt|kexec|suspend|hibernate|hybrid-sleep|suspend-then-hibernate)|-\.mount"
)
"""Units whose start or stop takes the host away."""
OF_MODULES = {"user": "/etc/passwd", "group": "/etc/group", "hostname": "/etc/hostname"}
"""Files that these modules change without naming them, and that nothing else may change."""
SHALLOWEST = 2


def of_scope(scope: Scope) -> Iterator[Finding]:
    """A scope names places, not the whole system."""
    for path in scope.paths:
        if not is_plain_path(path):
            yield _scope(f"{path!r} is not an absolute path without . and ..", "Write the path out.")
        elif len([part for part in path.split("/") if part]) < SHALLOWEST:
            yield _scope(f"{path} is too wide for a scope.", "Name the folders below it that the role changes.")
        elif _is_nobodys(path):
            yield _scope(
                f"{path} may be in no scope.", "Accounts, rights and the kernel's files are changed by people."
            )
    for name in (*scope.services, *scope.packages):
        if not UNIT.fullmatch(name) or "*" in name:
            yield _scope(f"{name!r} is no name of a service or a package.", "Write one name.")
        elif TAKES_THE_HOST.fullmatch(SUFFIX.sub("", name)):
            yield _scope(f"{name} takes the host away.", "Leave it to people; that is an operation of its own.")


def _scope(text: str, mend: str) -> Finding:
    return Finding(PLACE, 1, RULE, text, mend)


def is_plain_path(path: str) -> bool:
    """Absolute, in plain characters, and written in its shortest way."""
    return (
        bool(PATH.fullmatch(path))
        and posixpath.normpath(path) == (path.rstrip("/") or "/")
        and not path.startswith("//")
    )


def _is_nobodys(path: str) -> bool:
    return any(_lies_in(path, other) for other in NOBODYS) or "/.ssh" in path


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def is_inside(path: str, scope: Scope) -> bool:
    """Whether a path, possibly with holes, lies in the scope whatever the host says."""
    return HOLE not in path and any(_lies_in(path, folder) for folder in scope.paths)


def findings(role: Role, task: Task, scope: Scope) -> Iterator[Finding]:
    """What a task touches outside the scope."""
    module = modules.MODULES.get(task.module)
    for key, node in task.arguments.items.items() if module else ():
        kind = module.arguments.get(key) if module else None
        if kind in {"path", "paths"}:
            yield from _paths(role, task, key, node, scope)
        elif kind == "seen" and "search_regex" not in task.arguments.items:
            yield from _seen(role, task, key, node)
        elif kind == "seen":
            yield from _paths(role, task, key, node, scope)
        elif kind == "service":
            yield from _names(role, task, key, node, scope.services)
        elif kind == "package":
            yield from _names(role, task, key, node, scope.packages)
    if task.module in {*OF_MODULES, "cron", "iptables"}:
        yield from _accounts(task, scope)
    if task.module == "user":
        yield from _home(task)


def _paths(role: Role, task: Task, key: str, node: Node, scope: Scope) -> Iterator[Finding]:
    for path, line in written_paths(role, task, node):
        yield from _readable(task, key, path, line) if not _is_readable(path) else _in_scope(task, path, line, scope)


def _in_scope(task: Task, path: str, line: int, scope: Scope) -> Iterator[Finding]:
    if _is_nobodys(path) or path in OF_MODULES.values():
        yield Finding(task.file, line, RULE, f"{shown(path)} is nothing that a role may touch.", "Leave it to people.")
    elif not is_inside(path, scope):
        within = ", ".join(scope.paths) or "no path at all"
        text = f"{shown(path)} lies outside the patch scope ({within})."
        yield Finding(task.file, line, RULE, text, "Stay inside the scope, or have the scope widened and reviewed.")


def _seen(role: Role, task: Task, key: str, node: Node) -> Iterator[Finding]:
    for path, line in written_paths(role, task, node):
        if not _is_readable(path):
            yield from _readable(task, key, path, line)


def _is_readable(path: str) -> bool:
    """Whether the role's own text says what path this is."""
    plain = path.replace(NAME, "x").replace(BELOW, "x")
    return HOLE not in path and is_plain_path(plain)


def _readable(task: Task, key: str, path: str, line: int) -> Iterator[Finding]:
    if HOLE in path:
        text = f"What {key} names cannot be read from the role: {shown(path)}."
        mend = "Write an absolute path, or a variable of defaults/main.yml that is one."
    else:
        text = f"{shown(path)} is not an absolute path without . and .. in plain characters."
        mend = "Write the path out, from / on."
    yield Finding(task.file, line, "path", text, mend)


def written_paths(role: Role, task: Task, node: Node | None) -> Iterator[tuple[str, int]]:
    """Every path that a value can become, and its line."""
    for each in node.items if isinstance(node, reading.Sequence) else (node,):
        if isinstance(each, Scalar):
            yield from ((path, each.line) for path in texts_of(role, task, each))


def shown(path: str) -> str:
    """A path with holes, for people."""
    for hole in HOLES:
        path = path.replace(hole, "…")
    return path or "an empty text"


def _names(role: Role, task: Task, key: str, node: Node, allowed: tuple[str, ...]) -> Iterator[Finding]:
    """Services and packages by name."""
    known = {SUFFIX.sub("", name) for name in allowed}
    for name, line in touched_names(role, task, node):
        if not UNIT.fullmatch(name):
            text = f"What {key} names cannot be read from the role, or is no plain name: {shown(name)}."
            yield Finding(task.file, line, RULE, text, "Write the name out; no wildcard, no address, no file.")
        elif name not in known:
            within = ", ".join(allowed) or "none"
            text = f"{name} lies outside the patch scope ({within})."
            yield Finding(task.file, line, RULE, text, "Stay inside the scope, or have the scope widened and reviewed.")


def touched_names(role: Role, task: Task, node: Node | None) -> Iterator[tuple[str, int]]:
    """Names of services or packages that a value can become, without version and suffix, and their line."""
    for each in node.items if isinstance(node, reading.Sequence) else (node,):
        for text in texts_of(role, task, each) if isinstance(each, Scalar) else ():
            for name in text.split(","):
                yield SUFFIX.sub("", name.strip().partition("=")[0]), each.line if each else task.line


def _home(task: Task) -> Iterator[Finding]:
    """The files of an account, where the task does not say which they are."""
    if task.is_on("remove"):
        text = "This takes the account's home and mail away, wherever they are."
        mend = "Leave remove out; move the home aside by tasks of their own."
        yield Finding(task.file, task.line_of("remove"), RULE, text, mend)
    makes_one = not task.says("state", "absent") and not task.is_off("create_home")
    if makes_one and "home" not in task.arguments.items:
        text = "This makes a home for the account that the role does not name."
        yield Finding(task.file, task.line, RULE, text, "Give home inside the scope, or create_home: false.")


def _accounts(task: Task, scope: Scope) -> Iterator[Finding]:
    """Modules that touch a file without naming it: the file has to be in the scope."""
    if task.module == "iptables":
        place, is_in = "the service iptables", "iptables" in {SUFFIX.sub("", name) for name in scope.services}
    else:
        cron = task.argument("cron_file")
        path = OF_MODULES.get(task.module) or (f"/etc/cron.d/{cron.text}" if cron else "/var/spool/cron")
        place, is_in = path, is_inside(path, scope)
    if not is_in:
        text = f"The task changes {place}, which lies outside the patch scope."
        yield Finding(task.file, task.line, RULE, text, f"Have {place} added to the scope, or leave the task out.")
