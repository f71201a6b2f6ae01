"""Files that are data: defaults/main.yml and meta/main.yml; and what every file of tasks has to be."""

from __future__ import annotations

from collections.abc import Iterator

from remediation.playbooks.gate import keys
from remediation.playbooks.gate.reading import Mapping, Node, Scalar, Sequence
from remediation.playbooks.gate.roles import DEFAULTS, ENTRIES, HANDLERS, META, RESERVED, Role, loop_names, sets
from remediation.playbooks.gate.shapes import Finding

META_KEYS = frozenset({"galaxy_info", "dependencies"})
GALAXY_KEYS = frozenset({
    "author", "company", "description", "galaxy_tags", "issue_tracker_url", "license", "min_ansible_version",
    "namespace", "platforms", "role_name", "standalone",
})  # fmt: skip


def findings(role: Role) -> Iterator[Finding]:
    """What is wrong with the documents of a role."""
    yield from _names(role)
    yield from _unused(role)
    for path, root in role.documents.items():
        if path == DEFAULTS:
            yield from _defaults(role, root)
        elif path == META:
            yield from _meta(root)
        elif path.startswith(("tasks/", "handlers/")):
            yield from keys.list_of_tasks(path, root)
            if isinstance(root, Sequence) and not root.items:
                yield Finding(path, root.line, "layout", f"{path} does nothing.", "Write at least one task.")


def _names(role: Role) -> Iterator[Finding]:
    """A name means one thing: a default is nobody else's name, and what is registered is not set in another way."""
    for task in role.all_tasks:
        own = task.node.items.get("vars")
        passed = {*loop_names(task), *(own.items if isinstance(own, Mapping) else ())}
        given = {*sets(task), *passed}
        for name in sorted(given & role.defaults.keys()):
            text = f"{name} is a default, and this task gives it another meaning."
            yield Finding(task.file, task.line, "variable", text, "Use another name.")
        for name in sorted(given - role.defaults.keys()):
            if name in RESERVED or (name in passed and role.setters(name)):
                text = f"{name} already means something else."
                yield Finding(task.file, task.line, "variable", text, "Use another name.")
    for entry in ENTRIES:
        seen: set[str] = set()
        for task in role.played(entry):
            name = task.text("register")
            if name and name in seen:
                text = f"{name} is registered twice; what was looked at is not what is acted on."
                yield Finding(task.file, task.line_of("register"), "variable", text, "Use another name.")
            seen.add(name)


def _unused(role: Role) -> Iterator[Finding]:
    """A file of tasks that nobody imports is read by reviewers and never run."""
    played = {task.file for entry in ENTRIES for task in role.played(entry)}
    for path, tasks in role.tasks.items():
        if tasks and path not in {*played, HANDLERS}:
            yield Finding(path, 1, "layout", f"Nothing imports {path}.", "Import it, or leave it out.")


def _defaults(role: Role, root: Node | None) -> Iterator[Finding]:
    if root is not None and not isinstance(root, Mapping):
        yield Finding(DEFAULTS, root.line, "yaml", "Defaults are names with values.", "Write name: value.")
    for name, line in role_names(root):
        if not keys.NAME.match(name) or not name.startswith(f"{role.name}_"):
            text = f"The variable {name} does not begin with {role.name}_."
            yield Finding(DEFAULTS, line, "variable", text, "Name it after the role, so that no other role means it.")


def role_names(root: Node | None) -> Iterator[tuple[str, int]]:
    """The names of a mapping with their lines."""
    if isinstance(root, Mapping):
        yield from root.lines.items()


def _meta(root: Node | None) -> Iterator[Finding]:
    if root is not None and not isinstance(root, Mapping):
        yield Finding(META, root.line, "yaml", "meta/main.yml is a mapping.", "Write galaxy_info with its keys.")
        return
    for key, line in role_names(root):
        if key not in META_KEYS:
            yield Finding(META, line, "meta", f"meta/main.yml takes no {key}.", "Leave it out.")
    for key, node in (root.items if root else {}).items():
        if key == "dependencies" and not (isinstance(node, Sequence) and not node.items):
            text = "The role brings in other roles, which nobody looked at here."
            yield Finding(META, node.line, "meta", text, "Write dependencies: [].")
        if key == "galaxy_info":
            for name, line in role_names(node):
                if name not in GALAXY_KEYS:
                    yield Finding(META, line, "meta", f"galaxy_info takes no {name}.", "Leave it out.")
            if isinstance(node, Scalar):
                yield Finding(META, node.line, "meta", "galaxy_info is not a mapping.", "Write names with values.")
