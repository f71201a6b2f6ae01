"""The jail in which every Ansible program runs: bubblewrap, no network, no credentials, nothing of this host to write.

A program in it sees a read-only /usr, the Python it runs on, and the files that it is given; those are handed over
in memory, so that nothing of a job is ever written on this host. What it may write is memory of a fixed size, and the
folders that a caller names. A jail that cannot be set up raises NoJail: whoever asked fails, nothing is left out.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

OLDEST = (0, 8)
"""The first bubblewrap that can forbid further user namespaces."""

MEBIBYTE = 1024 * 1024
SCRATCH = 64 * MEBIBYTE
PYTHON = f"{sys.prefix}/bin/python"
BARE_PYTHON = f"{sys.base_prefix}/bin/python3"
"""Without the packages of this product: what a module of Ansible needs on the lab's hosts."""

READS = ("/usr", sys.prefix, sys.base_prefix)
LINKS = ("bin", "sbin", "lib", "lib64")
ENVIRONMENT = {
    "PATH": f"{sys.prefix}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/home",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "LD_LIBRARY_PATH": sysconfig.get_config_var("LIBDIR") or "",
}
LAST_READ_ONLY = ("/proc", "/dev", "/")
"""Where root starts a jail, the files under /proc/sys are its own, and bubblewrap leaves them writable: a program could
name the kernel's core_pattern."""
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
AS_ROOT = (
    "unshare",
    "--mount",
    "--propagation=private",
    "sh",
    "-ec",
    f'for name in {" ".join(DEVICES)}; do mount -o bind,ro /dev/$name /dev/$name; done; exec "$@"',
    "sh",
)
"""Root owns this host's devices too, and could take /dev/null away by its mode. In a jail they are read-only, in mounts
that bubblewrap copies: one can still write to such a device."""
WHILE_IT_LIVES = ("sh", "-c", 'head --bytes=1 2>/dev/null && exit 1; exec "$@" </dev/null', "sh")
"""The first in the jail: goes on only while whoever started it lives.

bubblewrap ends with its parent from some moment on, and not if that died before. Its standard input is a pipe that does
not block: there is nothing to read (an error) while the other end is held, and the end of the file once that is gone.
"""
LIMITS = {
    "as": 4096 * MEBIBYTE,
    "fsize": SCRATCH,
    "nofile": 1024,
    "nproc": 1024,
    "core": 0,
}
"""Of one process, as `prlimit` names them; the watch outside counts what all of them take together."""

USERS = "root:x:0:0:root:/home:/bin/sh\n"
GROUPS = "root:x:0:\n"
SWITCH = "passwd: files\ngroup: files\nhosts: files\n"


