"""How each host is reached: the file that ANSIBLE_HOSTS names, which only execution workers are given (law 5).

    hosts:
      web-1:
        address: 10.0.0.5
        port: 22
        user: deploy
        become: true
        key: {file: /run/secrets/deploy_key}     # or {env: DEPLOY_KEY}, or {command: [vault, read, ...]}
        host_key: ssh-ed25519 AAAA...            # or known_hosts: PATH
      lab-1:
        folder: /var/lib/countersign/lab-1       # a host of the lab: a folder, through Ansible's local connection

A key is a reference here. It is looked up for one play, signs for it from outside of the jail, and is kept nowhere.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

VARIABLE = "ANSIBLE_HOSTS"
FILE = f"The file that {VARIABLE} names"
NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?")
ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}")
USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
HOST_KEY = re.compile(r"(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/=]+")
PROGRAM = re.compile(r"/[A-Za-z0-9._/-]+")
WAYS = ("file", "env", "command")
PATIENCE = 10


class BadHosts(Exception):
    """The file cannot be used, or does not name the host; every reason is a sentence."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Folder:
    """A host of the lab: a folder that stands for its file system."""

    path: Path


@dataclass(frozen=True, slots=True)
class Key:
    """Where a private key is to be found: a file, a variable of the environment, or what a command prints."""

    way: str
    value: str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ssh:
    """A host that is reached by ssh; `known_hosts` are lines as ssh reads them, the only keys that it accepts."""

    address: str
    port: int
    user: str
    becomes: bool
    key: Key
    known_hosts: str
    python: str


@dataclass(frozen=True, slots=True)
class Host:
    """One host by its name in the estate."""

    name: str
    reach: Folder | Ssh

    @property
    def is_lab(self) -> bool:
        """Whether it is a folder."""
        return isinstance(self.reach, Folder)

    @property
    def inventory(self) -> str:
        """How it was reached, as a proof says it; no path of this machine, no reference to a key."""
        if isinstance(self.reach, Folder):
            return f"{self.name} (a folder of the lab, local connection)"
        rights = ", becoming root" if self.reach.becomes else ""
        return f"{self.name} (ssh {self.reach.user}@{self.reach.address}:{self.reach.port}{rights})"


def named(name: str) -> Host:
    """The host of that name in the file that the environment names; raises BadHosts."""
    path = os.environ.get(VARIABLE)
    if not path:
        raise BadHosts(f"{VARIABLE} names no file: set it for the execution workers.")
    return load(Path(path), name)


def load(path: Path, name: str) -> Host:
    """One host of a file; raises BadHosts with all that is wrong with it.

    What is wrong with another host keeps nobody from this one, nor from its way back.
    """
    try:
        data = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadHosts(f"{FILE} cannot be read: {type(error).__name__}.") from None
    if not isinstance(data, dict) or set(data) != {"hosts"} or not isinstance(data["hosts"], dict):
        raise BadHosts(f"{FILE} needs one key, hosts, with the hosts by their names.")
    entries = {str(each): values for each, values in data["hosts"].items()}
    if name not in entries:
        raise BadHosts(f"{FILE} has no host {name}.")
    try:
        return _host(name, entries[name])
    except BadHosts as bad:
        raise BadHosts(*(f"{name}: {reason}" for reason in bad.reasons)) from None


def _host(name: str, values: Any) -> Host:
    if not NAME.fullmatch(name):
        raise BadHosts("A host is named in lower case, as in the estate.")
    if not isinstance(values, dict):
        raise BadHosts("It needs address and key, or folder.")
    if "folder" in values:
        return Host(name, _folder(values))
    return Host(name, _ssh(values))


def _folder(values: Mapping[str, Any]) -> Folder:
    if set(values) != {"folder"}:
        raise BadHosts("A host with folder has nothing else.")
    path = Path(str(values["folder"]))
    if not path.is_absolute():
        raise BadHosts("folder is an absolute path.")
    return Folder(path)


