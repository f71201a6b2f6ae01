"""What we write around a role: the play, the inventory, the settings of Ansible. A role brings none of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import yaml

from remediation.playbooks.shapes import Kind, Scope, State

ROLES = "/job/roles"
PART = re.compile(r"(?:tasks|handlers|defaults|meta)/[a-z0-9_]+\.ya?ml|templates/[A-Za-z0-9_.-]+\.j2")
NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
ENTRY = {Kind.CHECK: "main", Kind.APPLY: "main", Kind.VERIFY: "verify", Kind.BACK_OUT: "backout"}
CHECK_MODE = {Kind.CHECK: True, Kind.VERIFY: False}
"""A check changes nothing even beside plays that do; a verification only reads, and reads in a check too."""
FOLDERS = ("tasks", "handlers", "defaults", "templates", "meta")

SETTINGS = """[defaults]
roles_path = /job/roles
library = /job/library
collections_path = /job/collections
local_tmp = /tmp/local
gathering = explicit
host_key_checking = True
retry_files_enabled = False
forks = 1
module_compression = ZIP_DEFLATED
timeout = 15
nocolor = True
localhost_warning = False
deprecation_warnings = False

[connection]
pipelining = True

[ssh_connection]
retries = 0
transfer_method = piped
control_path_dir = /tmp/cp
"""


class BadRole(Exception):
    """The role cannot be handed to Ansible at all: a name or a path that no role of ours has."""


def files_of(name: str, files: Mapping[str, str]) -> dict[str, str]:
    """The text of every file by its path inside the jail; raises BadRole. Symbolic links and `..` have no way in."""
    if not NAME.fullmatch(name):
        raise BadRole(f"{name[:60]!r} is no name of a role.")
    for path in files:
        if not PART.fullmatch(path):
            raise BadRole(f"{path[:120]!r} is no file of a role: its folders are {', '.join(FOLDERS)}.")
    return {f"{ROLES}/{name}/{path}": text for path, text in files.items()}


def play_of(name: str) -> str:
    """The play that applies a role to whatever `--limit` names: what people find beside it in the role repository."""
    play = {"name": f"Apply {name}", "hosts": "all", "gather_facts": True, "gather_subset": ["min"]}
    return _text([{**play, "roles": [{"role": name}]}])


def plays_of(
    name: str, kinds: Sequence[Kind], *, scope: Scope, before: State | None, waits_for: str | None = None
) -> str:
    """One playbook of several plays, each named by its kind; a look compares with `before` where files have grown.

    Facts are gathered by the first play of the role: later ones have them too. It waits until the file `waits_for` is
    there, in the jail.
    """
    first = next((number for number, kind in enumerate(kinds) if kind is not Kind.LOOK), None)
    plays = [_look(scope, before) if kind is Kind.LOOK else _play(name, kind) for kind in kinds]
    if first is not None:
        plays[first] |= {"gather_facts": True, "gather_subset": ["min"]}
        plays[first] |= {"pre_tasks": [_wait(waits_for)]} if waits_for else {}
    return _text(plays)


def _play(name: str, kind: Kind) -> dict[str, object]:
    task = {"name": "Play the role", "ansible.builtin.import_role": {"name": name, "tasks_from": ENTRY[kind]}}
    play: dict[str, object] = {"name": kind.value, "hosts": "all", "gather_facts": False}
    if kind in CHECK_MODE:
        play["check_mode"] = CHECK_MODE[kind]
    return {**play, "tasks": [task]}


def _wait(path: str) -> dict[str, object]:
    """A task that nothing is done on the host for; after two minutes it fails."""
    return {
        "name": "Wait until what was seen is kept",
        "ansible.builtin.assert": {"that": f"'{path}' is exists", "quiet": True},
        "register": "countersign_kept",
        "until": "countersign_kept is succeeded",
        "retries": 1200,
        "delay": 0.1,
    }


def _look(scope: Scope, before: State | None) -> dict[str, object]:
    things = before.things if before else ()
    asked = {
        "paths": list(scope.paths),
        "services": list(scope.services),
        "packages": list(scope.packages),
        "lengths": {thing.name: thing.length for thing in things if thing.kind == "entry" and thing.length},
    }
    task = {"name": "Look at what the scope names", "countersign_state": asked}
    return {"name": Kind.LOOK.value, "hosts": "all", "gather_facts": False, "tasks": [task]}


def inventory_of(host: str, variables: Mapping[str, object]) -> str:
    """An inventory of exactly one host."""
    return _text({"all": {"hosts": {host: dict(variables)}}})


class _Indented(yaml.SafeDumper):
    """Lists stand to the right of their key, as ansible-lint has it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002
        super().increase_indent(flow, False)


def _text(data: object) -> str:
    return yaml.dump(data, Dumper=_Indented, explicit_start=True, sort_keys=False, allow_unicode=True, width=1000)
