"""An Ansible module of ours, played on the host: what the paths, services and packages of a scope are like. Read-only.

Written for any Python that Ansible itself can use there.
"""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

MOST_ENTRIES = 5000
LARGEST = 64 * 1024 * 1024
LEFT_OUT = re.compile(r"\.journal~?$")
WRITTEN_BY_THE_HOST = re.compile(r"^/var/log/(wtmp|btmp|lastlog|faillog|tallylog|journal(/.*)?)$")


class TooMuch(Exception):
    """The scope names more than can be compared."""


def named(path: Path, lengths: dict[str, int]) -> Iterator[dict[str, Any]]:
    """The path itself, and all that a folder holds."""
    yield thing("path", path, lengths)
    if not path.is_dir() or path.is_symlink():
        return
    for folder, folders, files in os.walk(path):
        for name in sorted(folders + files):
            if not LEFT_OUT.search(name):
                yield thing("entry", Path(folder, name), lengths)


def thing(kind: str, path: Path, lengths: dict[str, int]) -> dict[str, Any]:
    """One path: type, mode and owner, and a file's digest; `prefix` is the digest of as much as there was before."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return {"kind": kind, "name": str(path), "state": "absent", "length": 0, "prefix": ""}
    state = f"{_type(path, found.st_mode)} {stat.S_IMODE(found.st_mode):04o} {_owner(found)}"
    prefix, length = "", 0
    if stat.S_ISREG(found.st_mode) and not (kind == "entry" and WRITTEN_BY_THE_HOST.search(str(path))):
        whole, prefix, length = _digests(path, lengths.get(str(path), 0))
        state += f" sha256:{whole}"
    return {"kind": kind, "name": str(path), "state": state, "length": length, "prefix": prefix}


def _type(path: Path, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return f"link to {os.fspath(path.readlink())}"
    return "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "special"


def _owner(found: os.stat_result) -> str:
    try:
        user = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        user = str(found.st_uid)
    try:
        group = grp.getgrgid(found.st_gid).gr_name
    except KeyError:
        group = str(found.st_gid)
    return f"{user}:{group}"


def _digests(path: Path, begin: int) -> tuple[str, str, int]:
    """The digest of a file, the digest of its first `begin` bytes if any are asked for, and its length."""
    with path.open("rb") as opened:
        text = opened.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise TooMuch(f"{path} is larger than {LARGEST} bytes: name less in the scope.")
    return hashlib.sha256(text).hexdigest(), hashlib.sha256(text[:begin]).hexdigest() if begin else "", len(text)


def service(module: AnsibleModule, name: str) -> dict[str, Any]:
    """Whether a service runs, and whether it starts with the host."""
    systemctl = module.get_bin_path("systemctl")
    state = "no systemctl here"
    if systemctl:
        wanted = ("LoadState", "ActiveState", "UnitFileState")
        _, said, _ = module.run_command([systemctl, "show", "--property=" + ",".join(wanted), name])
        values = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
        state = " ".join(values.get(key) or "-" for key in wanted)
    return {"kind": "service", "name": name, "state": state, "length": 0, "prefix": ""}


def package(module: AnsibleModule, name: str) -> dict[str, Any]:
    """Which version of a package is installed."""
    state = "no package manager known here"
    for program, arguments in (("dpkg-query", ["-W", "-f=${db:Status-Status} ${Version}"]), ("rpm", ["-q"])):
        path = module.get_bin_path(program)
        if path:
            status, said, _ = module.run_command([path, *arguments, name])
            state = said.strip() if status == 0 else "absent"
            break
    return {"kind": "package", "name": name, "state": state, "length": 0, "prefix": ""}


def look(module: AnsibleModule) -> list[dict[str, Any]]:
    """Everything that the scope names; raises TooMuch."""
    asked = module.params
    things = []
    for path in asked["paths"]:
        for one in named(Path(path), asked["lengths"]):
            things.append(one)
            if len(things) > MOST_ENTRIES:
                raise TooMuch(f"The scope holds more than {MOST_ENTRIES} files: name less of {path}.")
    things += [service(module, name) for name in asked["services"]]
    return things + [package(module, name) for name in asked["packages"]]


def main() -> None:
    """Answer with the state, or say why it cannot be told."""
    kinds = {"paths": "list", "services": "list", "packages": "list", "lengths": "dict"}
    module = AnsibleModule(
        {name: {"type": kind, "required": True} for name, kind in kinds.items()}, supports_check_mode=True
    )
    try:
        things = look(module)
    except (TooMuch, OSError) as reason:
        module.fail_json(msg=str(reason))
    else:
        module.exit_json(changed=False, countersign_state=things)


if __name__ == "__main__":
    main()
