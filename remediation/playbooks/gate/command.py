"""The gate as a command: `python -m remediation.playbooks.gate FOLDER...`, or the packed file in a role repository.

The patch scope is read from `--scope`, else from `scope.yml` in the folder of the role: `name`, `paths`, `services` and
`packages`. Ends with 0 when every role has passed, with 1 when there is something to mend, with 2 when it cannot begin.
"""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from remediation.playbooks.gate import reading, report
from remediation.playbooks.gate.checking import check, marked
from remediation.playbooks.gate.folder import Unreadable, read_folder
from remediation.playbooks.gate.roles import texts
from remediation.playbooks.gate.shapes import RULESET, Scope
from remediation.playbooks.gate.texts import MAX_BYTES

SCOPE_FILE = "scope.yml"
BESIDE = re.compile(r"[A-Za-z0-9_-]+\.(?:json|md|txt|yml)")
"""Files that lie beside the folders of a role, such as its README: Ansible loads none of them."""
KEYS = frozenset({"name", "paths", "services", "packages"})
PASSED, FAILED, UNUSABLE = 0, 1, 2


class NoScope(Exception):
    """There is no readable patch scope for a role."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Check every folder and print what was found."""
    options = _options(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what a terminal cannot show is no reason to end
    try:
        checked = [_checked(folder, options.scope) for folder in options.folders]
    except (NoScope, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return UNUSABLE
    said = report.FORMATS[options.format](checked)
    sys.stdout.write(f"{said}\n" if said else "")
    return FAILED if any(role.findings for role in checked) else PASSED


def _options(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="role-gate", description="Reads Ansible roles as data and says what may not go on.")
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="folder of a role")
    parser.add_argument("--scope", metavar="FILE", help=f"its patch scope; else {SCOPE_FILE} in the folder")
    parser.add_argument("--format", choices=sorted(report.FORMATS), default="text")
    parser.add_argument("--version", action="version", version=f"rules of {RULESET}")
    return parser.parse_args(arguments)


def _checked(folder: str, scope_file: str | None) -> report.Checked:
    name, scope = _scope(Path(scope_file) if scope_file else Path(folder, SCOPE_FILE), Path(folder).resolve().name)
    where = folder.rstrip("/")
    try:
        files = {path: text for path, text in read_folder(folder).items() if not BESIDE.fullmatch(path)}
    except Unreadable as error:
        return report.Checked(where, name, tuple(error.findings), ())
    return report.Checked(where, name, tuple(check(name, files, scope)), tuple(marked(files)))


def _scope(path: Path, name: str) -> tuple[str, Scope]:
    """Name and patch scope of a role; the folder's name where the file gives none. Raises NoScope."""
    try:
        text = path.read_bytes()[: MAX_BYTES + 1].decode()
        root = reading.read(path.name, text)
    except (OSError, UnicodeDecodeError) as error:
        raise NoScope(f"{path}: no patch scope can be read: {error}") from error
    except reading.NotPlain as error:
        raise NoScope(f"{path}:{error.finding.line}: {error.finding.text}") from error
    if not isinstance(root, reading.Mapping) or root.items.keys() - KEYS:
        raise NoScope(f"{path}: a patch scope has {', '.join(sorted(KEYS))}, and nothing else.")
    lists = {key: node for key, node in root.items.items() if key != "name"}
    for key, node in lists.items():
        if not isinstance(node, reading.Sequence) or not all(isinstance(item, reading.Scalar) for item in node.items):
            raise NoScope(f"{path}:{root.lines[key]}: {key} is not a list of texts; write [] for none.")
    return reading.text_of(root.items.get("name")) or name, Scope(**{key: tuple(texts(lists[key])) for key in lists})
