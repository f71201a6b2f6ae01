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
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

MOST_ENTRIES = 5000
MOST_BYTES = 2 * 1024 * 1024 * 1024
PIECE = 1024 * 1024
LEFT_OUT = re.compile(r"^/(var|run)/log/journal/.*\.journal~?$")
WRITTEN_BY_THE_HOST = re.compile(r"^/var/log/(wtmp|btmp|lastlog|faillog|tallylog|journal(/.*)?)$")


class TooMuch(Exception):
    """The scope names more than can be compared."""


def named(path: Path, lengths: dict[str, int]) -> Iterator[dict[str, Any]]:
    """The path itself, and all that a folder holds, or the one that it leads to."""
    yield thing("path", path, lengths)
    if not path.is_dir():
        return
    for folder, folders, files in os.walk(path, onerror=_unread):
        for place in (Path(folder, name) for name in sorted(folders + files)):
            found = thing("entry", place, lengths)
            if found["state"] != "absent" and not LEFT_OUT.search(str(place)):
                yield found


def _unread(error: OSError) -> None:
    """A folder that cannot be read is not an empty one; one that went meanwhile is."""
    if not isinstance(error, FileNotFoundError):
        raise error


def thing(kind: str, path: Path, lengths: dict[str, int]) -> dict[str, Any]:
    """One path: type, mode and owner, and a file's digest; `prefix` is the digest of as much as there was before.

    What goes away while it is looked at is absent.
    """
    name = readable(path)
    try:
        state, length, prefix = _seen(kind, path, lengths.get(name, 0))
    except (FileNotFoundError, NotADirectoryError):
        state, length, prefix = "absent", 0, ""
    return {"kind": kind, "name": name, "state": state, "length": length, "prefix": prefix}


def readable(path: Path | str) -> str:
    """A path as text that nothing on its way changes: what is no UTF-8, or not what it looks like, is escaped."""
    return "/".join(map(_escaped, os.fsencode(path).decode(errors="backslashreplace").split("/")))


def _escaped(name: str) -> str:
    is_plain = name.isprintable() and unicodedata.is_normalized("NFC", name)
    return name if is_plain else name.encode("unicode_escape").decode()


def _seen(kind: str, path: Path, begin: int) -> tuple[str, int, str]:
    found = path.lstat()
    state = f"{_type(path, found.st_mode)} {stat.S_IMODE(found.st_mode):04o} {_owner(found)}"
    is_file = stat.S_ISREG(found.st_mode) or (kind == "path" and path.is_file())  # a link that is named is followed
    if not is_file or (kind == "entry" and WRITTEN_BY_THE_HOST.search(str(path))):
        return state, 0, ""
    whole, prefix, length = _digests(path, begin)
    return f"{state} sha256:{whole}", length, prefix


def _type(path: Path, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return f"link to {readable(os.readlink(path))}"  # noqa: PTH115 - Python 3.8 has no Path.readlink
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
    """The digest of a file, the digest of its first `begin` bytes if any are asked for, and its length.

    Of a file that is being written to, as much as it held when it was opened.
    """
    whole, prefix, length = hashlib.sha256(), "", 0
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as opened:  # no pipe holds us up
        size = os.fstat(opened.fileno()).st_size
        if size > MOST_BYTES:
            raise TooMuch(f"{readable(path)} is larger than {MOST_BYTES} bytes: name less in the scope.")
        while piece := opened.read(min(PIECE, (begin if length < begin else size) - length, size - length)):
            whole.update(piece)
            length += len(piece)
            if length == begin:
                prefix = whole.hexdigest()
    return whole.hexdigest(), prefix or (whole.hexdigest() if begin else ""), length


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
    things, read = [], 0
    for path in asked["paths"]:
        for one in named(Path(path), asked["lengths"]):
            things.append(one)
            read += one["length"]
            if len(things) > MOST_ENTRIES or read > MOST_BYTES:
                most = f"{MOST_ENTRIES} files or {MOST_BYTES} bytes"
                raise TooMuch(f"The scope holds more than {most}: name less of {path}.")
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
