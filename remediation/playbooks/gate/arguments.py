"""Arguments of a module: known, given once, of the right kind, written out where they decide what happens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from remediation.playbooks.gate import commands
from remediation.playbooks.gate.evaluating import texts_of
from remediation.playbooks.gate.modules import ALIASES, MODULES, Kind, Module
from remediation.playbooks.gate.reading import Mapping, Node, Scalar, Sequence, scalars, text_of
from remediation.playbooks.gate.roles import HANDLERS, IMPORTS, Role, imported
from remediation.playbooks.gate.shapes import Finding
from remediation.playbooks.gate.tasks import Task, module_key

RULE = "argument"
MODE = re.compile(r"[0-7]{4}|preserve|\{\{ [a-z_]+\.mode \}\}")
OCTAL = re.compile(r"[0-7]{4}|preserve")
TEMPLATE = re.compile(r"[a-z0-9][a-z0-9_.-]*\.j2")
MARKER = re.compile(r"(?:#|;|//|--|!|\") ?\{mark\} [A-Za-z0-9_ .-]{2,60}")
FILE = re.compile(r"[a-z0-9_]+\.yml")
ACCOUNT = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
CRON_FILE = re.compile(r"[A-Za-z0-9_-]+")
CLOCK = re.compile(r"[A-Za-z0-9*/,-]+")
VARIABLE = re.compile(r"[a-z][a-z0-9_]*")
Complaint = tuple[str, str] | None
"""What is wrong with a value, and the mend."""


def findings(role: Role, task: Task) -> Iterator[Finding]:
    """What is wrong with the arguments of one task."""
    known = MODULES.get(task.module)
    if known is None or not task.module:
        return
    given = task.node.items[module_key(task.node)]
    if task.module == "meta":
        yield from _meta(task, given)
    elif task.module in IMPORTS:
        yield from _import(role, task, given)
    elif isinstance(given, Mapping):
        yield from _facts(task) if known.is_free else _mapping(role, task, known)
    elif not (isinstance(given, Scalar) and given.value is None and not known.required):
        text = f"The arguments of {task.module} are one text."
        yield Finding(task.file, given.line, RULE, text, "Write each argument on a line of its own, below the module.")


def _meta(task: Task, given: Node) -> Iterator[Finding]:
    if text_of(given) != "flush_handlers":
        text = "ansible.builtin.meta steers the run, which is ours to say."
        yield Finding(task.file, given.line, RULE, text, "Use flush_handlers, or leave the task out.")


def _import(role: Role, task: Task, given: Node) -> Iterator[Finding]:
    name = text_of(given) or text_of(task.argument("file"))
    if not FILE.fullmatch(name) or len(task.arguments.items) > 1:
        text = "What is imported is not one file of tasks/ by its plain name."
        yield Finding(task.file, given.line, "import", text, "Name a file in tasks/ of this role, as limits.yml.")
    elif imported(task) not in role.files:
        text = f"{imported(task)} does not exist."
        yield Finding(task.file, given.line, "import", text, "Write the file, or leave the task out.")
    elif task.file == HANDLERS:
        text = "A handler brings in other tasks; Ansible looks for them beside the handlers."
        yield Finding(task.file, given.line, "import", text, f"Write them in {HANDLERS}.")
    elif task.file in {each.file for each in role.played(imported(task))} or imported(task) in map(
        imported, role.played(imported(task))
    ):
        text = f"{imported(task)} imports back."
        yield Finding(task.file, given.line, "import", text, "Let imports go one way.")
    for key in ("loop", "register", "until", "notify", "vars"):
        if key in task.node.items:
            yield Finding(
                task.file, task.node.lines[key], "import", f"An import takes no {key}.", "Put it at the tasks."
            )


def _facts(task: Task) -> Iterator[Finding]:
    """`set_fact` takes any name of our own."""
    for name, line in task.arguments.lines.items():
        if not VARIABLE.fullmatch(name) or name.startswith("ansible_") or name == "cacheable":
            yield Finding(
                task.file, line, RULE, f"set_fact may not set {name}.", "Use a name that begins with the role's."
            )


def _mapping(role: Role, task: Task, known: Module) -> Iterator[Finding]:
    given = task.arguments.items
    for key, node in given.items():
        if key not in known.arguments:
            text = f"The argument {key} of {task.module} is not on the list."
            yield Finding(
                task.file,
                task.arguments.lines[key],
                RULE,
                text,
                f"Use: {', '.join(sorted(known.arguments)) or 'none'}.",
            )
            continue
        kind = known.arguments[key]
        for each in node.items if kind == "argv" and isinstance(node, Sequence) and node.items else (node,):
            why = _complaint(role, task, each, "word" if each is not node else kind)
            if why:
                yield Finding(task.file, each.line, RULE, f"The argument {key} of {task.module} {why[0]}.", why[1])
    for key in known.required:
        if key not in given and ALIASES.get(key) not in given and not (key == "paths" and "path" in given):
            text = f"{task.module} has no {key}."
            yield Finding(task.file, task.node.lines[module_key(task.node)], RULE, text, f"Add {key}.")
    for key in given:
        if ALIASES.get(key) in given and key < ALIASES[key]:
            text = f"{key} and {ALIASES[key]} are the same argument."
            yield Finding(task.file, task.arguments.lines[key], RULE, text, "Keep one of them.")
    yield from _together(task)


def _complaint(role: Role, task: Task, node: Node, kind: Kind) -> Complaint:
    """Why a value is not of its kind."""
    if isinstance(kind, tuple):
        return _choice(node, kind)
    if kind == "template":
        return _template(role, node)
    if kind == "mode":
        return _mode(role, task, node)
    return KINDS[kind](node) if kind in KINDS else None


def _together(task: Task) -> Iterator[Finding]:
    """Arguments that only make sense with others."""
    given, line = task.arguments.items, task.node.lines[module_key(task.node)]
    if task.module == "copy":
        if ("content" in given) == ("src" in given):
            text = "copy has both content and src, or neither."
            yield Finding(task.file, line, RULE, text, "Give content, or src with remote_src: true.")
        elif "src" in given and not task.is_on("remote_src"):
            text = "copy takes a file of the controller."
            yield Finding(
                task.file,
                task.arguments.lines["src"],
                RULE,
                text,
                "Give content, use a template, or set remote_src: true.",
            )
    if (
        task.module == "file"
        and task.says("state", "touch")
        and not {"access_time", "modification_time"} <= given.keys()
    ):
        text = "A touched file changes on every run, so that the role never converges."
        yield Finding(
            task.file, task.arguments.lines["state"], "converge", text, "Write the file with ansible.builtin.copy."
        )
    if task.module == "file" and ("src" in given) != task.says("state", "link", "hard"):
        yield Finding(
            task.file, line, RULE, "src belongs to state link or hard, and they need it.", "Give both or neither."
        )


def _choice(node: Node, words: tuple[str, ...]) -> Complaint:
    if text_of(node) in words:
        return None
    return "is none of its words, written out", f"Write one of: {', '.join(words)}."


def _text(node: Node) -> Complaint:
    return None if isinstance(node, Scalar) else ("is not one text", "Write one text or number.")


def _word(node: Node) -> Complaint:
    if isinstance(node, Scalar) and "{{" not in node.text and "{%" not in node.text and "\n" not in node.text:
        return None
    return "is not written out", "Write one text on one line, without a template."


def _account(node: Node) -> Complaint:
    if ACCOUNT.fullmatch(text_of(node)):
        return None
    return "is no name of an account", "Write the name out: letters, digits, _, - and dots."


def _file(node: Node) -> Complaint:
    if CRON_FILE.fullmatch(text_of(node)):
        return None
    return "is no plain name of a file", "Write letters, digits, _ and -; cron reads no other names in /etc/cron.d."


def _clock(node: Node) -> Complaint:
    if CLOCK.fullmatch(text_of(node)):
        return None
    return "is not one field of a crontab", 'Write digits, *, /, - and commas, as "*/5".'


def _bool(node: Node) -> Complaint:
    if isinstance(node, Scalar) and isinstance(node.value, bool):
        return None
    return "is neither true nor false", "Write true or false; what it decides has to be readable here."


def _number(node: Node) -> Complaint:
    is_number = isinstance(node, Scalar) and isinstance(node.value, int) and not isinstance(node.value, bool)
    return None if is_number else ("is not a number", "Write the number out.")


def _mode(role: Role, task: Task, node: Node) -> Complaint:
    """A mode is written out, or that of a file that was found."""
    is_spelled = isinstance(node, Scalar) and isinstance(node.value, str) and MODE.fullmatch(node.text)
    if is_spelled and all(OCTAL.fullmatch(text) for each in scalars(node) for text in texts_of(role, task, each)):
        return None
    return "is not four octal digits in quotes", 'Write it as "0644", or the one that was found.'


def _listed(node: Node) -> Complaint:
    """One text, or a list of texts."""
    each = node.items if isinstance(node, Sequence) else (node,)
    return None if all(isinstance(item, Scalar) for item in each) else ("is no list of texts", "Write a list of texts.")


def _template(role: Role, node: Node) -> Complaint:
    name = text_of(node)
    if not TEMPLATE.fullmatch(name):
        return "is not the plain name of a file in templates/", "Name a file in templates/ that ends in .j2."
    if f"templates/{name}" not in role.files:
        return f"names {name}, which does not exist", f"Write templates/{name}."
    return None


def _argv(_: Node) -> Complaint:
    return "is not a list", "Write the program and each of its arguments as an item."


def _marker(node: Node) -> Complaint:
    if MARKER.fullmatch(text_of(node)):
        return None
    return "is not a comment with {mark} and a word", 'Write it as "# {mark} name of the role".'


def _job(node: Node) -> Complaint:
    return commands.no_job(text_of(node))


def _validator(node: Node) -> Complaint:
    return commands.no_validator(text_of(node))


KINDS: dict[str, Callable[[Node], Complaint]] = {
    "account": _account,
    "argv": _argv,
    "bare": _listed,
    "bool": _bool,
    "clock": _clock,
    "file": _file,
    "job": _job,
    "marker": _marker,
    "names": _listed,
    "number": _number,
    "package": _listed,
    "path": _text,
    "paths": _listed,
    "regex": _text,
    "seen": _text,
    "service": _text,
    "text": _text,
    "validator": _validator,
    "word": _word,
}
