"""Holds the order of the rooms: who may import whom, and which library is known to one room only.

Reads the source, imports nothing. `python -m portal.launch.rooms` prints what is out of order and fails if anything is.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSERS = frozenset({"portal.settings", "portal.urls", "portal.checks", "portal.wsgi"})
ONLY_UNDER = {
    "django_q": "portal.jobs",
    "mcp": "remediation.connectors",
    "ansible_runner": "remediation.playbooks",
}
IN_ONE_MODULE = "anthropic"
BY_NAME = frozenset({"get_model", "import_module", "import_string"})


def violations(sources: Mapping[str, str], rooms: Sequence[str]) -> list[str]:
    """What is out of order in `sources` (dotted module name -> text; a package's name ends in `.__init__`).

    `rooms` is the order: each may import those before it.
    """
    found: list[str] = []
    knows_model: set[str] = set()
    for name, source in sorted(sources.items()):
        package, module = name.rpartition(".")[0], name.removesuffix(".__init__")
        for imported in sorted(set(_imported(ast.parse(source), package, rooms))):
            found.extend(_objections(module, imported, rooms))
            if _within(imported, IN_ONE_MODULE):
                knows_model.add(module)
    if len(knows_model) > 1:
        found.append(f"{IN_ONE_MODULE} is imported in {', '.join(sorted(knows_model))}: one module is enough")
    return found


def _objections(module: str, imported: str, rooms: Sequence[str]) -> Iterator[str]:
    importer, target = _room(module, rooms), _room(imported, rooms)
    if importer and target and rooms.index(target) > rooms.index(importer):
        yield f"{module} imports {imported}: {target} stands above {importer}"
    if module not in COMPOSERS and any(_within(imported, composer) for composer in COMPOSERS):
        yield f"{module} imports {imported}: nobody imports what composes the rooms"
    for library, home in ONLY_UNDER.items():
        if _within(imported, library) and not _within(module, home):
            yield f"{module} imports {imported}: only {home} knows {library}"


def _imported(tree: ast.AST, package: str, rooms: Sequence[str]) -> Iterator[str]:
    """Everything a module imports, relative imports resolved, and what it names to `get_model` and the like."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, package)
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _called(node) in BY_NAME and node.args:
            yield from _named(node.args[0], rooms)


def _base(node: ast.ImportFrom, package: str) -> str:
    """The module that `from ... import` starts from."""
    if not node.level:
        return node.module or ""
    above = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _named(argument: ast.expr, rooms: Sequence[str]) -> Iterator[str]:
    """A dotted path stands for itself; an app label, alone or before a model's name, for the room of that label."""
    if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
        return
    yield argument.value
    label = argument.value.split(".")[0]
    yield from (room for room in rooms if room.rpartition(".")[2] == label)


def _room(module: str, rooms: Sequence[str]) -> str | None:
    return next((room for room in rooms if _within(module, room)), None)


def _within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _sources() -> dict[str, str]:
    """The product's modules; tests may look at any room."""
    tops = {room.split(".")[0] for room in settings.ROOMS}
    paths = [path for top in tops for path in (ROOT / top).rglob("*.py")]
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text()
        for path in paths
        if "tests" not in path.parts
    }


def main() -> int:
    """Print every violation; 1 if there is one."""
    found = violations(_sources(), ["portal.launch", *settings.ROOMS])
    print("\n".join(found) or "The rooms are in order.")
    return 1 if found else 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    sys.exit(main())