def _ssh(values: Mapping[str, Any]) -> Ssh:
    known = {"address", "port", "user", "become", "key", "host_key", "known_hosts", "python"}
    reasons = [f"{key} is not known here." for key in sorted(map(str, set(values) - known))]
    address, port = str(values.get("address", "")), values.get("port", 22)
    fits: dict[str, Callable[[], bool]] = {
        "address is a name or an IP address.": lambda: bool(ADDRESS.fullmatch(address)),
        "port is a number from 1 to 65535.": lambda: type(port) is int and 0 < port < 65536,  # noqa: PLR2004
        "user is the name of a user.": lambda: bool(USER.fullmatch(str(values.get("user", "root")))),
        "become is true or false.": lambda: isinstance(values.get("become", False), bool),
        "python is an absolute path.": lambda: bool(PROGRAM.fullmatch(str(values.get("python", "/usr/bin/python3")))),
    }
    reasons += [reason for reason, holds in fits.items() if not holds()]
    if reasons:
        raise BadHosts(*reasons)
    return Ssh(
        address=address,
        port=port,
        user=str(values.get("user", "root")),
        becomes=values.get("become", False),
        key=_key(values.get("key")),
        known_hosts=_known_hosts(values, address, port),
        python=str(values.get("python", "/usr/bin/python3")),
    )


def _key(value: Any) -> Key:
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in WAYS:
        raise BadHosts(f"key is a reference, one of {', '.join(WAYS)}; the key itself does not belong here.")
    way, where = next(iter(value.items()))
    if way == "command":
        if not isinstance(where, list) or not where or not all(isinstance(word, str) for word in where):
            raise BadHosts("key.command is a list of words; no shell reads it.")
        return Key(way, tuple(where))
    if not isinstance(where, str) or not where or (way == "file" and not where.startswith("/")):
        raise BadHosts("key.file is an absolute path, key.env the name of a variable.")
    return Key(way, where)


def _known_hosts(values: Mapping[str, Any], address: str, port: int) -> str:
    """The lines that ssh may accept; there is no way to do without."""
    if ("host_key" in values) == ("known_hosts" in values):
        raise BadHosts("It needs host_key or known_hosts: a host whose key is not known is not spoken to.")
    if "known_hosts" in values:
        try:
            return Path(str(values["known_hosts"])).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise BadHosts(f"known_hosts cannot be read: {type(error).__name__}.") from None
    keys = values["host_key"] if isinstance(values["host_key"], list) else [values["host_key"]]
    if not keys or not all(isinstance(key, str) and HOST_KEY.fullmatch(key) for key in keys):
        raise BadHosts("host_key is a type and a key: ssh-ed25519 AAAA...")
    place = address if port == 22 else f"[{address}]:{port}"  # noqa: PLR2004 - the one that ssh leaves out
    return "".join(f"{place} {key}\n" for key in keys)


def host_keys_of(reach: Ssh) -> frozenset[bytes] | None:
    """The keys that its known_hosts names, as ssh sends them; None where it trusts an authority for others."""
    found = set()
    for words in map(str.split, reach.known_hosts.splitlines()):
        if words[:1] == ["@cert-authority"]:
            return None
        if len(words) > 2 and not words[0].startswith(("#", "@")):  # noqa: PLR2004 - places, kind and key
            with contextlib.suppress(binascii.Error):
                found.add(base64.b64decode(words[2]))
    return frozenset(found)


def key_of(reach: Ssh) -> str:
    """The private key itself, for one play; raises BadHosts without a word of what was found."""
    try:
        found = _LOOKUPS[reach.key.way](reach.key.value)
    except (OSError, KeyError, UnicodeDecodeError, subprocess.SubprocessError) as error:
        raise BadHosts(f"The key cannot be had by {reach.key.way}: {type(error).__name__}.") from None
    if "PRIVATE KEY-----" not in found:
        raise BadHosts(f"What {reach.key.way} gives is no private key.")
    return found.strip() + "\n"


def _by_command(words: Any) -> str:
    return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout


_LOOKUPS: dict[str, Callable[[Any], str]] = {
    "file": lambda path: Path(path).read_text(),
    "env": lambda name: os.environ[name],
    "command": _by_command,
}
