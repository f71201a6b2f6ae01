"""What can be seen without running a role: it would not converge, or would not do what it says.

Handlers that do not exist, lies about change, what changes on every run, lines where they have no effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from remediation.playbooks.gate import destruction, reading
from remediation.playbooks.gate.lexing import NotReadable
from remediation.playbooks.gate.modules import MODULES
from remediation.playbooks.gate.reading import Scalar
from remediation.playbooks.gate.roles import HANDLERS, MAGIC, Role, texts
from remediation.playbooks.gate.shapes import Finding
from remediation.playbooks.gate.tasks import Task
from remediation.playbooks.gate.templates import names_of, parse_bare

ORDERED = {
    "/etc/logrotate.conf": (
        re.compile(
            r"\s*(?:maxage|maxsize|minsize|size|rotate|compress|delaycompress|dateext|create|daily|weekly|monthly)\b"
        ),
        "lands behind the line `include /etc/logrotate.d` and has no effect on the files that it includes",
        "Add insertbefore: BOF, so that the setting stands before the include.",
    ),
    "/etc/ssh/sshd_config": (
        re.compile(r"\s*[A-Za-z]"),
        "lands at the end, inside the last Match block if there is one; and of two settings the first counts",
        "Add insertbefore: BOF, or write a file of its own in /etc/ssh/sshd_config.d.",
    ),
    "/etc/hosts.allow": (re.compile(r"."), "lands behind rules that match before it", "Add insertbefore: BOF."),
}
"""Files where the end is the wrong place: which lines, why, and what to write instead."""


def findings(role: Role) -> Iterator[Finding]:
    """Everything that would not converge, or would not do what it says."""
    for task in role.all_tasks:
        yield from _notified(role, task)
        yield from _told(role, task)
        yield from _restarts(role, task)
        yield from _fetches(task)
        yield from _appends(role, task)
    yield from _named_twice(role)


def _notified(role: Role, task: Task) -> Iterator[Finding]:
    node = task.node.items.get("notify")
    if node is None:
        return
    for name in texts(node):
        if name not in role.handlers:
            there = ", ".join(sorted(role.handlers)) or f"{HANDLERS} has none"
            text = (
                f"The handler {name!r} does not exist, so nothing happens when this task changes something ({there})."
            )
            yield Finding(task.file, node.line, "handler", text, f"Write it in {HANDLERS} under exactly this name.")


def _named_twice(role: Role) -> Iterator[Finding]:
    """Of two handlers with one name Ansible runs the last one."""
    seen: set[str] = set()
    for task in role.tasks.get(HANDLERS, ()):
        if task.name and task.name in seen:
            text = f"Two handlers have the name {task.name!r}; only one of them runs."
            yield Finding(task.file, task.line, "handler", text, "Give each a name of its own, and let both listen.")
        seen.add(task.name)


def _told(role: Role, task: Task) -> Iterator[Finding]:
    """`changed_when` and `failed_when` say the truth, or nothing."""
    node = task.node.items.get("changed_when")
    module = MODULES.get(task.module)
    if node is not None and module and not module.only_reads and task.module != "command":
        text = f"changed_when overrules what {task.module} itself says about change."
        yield Finding(task.file, task.node.lines["changed_when"], "converge", text, "Leave changed_when out.")
    elif node is not None and task.module == "command" and is_fixed(role, node):
        text = "changed_when always says the same, whatever the command does."
        yield Finding(task.file, task.node.lines["changed_when"], "converge", text, "Read what the command registered.")
    elif node is not None and module and module.only_reads and not _is_false(node):
        text = f"{task.module} only reads, and is said to change something."
        yield Finding(task.file, task.node.lines["changed_when"], "converge", text, "Leave changed_when out.")
    node = task.node.items.get("failed_when")
    if node is not None and is_fixed(role, node):
        text = "failed_when always says the same; a failure would not count."
        yield Finding(task.file, task.node.lines["failed_when"], "key", text, "Say which answer is a failure.")


def _is_false(node: reading.Node) -> bool:
    return isinstance(node, Scalar) and node.value is False


def is_fixed(role: Role, node: reading.Node) -> bool:
    """Whether nothing that a task or the host says has a say in a condition."""
    ours = role.defaults.keys() | (MAGIC - {"ansible_facts"})
    for each in node.items if isinstance(node, reading.Sequence) else (node,):
        try:
            if isinstance(each, Scalar) and names_of(parse_bare(each.text)) - ours:
                return False
        except NotReadable:
            return False
    return True


def _restarts(role: Role, task: Task) -> Iterator[Finding]:
    """A restart belongs in a handler; as a task it happens on every run that its condition does not leave out."""
    when = task.node.items.get("when")
    is_left_out = when is not None and not is_fixed(role, when)
    restarts = task.says("state", "restarted", "reloaded") or task.is_on("daemon_reload")
    if (
        task.file != HANDLERS
        and restarts
        and not is_left_out
        and task.module in {"systemd", "systemd_service", "service"}
    ):
        text = "This restarts or reloads on every run, so that the role never converges."
        yield Finding(task.file, task.line_of("state"), "converge", text, f"Move it to {HANDLERS} and notify it.")


def _fetches(task: Task) -> Iterator[Finding]:
    """A list of packages that is fetched by itself is another one on every run."""
    if (
        task.module == "apt"
        and task.is_on("update_cache")
        and not {"name", "pkg", "cache_valid_time"} & task.arguments.items.keys()
    ):
        text = "This fetches the list of packages on every run, and says that it changed."
        yield Finding(task.file, task.line_of("update_cache"), "converge", text, "Add cache_valid_time: 3600.")


def _appends(role: Role, task: Task) -> Iterator[Finding]:
    """Lines that are added where they have no effect, or anew with every new value."""
    if task.module not in {"lineinfile", "blockinfile"} or task.says("state", "absent"):
        return
    line = task.argument("line", "block")
    if task.module == "lineinfile":
        if line is None:
            yield Finding(task.file, task.line, "argument", "lineinfile has no line.", "Add line.")
        elif "{{" in line.text and not {"regexp", "search_string"} & task.arguments.items.keys():
            text = "A line that a variable changes is added anew with every value; the old one stays."
            yield Finding(task.file, line.line, "converge", text, "Add regexp, so that the line is replaced.")
        else:
            yield from _own_pattern(task, line)
    if line is not None and not {"insertbefore", "insertafter"} & task.arguments.items.keys():
        for path in destruction.destinations(role, task):
            lines, why, mend = ORDERED.get(path, (None, "", ""))
            if lines and any(map(lines.match, line.text.split("\n"))):
                yield Finding(task.file, line.line, "converge", f"A new line in {path} {why}.", mend)


def _own_pattern(task: Task, line: Scalar) -> Iterator[Finding]:
    """A pattern that does not match the line it puts there adds one with the next value."""
    pattern = task.argument("regexp")
    if pattern is None or "{" in pattern.text or "{" in line.text or task.is_on("backrefs"):
        return
    if not destruction.is_quick(pattern.text):
        return
    try:
        re.compile(pattern.text)
    except (re.error, RecursionError, OverflowError):
        yield Finding(task.file, pattern.line, "argument", "regexp is no regular expression.", "Mend it.")
        return
    if not destruction.finds(pattern.text, line.text):
        text = "regexp does not match the line that the task writes; later values are added beside it."
        yield Finding(task.file, pattern.line, "converge", text, "Let regexp match the old line and the new one.")