class NoJail(Exception):
    """No jail can be set up here; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class File:
    """A file inside the jail: its text, and whether it can be executed."""

    text: str
    is_program: bool = False

    @property
    def mode(self) -> str:
        """Its permissions in octal."""
        return "0755" if self.is_program else "0644"


@dataclass(frozen=True, slots=True)
class Cell:
    """One jail: the files in it, the folders of this host that it may read or write (by path inside), its variables.

    `scratch` are further folders in memory. `init` is the program that runs as the first process, with the command as
    its arguments.
    """

    files: Mapping[str, File] = field(default_factory=dict)
    reads: Mapping[str, Path] = field(default_factory=dict)
    writes: Mapping[str, Path] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    scratch: tuple[str, ...] = ()
    init: str = ""


def missing() -> str:
    """Why no jail can be set up here, in a sentence; "" if one can."""
    for program in ("bwrap", "prlimit"):
        if not shutil.which(program):
            return f"{program} is not installed: apt-get install {_package_of(program)}."
    try:
        _try_out()
    except NoJail as reason:
        return str(reason)
    return ""


@functools.cache
def _try_out() -> None:
    """Set up one jail; what worked once is not tried again by this process, a failure is."""
    if _version() < OLDEST:
        raise NoJail(f"bubblewrap is older than {'.'.join(map(str, OLDEST))}.")
    with command_of(Cell(), ["true"]) as (command, descriptors, held):
        tried = subprocess.run(command, pass_fds=descriptors, stdin=held, capture_output=True, text=True, check=False)
    if tried.returncode:
        raise NoJail(f"bubblewrap cannot set up a jail here: {tried.stderr.strip()[:300]}")


def _package_of(program: str) -> str:
    return {"bwrap": "bubblewrap", "prlimit": "util-linux"}[program]


def _version() -> tuple[int, int]:
    said = subprocess.run([_found("bwrap"), "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _found(program: str) -> str:
    return shutil.which(program) or program


@contextmanager
def command_of(cell: Cell, command: Sequence[str]) -> Iterator[tuple[list[str], tuple[int, ...], int]]:
    """The command that runs `command` in this jail, the descriptors that it must inherit, and its standard input.

    They are open while the block lasts; with it, or with this process, ends what was started.
    """
    with ExitStack() as opened:
        held = _held(opened)
        arguments, descriptors = _isolation(), []
        for path, file in (_system_files(cell) | dict(cell.files)).items():
            descriptors.append(_in_memory(file, opened))
            arguments += ["--perms", file.mode, "--file", str(descriptors[-1]), path]
        arguments += _folders(cell)
        first = [cell.init] if cell.init else []
        limits = [f"--{name}={value}" for name, value in LIMITS.items()]
        inside = [*WHILE_IT_LIVES, _found("prlimit"), *limits, "--", *first, *command]
        yield [*arguments, "--", *inside], tuple(descriptors), held


def _isolation() -> list[str]:
    """Namespaces of its own, no capability, no further user namespace, no terminal; it dies with who started it."""
    arguments = list(AS_ROOT) if os.geteuid() == 0 else []
    arguments += [_found("bwrap"), "--die-with-parent", "--new-session", "--unshare-user", "--disable-userns"]
    arguments += ["--uid", "0", "--gid", "0", "--cap-drop", "ALL", "--hostname", "jail"]
    arguments += [f"--unshare-{kind}" for kind in ("net", "pid", "ipc", "uts", "cgroup-try")]
    arguments.append("--clearenv")
    for link in LINKS:
        arguments += ["--symlink", f"usr/{link}", f"/{link}"] if Path("/", link).is_symlink() else _bound(f"/{link}")
    return arguments


def _bound(folder: str) -> list[str]:
    return ["--ro-bind-try", folder, folder]


def _system_files(cell: Cell) -> dict[str, File]:
    """What a program expects in /etc, unless the cell brings an /etc of its own."""
    if "/etc" in cell.writes:
        return {}
    return {"/etc/passwd": File(USERS), "/etc/group": File(GROUPS), "/etc/nsswitch.conf": File(SWITCH)}


def _in_memory(file: File, opened: ExitStack) -> int:
    descriptor = os.memfd_create("jail")
    opened.callback(os.close, descriptor)
    with open(descriptor, "wb", closefd=False) as written:
        written.write(file.text.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _held(opened: ExitStack) -> int:
    """The end to read of a pipe whose other end stays here."""
    reads, writes = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    opened.callback(os.close, reads)
    opened.callback(os.close, writes)
    return reads


def _folders(cell: Cell) -> list[str]:
    """What is bound, what is memory; last of all everything that is left becomes read-only."""
    arguments = ["--proc", "/proc", "--dev", "/dev"]
    for folder in ("/tmp", "/home", "/dev/shm", *cell.scratch):  # noqa: S108 - inside the jail, in memory
        arguments += ["--size", str(SCRATCH), "--tmpfs", folder]
    for inside, outside in cell.reads.items():
        arguments += ["--ro-bind", str(outside), inside]
    for inside, outside in cell.writes.items():
        arguments += ["--bind", str(outside), inside]
    for folder in READS:  # after those that could hide it
        arguments += ["--ro-bind", folder, folder]
    for name, value in (ENVIRONMENT | dict(cell.variables)).items():
        arguments += ["--setenv", name, value]
    if cell.init:
        arguments.append("--as-pid-1")
    for folder in LAST_READ_ONLY:
        arguments += ["--remount-ro", folder]
    return [*arguments, "--chdir", "/"]
