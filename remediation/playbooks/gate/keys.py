"""Keys of a task: which may stand there, which may not and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator

from remediation.playbooks.gate import modules
from remediation.playbooks.gate.reading import Mapping, Node, Scalar, Sequence, text_of
from remediation.playbooks.gate.shapes import Finding
from remediation.playbooks.gate.tasks import BLOCKS, LOOKS_LIKE_A_MODULE, PREFIX, TASK_KEYS, Task, module_key

RULE = "key"
BLOCK_KEYS = frozenset({"name", "when", "become", "vars", "tags", *BLOCKS})
LOOP_CONTROL = frozenset({"loop_var", "index_var", "label"})
NUMBERS = {"retries": 60, "delay": 60, "timeout": 600}
NAME = re.compile(r"^[a-z][a-z0-9_]*$")
KEYS = {
    "delegate_to": ("The task would run on another host.", "Leave delegate_to out; the role acts on its own host."),
    "delegate_facts": ("Facts would go to another host.", "Leave delegate_facts out."),
    "local_action": ("The task would run on the controller.", "Name the module; the role acts on its own host."),
    "action": ("The module is named indirectly.", "Use the module's full name as key."),
    "check_mode": ("The task would change the host while it is only checked, or never.", "Leave check_mode out."),
    "diff": ("The proof would not show what the task changes.", "Leave diff out."),
    "run_once": ("Only one host would get the task, the others its result.", "Leave run_once out."),
    "become_user": ("The task would act as another user.", "Leave become_user out; set owner and group of files."),
    "become_method": ("How to become root is ours to say.", "Leave become_method out."),
    "become_flags": ("How to become root is ours to say.", "Leave become_flags out."),
    "become_exe": ("How to become root is ours to say.", "Leave become_exe out."),
    "connection": ("How to reach the host is ours to say.", "Leave connection out."),
    "remote_user": ("How to reach the host is ours to say.", "Leave remote_user out."),
    "port": ("How to reach the host is ours to say.", "Leave port out."),
    "hosts": ("This is a play; we write the play.", "Write tasks only."),
    "vars_files": ("Variables would be read from the controller.", "Write the values into defaults/main.yml."),
    "module_defaults": ("Arguments would come from elsewhere.", "Write every argument under its module."),
    "collections": ("Modules would be looked for elsewhere.", "Write modules with their full name."),
    "environment": ("Programs would run in another environment.", "Leave environment out."),
    "args": ("Arguments would stand in two places.", "Write every argument under its module."),
    "async": ("The task would go on by itself.", "Leave async out."),
    "poll": ("The task would go on by itself.", "Leave poll out."),
    "ignore_errors": (
        "A failure would not count.",
        "Leave ignore_errors out, or say with failed_when what a failure is.",
    ),
    "ignore_unreachable": ("A lost host would not count.", "Leave ignore_unreachable out."),
    "any_errors_fatal": ("How a run stops is ours to say.", "Leave any_errors_fatal out."),
    "max_fail_percentage": ("How a run stops is ours to say.", "Leave max_fail_percentage out."),
    "throttle": ("How many hosts run at once is ours to say.", "Leave throttle out."),
    "serial": ("How many hosts run at once is ours to say.", "Leave serial out."),
    "debugger": ("The run would wait for a person.", "Leave debugger out."),
    "no_log": ("The proof would not show what the task does.", "Leave no_log out; a role holds no secret."),
    "include": ("It brings in other tasks indirectly.", "Use ansible.builtin.import_tasks with a file of this role."),
}


def findings(task: Task) -> Iterator[Finding]:
    """What is wrong with the keys of one task."""
    for key in task.node.items:
        if key not in TASK_KEYS and key != module_key(task.node):
            yield _refused(task, key)
    if "block" in task.node.items:
        yield from _block(task)
    elif not task.module:
        yield Finding(task.file, task.line, RULE, "The task names no module.", f"Name one, as {PREFIX}file.")
    else:
        yield from _module(task)
    yield from _name(task)
    yield from _values(task)


def _refused(task: Task, key: str) -> Finding:
    line = task.node.lines[key]
    if key.startswith("with_"):
        return Finding(task.file, line, RULE, f"{key} is a lookup on the controller.", "Use loop with a list.")
    if LOOKS_LIKE_A_MODULE.match(key):
        return Finding(task.file, line, "module", f"The task names a second module, {key}.", "One module in a task.")
    if key in modules.MODULES or key in modules.REFUSED:
        why = modules.REFUSED.get(key)
        text = f"{key} {why}." if why else f"{key} is a short name; what it means depends on the controller."
        return Finding(task.file, line, "module", text, modules.INSTEAD.get(key, f"Write {PREFIX}{key}."))
    text, mend = KEYS.get(key, (f"The key {key!r} is not on the list of keys.", "Leave it out."))
    return Finding(task.file, line, RULE, f"{key}: {text}" if key in KEYS else text, mend)


def _block(task: Task) -> Iterator[Finding]:
    for key in task.node.items:
        if key in TASK_KEYS and key not in BLOCK_KEYS:
            yield Finding(task.file, task.node.lines[key], RULE, f"A block takes no {key}.", "Put it at each task.")
    for part in BLOCKS:
        node = task.node.items.get(part)
        if node is not None:
            yield from list_of_tasks(task.file, node)


def list_of_tasks(file: str, node: Node | None) -> Iterator[Finding]:
    """Tasks are a list of mappings."""
    if not isinstance(node, Sequence):
        yield Finding(
            file, node.line if node else 1, "yaml", "Here should stand a list of tasks.", "Begin each task with a dash."
        )
        return
    for item in node.items:
        if not isinstance(item, Mapping):
            yield Finding(file, item.line, "yaml", "This is no task.", "A task has a name and a module.")


def _module(task: Task) -> Iterator[Finding]:
    """The module is one of ansible.builtin, on the list, and has its arguments as a mapping."""
    key = module_key(task.node)
    line, known = task.node.lines[key], modules.MODULES.get(task.module)
    if not key.startswith(PREFIX):
        text = f"The module {key} is not one of ansible.builtin."
        mend = modules.INSTEAD.get(key, "Use a module of ansible.builtin, with its full name.")
        yield Finding(task.file, line, "module", text, mend)
    elif task.module in modules.REFUSED:
        mend = modules.INSTEAD.get(task.module, "Leave the task out.")
        yield Finding(task.file, line, "module", f"{key} {modules.REFUSED[task.module]}.", mend)
    elif known is None:
        names = ", ".join(sorted(modules.MODULES))
        yield Finding(task.file, line, "module", f"The module {key} is not on the list.", f"Use one of: {names}.")


def _name(task: Task) -> Iterator[Finding]:
    if not task.name.strip():
        yield Finding(task.file, task.line, "name", "The task has no name.", "Say in a sentence what should be.")
    for key in ("register", *(("listen",) if task.file.startswith("tasks/") else ())):
        node = task.node.items.get(key)
        if node is None:
            continue
        if key == "listen":
            yield Finding(task.file, node.line, RULE, "Only handlers listen.", "Move it to handlers/main.yml.")
        elif not NAME.match(text_of(node)) or text_of(node).startswith("ansible_"):
            yield Finding(
                task.file, node.line, RULE, "This is no name of a variable of the role.", "Use lower-case words."
            )


def _values(task: Task) -> Iterator[Finding]:
    """Keys whose values have to be written out."""
    for key, most in NUMBERS.items():
        node = task.node.items.get(key)
        if node is not None and not (
            isinstance(node, Scalar) and isinstance(node.value, int) and 0 <= node.value <= most
        ):
            yield Finding(task.file, node.line, RULE, f"{key} is not a number up to {most}.", "Write a number.")
    become = task.node.items.get("become")
    if become is not None and not (isinstance(become, Scalar) and isinstance(become.value, bool)):
        yield Finding(task.file, become.line, RULE, "become is neither true nor false.", "Write true or false.")
    yield from _loop_control(task)
    yield from _tags(task)
    own = task.node.items.get("vars")
    for name, line in own.lines.items() if isinstance(own, Mapping) else ():
        if not NAME.match(name) or name.startswith("ansible_"):
            yield Finding(task.file, line, RULE, f"{name} is no variable of the role.", "Use lower-case words.")
    if own is not None and not isinstance(own, Mapping):
        yield Finding(task.file, own.line, RULE, "vars is not a mapping.", "Write names with their values.")


def _loop_control(task: Task) -> Iterator[Finding]:
    node = task.node.items.get("loop_control")
    if node is None:
        return
    if not isinstance(node, Mapping) or "loop" not in task.node.items:
        yield Finding(
            task.file, node.line, RULE, "loop_control belongs to a loop.", "Write it as a mapping beside loop."
        )
        return
    for key, value in node.items.items():
        if key not in LOOP_CONTROL:
            yield Finding(task.file, node.lines[key], RULE, f"loop_control takes no {key} here.", "Leave it out.")
        elif key != "label" and (not NAME.match(text_of(value)) or text_of(value).startswith("ansible_")):
            yield Finding(task.file, value.line, RULE, f"{key} is no name of a variable.", "Use lower-case words.")


def _tags(task: Task) -> Iterator[Finding]:
    node = task.node.items.get("tags")
    each = node.items if isinstance(node, Sequence) else (node,) if node is not None else ()
    for tag in each:
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", text_of(tag)) or text_of(tag) in {
            "always",
            "never",
            "all",
            "tagged",
            "untagged",
        }:
            text = "A tag decides whether the task runs at all, or is not a plain word."
            yield Finding(task.file, tag.line, RULE, text, "Leave the tag out; use when.")
