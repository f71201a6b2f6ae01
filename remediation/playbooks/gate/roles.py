"""A role as the rules look at it: its documents, its tasks, the variables that are known where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from remediation.playbooks.gate import reading
from remediation.playbooks.gate.reading import Node, NotPlain, Scalar, text_of
from remediation.playbooks.gate.shapes import Finding
from remediation.playbooks.gate.tasks import Task, tasks_in

MAIN, BACKOUT, VERIFY = "tasks/main.yml", "tasks/backout.yml", "tasks/verify.yml"
ENTRIES = (MAIN, BACKOUT, VERIFY)
HANDLERS, DEFAULTS, META = "handlers/main.yml", "defaults/main.yml", "meta/main.yml"
IMPORTS = frozenset({"import_tasks", "include_tasks"})
MAGIC = frozenset({"inventory_hostname", "inventory_hostname_short", "ansible_facts", "ansible_managed"})
RESERVED = MAGIC | {
    "caller", "cycler", "dict", "discovered_interpreter_python", "environment", "group_names", "groups",
    "hostvars", "inventory_dir", "inventory_file", "joiner", "kwargs", "lipsum", "lookup", "loop", "namespace",
    "now", "omit", "play_hosts", "playbook_dir", "q", "query", "range", "role_name", "role_names", "role_path",
    "self", "super", "template_destpath", "template_fullpath", "template_host", "template_mtime", "template_path",
    "template_run_date", "template_uid", "undef", "varargs", "vars",
}  # fmt: skip
"""Names that Ansible or Jinja gives a meaning to: setting one makes it look like a variable of the role."""


@dataclass
class Role:
    """The files of one role, read once. `unreadable` says which could not be."""

    name: str
    files: Mapping[str, str]
    documents: dict[str, Node | None] = field(default_factory=dict)
    unreadable: list[Finding] = field(default_factory=list)
    evaluated: dict[str, tuple[object, ...]] = field(default_factory=dict)
    """What `evaluating` found out about the variables, once for each."""
    found: dict[tuple[int, int], tuple[str, ...]] = field(default_factory=dict)
    """The same for values of tasks, by task and node: both live as long as the role."""

    def __post_init__(self) -> None:
        for path in sorted(self.files):
            if path.endswith(".yml"):
                try:
                    self.documents[path] = reading.read(path, self.files[path])
                except NotPlain as error:
                    self.unreadable.append(error.finding)

    @cached_property
    def tasks(self) -> dict[str, tuple[Task, ...]]:
        """The tasks of every file that holds tasks or handlers."""
        return {
            path: tasks_in(path, root, self.files[path])
            for path, root in self.documents.items()
            if path.startswith(("tasks/", "handlers/"))
        }

    @cached_property
    def all_tasks(self) -> tuple[Task, ...]:
        return tuple(task for tasks in self.tasks.values() for task in tasks)

    @cached_property
    def handlers(self) -> frozenset[str]:
        """What can be notified: names of handlers, and what they listen to."""
        found: set[str] = set()
        for task in self.tasks.get(HANDLERS, ()):
            found.add(task.name)
            found.update(texts(task.node.items.get("listen")))
        return frozenset(found - {""})

    @cached_property
    def defaults(self) -> dict[str, Node]:
        root = self.documents.get(DEFAULTS)
        return dict(root.items) if isinstance(root, reading.Mapping) else {}

    def setters(self, name: str) -> list[Task]:
        """The tasks that register or set a variable."""
        return self._setters.get(name, [])

    @cached_property
    def _setters(self) -> dict[str, list[Task]]:
        found: dict[str, list[Task]] = {}
        for task in self.all_tasks:
            for name in sets(task):
                found.setdefault(name, []).append(task)
        return found

    def played(self, path: str) -> tuple[Task, ...]:
        """The tasks of a file, and of those that it imports, each file once, in the order of the run."""
        return tuple(self._played(path, set()))

    def _played(self, path: str, seen: set[str]) -> Iterator[Task]:
        seen.add(path)
        for task in self.tasks.get(path, ()):
            yield task
            other = imported(task)
            if other and other not in seen:
                yield from self._played(other, seen)

    @cached_property
    def _order(self) -> tuple[dict[int, list[tuple[str, int]]], dict[tuple[str, str], int]]:
        """Where each task stands in the runs that play it, and where in a run a variable is set first."""
        places: dict[int, list[tuple[str, int]]] = {}
        first: dict[tuple[str, str], int] = {}
        for run in (*ENTRIES, *self.tasks):
            for number, task in enumerate(self.played(run)):
                if run in ENTRIES or id(task) not in places:
                    places.setdefault(id(task), []).append((run, number))
                for name in sets(task):
                    first.setdefault((run, name), number)
        return places, first

    def knows(self, task: Task) -> Callable[[str], bool]:
        """Whether a variable is set where a task stands: what a play before has left behind does not count."""
        places, first = self._order
        own = MAGIC | task.vars.keys() | frozenset(loop_names(task))

        def known(name: str) -> bool:
            if name in own or name in self.defaults or (task.file == HANDLERS and self.setters(name)):
                return True
            return any(first.get((run, name), number) < number for run, number in places.get(id(task), ()))

        return known


def texts(node: Node | None) -> Iterator[str]:
    """The texts of a value that is one text or a list of them."""
    for item in node.items if isinstance(node, reading.Sequence) else (node,):
        if isinstance(item, Scalar):
            yield item.text


def imported(task: Task) -> str:
    """The file of this role that a task brings in; empty for other tasks."""
    if task.module not in IMPORTS:
        return ""
    given = task.node.items.get(f"ansible.builtin.{task.module}")
    name = text_of(given) or text_of(task.arguments.items.get("file"))
    return f"tasks/{name}" if name else ""


def loop_names(task: Task) -> Iterator[str]:
    """The variables of a loop."""
    if "loop" not in task.node.items:
        return
    control = task.node.items.get("loop_control")
    given = control.items if isinstance(control, reading.Mapping) else {}
    yield text_of(given.get("loop_var")) or "item"
    if "index_var" in given:
        yield text_of(given["index_var"])


def sets(task: Task) -> Iterator[str]:
    """The variables that a task sets for those after it."""
    if task.text("register"):
        yield task.text("register")
    if task.module == "set_fact":
        yield from task.arguments.items
