"""Every text of a role that Ansible would evaluate: names, arguments, conditions, loops, defaults, whole templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from remediation.playbooks.gate import judging, reading
from remediation.playbooks.gate.lexing import NotReadable
from remediation.playbooks.gate.reading import Mapping, Node, Scalar, scalars
from remediation.playbooks.gate.roles import DEFAULTS, MAGIC, META, RESERVED, Role
from remediation.playbooks.gate.shapes import Finding
from remediation.playbooks.gate.tasks import BLOCKS, Task, module_key
from remediation.playbooks.gate.templates import Template, parse, parse_bare

BARE = frozenset({"when", "changed_when", "failed_when", "until"})
BARE_ARGUMENTS = {("assert", "that")}
PLAIN_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. /:@-]*")
Knows = Callable[[str], bool]


def findings(role: Role) -> Iterator[Finding]:
    """What is wrong with any text that is evaluated."""
    for task in role.all_tasks:
        yield from _task(role, task)
    yield from _defaults(role)
    yield from _never_evaluated(role)
    for path, text in role.files.items():
        if path.startswith("templates/"):
            yield from _template(role, path, text)


def _task(role: Role, task: Task) -> Iterator[Finding]:
    known, result = role.knows(task), task.text("register")
    for key, node in task.node.items.items():
        if key in BLOCKS:
            continue
        if key in BARE:
            told = known if key == "when" else lambda name: name == result or known(name)
            yield from _bare(task.file, node, told)
        elif key == module_key(task.node) and isinstance(node, Mapping):
            for name, value in node.items.items():
                is_bare = (task.module, name) in BARE_ARGUMENTS
                yield from (_bare if is_bare else _texts)(task.file, value, known)
        else:
            yield from _texts(task.file, node, known)


def _bare(file: str, node: Node, known: Knows) -> Iterator[Finding]:
    """Conditions: a text or a list of texts, each an expression by itself."""
    for each in node.items if isinstance(node, reading.Sequence) else (node,):
        if not isinstance(each, Scalar):
            yield Finding(file, each.line, "template", "A condition is not a text.", "Write an expression.")
        elif each.text.strip():
            yield from _scalar(file, each, known, parse_bare)


def _texts(file: str, node: Node, known: Knows) -> Iterator[Finding]:
    for each in scalars(node):
        if "{" in each.text:
            yield from _scalar(file, each, known, parse)
    yield from _keys(file, node)


def _keys(file: str, node: Node) -> Iterator[Finding]:
    """Keys of tables are plain words."""
    if isinstance(node, Mapping):
        for key, line in node.lines.items():
            if not PLAIN_KEY.fullmatch(key) or "__" in key:
                yield Finding(file, line, "key", f"The key {key!r} is not a plain word.", "Use letters, digits and _.")
        for item in node.items.values():
            yield from _keys(file, item)
    elif isinstance(node, reading.Sequence):
        for item in node.items:
            yield from _keys(file, item)


def _scalar(file: str, scalar: Scalar, known: Knows, read: Callable[[str], Template]) -> Iterator[Finding]:
    try:
        template = read(scalar.text)
        objections = (*_own_names(template), *judging.judge(template, known))
        yield from (_finding(file, scalar, each) for each in objections)
    except NotReadable as error:
        yield Finding(file, scalar.line_at(error.offset), "template", error.text, error.mend)


def _finding(file: str, scalar: Scalar, objection: judging.Objection) -> Finding:
    return Finding(file, scalar.line_at(objection.offset), objection.rule, objection.text, objection.mend)


def _defaults(role: Role) -> Iterator[Finding]:
    """Defaults may be made of facts and of each other."""
    known = MAGIC | role.defaults.keys()
    for name, node in role.defaults.items():
        yield from _texts(DEFAULTS, node, lambda other, name=name: other in known and other != name)  # type: ignore[misc]
        for each in scalars(node):
            if judging.DUNDER.search(each.text) and re.search(r"__\w+__", each.text):
                text = "A text names something inner."
                yield Finding(DEFAULTS, each.line, "template", text, "Leave the double underscores out.")


def _never_evaluated(role: Role) -> Iterator[Finding]:
    """Files that are data: nothing in them is a template."""
    root = role.documents.get(META)
    for each in scalars(root) if root else ():
        if "{{" in each.text or "{%" in each.text:
            yield Finding(META, each.line, "template", "There is a template in what is only read.", "Write it out.")


def _template(role: Role, path: str, text: str) -> Iterator[Finding]:
    """A file of templates/ knows what the tasks know that use it."""
    users = [task for task in role.all_tasks if task.says("src", path.removeprefix("templates/"))]
    known = [(MAGIC | role.defaults.keys()).__contains__, *map(role.knows, users)]
    yield from _scalar(path, Scalar(1, 0, text, text), lambda name: any(knows(name) for knows in known), parse)


def _own_names(template: Template) -> Iterator[judging.Objection]:
    """What a template itself sets is no name of Ansible's, which would be read in its place where it is not set."""
    for name in sorted(template.names - {"loop"}):
        if name in RESERVED or name.startswith("ansible_"):
            yield judging.Objection(0, "template", f"The template gives {name} another meaning.", "Use another name.")
