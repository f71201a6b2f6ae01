"""Real hosts for tests of roles: Debian by systemd-nspawn in network namespaces, with systemd, journald and sshd.

`python -m remediation.execution.tests.machines` makes the image that they share, once (debootstrap, about a minute); it
is kept in `~/.cache/countersign`. A host is that image under a layer of its own, which is gone when the test is.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from remediation.execution.tests import hosts

IMAGE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "countersign", "bookworm-1")
PACKAGES = "systemd,systemd-sysv,dbus,openssh-server,python3,logrotate,sudo,iproute2"
PROGRAMS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "ssh": "openssh-client",
}
USER = "deploy"
BOOT = 120.0
OFF = signal.SIGRTMIN + 3
"""What systemd takes as the order to power off."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One host: how it is reached, and its file system."""

    name: str
    address: str
    root: Path
    host_key: str

    def as_yaml(self, key: Path) -> str:
        """Its entry in the file of hosts."""
        lines = [f"address: {self.address}", f"user: {USER}", "become: true", f"key: {{file: {key}}}"]
        return f"  {self.name}:\n" + "".join(f"    {line}\n" for line in [*lines, f"host_key: {self.host_key}"])


def why_not() -> str:
    """Why there can be no such hosts here; empty if there can."""
    if reason := hosts.why_no_namespaces():
        return reason
    lacking = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    return f"apt-get install {' '.join(lacking)}" if lacking else ""


def make_image() -> None:
    """Build the image, unless it is there; one that was begun and not finished is begun again."""
    if IMAGE.exists():
        return
    begun = IMAGE.with_name(f"{IMAGE.name}.begun")
    shutil.rmtree(begun, ignore_errors=True)
    begun.parent.mkdir(parents=True, exist_ok=True)
    _run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(begun))
    _run("chroot", str(begun), "useradd", "--create-home", "--shell", "/bin/bash", USER)
    (begun / "etc/sudoers.d" / USER).write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
    (begun / "etc/machine-id").write_text("")
    begun.rename(IMAGE)


@contextmanager
def machines(names: Sequence[str], folder: Path, prepare: Callable[[Path], None]) -> Iterator[list[Machine]]:
    """Hosts of these names, reached by ssh with the key `folder/key`; `prepare` gets each root before it boots."""
    key = _key(folder / "key")
    with hosts.bridge() as (_, namespace), ExitStack() as opened:
        made = []
        for number, name in enumerate(names, start=1):
            within, _ = namespace(number)
            root = opened.enter_context(_layer(folder / name))
            host_key = _prepared(root, key)
            prepare(root)
            opened.enter_context(_booted(root, name, within[-1]))
            made.append(Machine(name, hosts.address_of(number), root, host_key))
        for machine in made:
            _until(partial(_answers, machine.address), f"{machine.name} does not answer")
        yield made


@contextmanager
def _layer(folder: Path) -> Iterator[Path]:
    """The image, with what this host writes in a folder of its own."""
    parts = {name: folder / name for name in ("root", "upper", "work")}
    for part in parts.values():
        part.mkdir(parents=True)
    options = f"lowerdir={IMAGE},upperdir={parts['upper']},workdir={parts['work']}"
    _run("mount", "-t", "overlay", "overlay", "-o", options, str(parts["root"]))
    try:
        yield parts["root"]
    finally:
        _run("umount", str(parts["root"]))


def _key(path: Path) -> str:
    """Make a pair of keys; the public one."""
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path))
    return path.with_suffix(".pub").read_text()


def _prepared(root: Path, public: str) -> str:
    """Let the key in, give the host a key of its own; that one's public half."""
    home = root / "home" / USER / ".ssh"
    home.mkdir()
    (home / "authorized_keys").write_text(public)
    owner = (root / "home" / USER).stat()
    for path in (home, home / "authorized_keys"):
        os.chown(path, owner.st_uid, owner.st_gid)
    for old in (root / "etc/ssh").glob("ssh_host_*"):
        old.unlink()
    return " ".join(_key(root / "etc/ssh/ssh_host_ed25519_key").split()[:2])


@contextmanager
def _booted(root: Path, name: str, namespace: str) -> Iterator[None]:
    command = ["systemd-nspawn", "-q", "-D", str(root), f"--hostname={name}", "--register=no", "--keep-unit"]
    command += [f"--network-namespace-path=/run/netns/{namespace}", "--capability=CAP_NET_ADMIN", "-b"]
    with (root.parent / "console").open("wb") as console:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        try:
            yield
        finally:
            process.send_signal(OFF)
            try:
                process.wait(BOOT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), 2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _until(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + BOOT
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise)
        time.sleep(0.1)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def main() -> None:
    """Make the image, or say why there can be no hosts here; in CI that is a failure."""
    if reason := why_not():
        sys.stdout.write(f"NO HOSTS FOR ROLES: {reason}\n")
        sys.exit(1 if os.environ.get("CI") else 0)
    make_image()


if __name__ == "__main__":
    main()
