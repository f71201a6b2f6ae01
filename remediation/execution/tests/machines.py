"""Real hosts for tests of roles: Debian by systemd-nspawn in network namespaces, with systemd, journald and sshd.

`python -m remediation.execution.tests.machines` makes the image that they share, once (debootstrap, about a minute); it
is kept in `~/.cache/countersign`. A host is that image under a layer in memory. Its mounts and its processes are in
namespaces of its own and end with the process that booted it: a test that is killed leaves no host. systemd-nspawn does
not see to that, and twenty forgotten hosts use up what one user may have of inotify: then no other boots.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from portal.launch.children import die_with_parent
from remediation.execution.tests import hosts

RELEASE = "bookworm"
IMAGE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "countersign", f"{RELEASE}-2")
LOG = IMAGE.with_name(f"{IMAGE.name}.log")
PACKAGES = "systemd,systemd-sysv,dbus,openssh-server,python3,logrotate,sudo,iproute2"
LEFT_OUT = ("getty.target", "timers.target", "systemd-logind.service", "cron.service")
"""Nobody sits in front of these hosts, and nothing happens on them by the clock."""
PROGRAMS = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "ssh": "openssh-client",
}
USER = "deploy"
BOOT = 120.0
TOLD = 3_000
"""How much of its console is shown of a host that does not answer."""
ALONE = """\
set -eu
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/root"
cp -a "$3/." "$1/root"
mount -t cgroup2 cgroup2 /sys/fs/cgroup
group=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/$4
mkdir -p "$group"
echo $$ >"$group/cgroup.procs"
shift 4
exec "$@"
"""
"""What a host begins with, in namespaces of its own: LAYER IMAGE GIVEN GROUP COMMAND. Hosts that share a control group
manage each other's services, so each gets one, whatever this machine uses control groups for."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One host: how it is reached, and its file system as long as it runs."""

    name: str
    address: str
    root: Path
    host_key: str

    def as_yaml(self, key: Path) -> str:
        """Its entry in the file of hosts."""
        lines = [f"address: {self.address}", f"user: {USER}", "become: true", f"key: {{file: {key}}}"]
        return f"  {self.name}:\n" + "".join(f"    {line}\n" for line in [*lines, f"host_key: {self.host_key}"])


def why_not() -> str:
    """Why there are no such hosts here; empty if there are."""
    return why_no_image() or ("" if IMAGE.exists() else f"There is no image: python -m {__name__}")


def why_no_image() -> str:
    """Why this machine cannot make them; empty if it can."""
    if reason := hosts.why_no_namespaces():
        return reason
    lacking = [package for program, package in PROGRAMS.items() if not shutil.which(program)]
    return f"apt-get install {' '.join(lacking)}" if lacking else ""


def make_image() -> None:
    """Build the image; one that was begun and not finished is begun again."""
    begun = IMAGE.with_name(f"{IMAGE.name}.begun")
    shutil.rmtree(begun, ignore_errors=True)
    begun.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("wb") as log:
        for command in (
            ["unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={PACKAGES}", RELEASE, str(begun)],
            ["chroot", str(begun), "useradd", "--create-home", "--shell", "/bin/bash", USER],
            ["chroot", str(begun), "systemctl", "mask", *LEFT_OUT],
        ):
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    (begun / "etc/sudoers.d" / USER).write_text(f"{USER} ALL=(ALL) NOPASSWD: ALL\n")
    (begun / "etc/machine-id").write_text("")
    for own in [*(begun / "etc/ssh").glob("ssh_host_*"), begun / "etc/hostname", begun / "var/lib/dbus/machine-id"]:
        own.unlink(missing_ok=True)
    begun.rename(IMAGE)


@contextmanager
def machines(names: Sequence[str], folder: Path, prepare: Callable[[Path], None]) -> Iterator[list[Machine]]:
    """Hosts of these names, reached by ssh with the key `folder/key`.

    `prepare` puts what each has from the beginning into a folder that is copied over its file system.
    """
    public = _key(folder / "key")
    _forget_groups()
    with hosts.bridge() as (_, namespace), ExitStack() as opened:
        opened.callback(_forget_groups)
        made = []
        for number, name in enumerate(names, start=1):
            within, _ = namespace(number)
            given = folder / name / "given"
            host_key = _let_in(given, public)
            prepare(given)
            process = opened.enter_context(_booted(name, folder / name, within[-1]))
            root = Path(f"/proc/{process.pid}/root{folder / name}/layer/root")
            made.append((Machine(name, hosts.address_of(number), root, host_key), process))
        for machine, process in made:
            _until_it_answers(machine, process, folder / machine.name / "console")
        yield [machine for machine, _ in made]


def _key(path: Path) -> str:
    """Make a pair of keys; the public one."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
    return path.with_suffix(".pub").read_text()


def _let_in(given: Path, public: str) -> str:
    """Have the host let in whoever has the key, and know itself by a key of its own; that one's public half."""
    home, ssh = given / "home" / USER, given / "etc/ssh"
    for folder in (home / ".ssh", ssh, given / "var/log"):
        folder.mkdir(parents=True)
    (home / ".ssh/authorized_keys").write_text(public)
    owner = (IMAGE / "home" / USER).stat()
    for path in (home, *home.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    return " ".join(_key(ssh / "ssh_host_ed25519_key").split()[:2])


@contextmanager
def _booted(name: str, folder: Path, namespace: str) -> Iterator[subprocess.Popen[bytes]]:
    layer = folder / "layer"
    layer.mkdir()
    nspawn = ["systemd-nspawn", "-q", "-D", str(layer / "root"), f"--machine={name}", "--register=no", "--keep-unit"]
    nspawn += [f"--network-namespace-path=/run/netns/{namespace}", "--capability=CAP_NET_ADMIN", "-b"]
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", ALONE, "alone"]
    alone += [str(layer), str(IMAGE), str(folder / "given"), namespace]
    with (folder / "console").open("wb") as console:
        process = subprocess.Popen(
            [*alone, *nspawn],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            preexec_fn=partial(die_with_parent, signal.SIGKILL),  # noqa: PLW1509 - it takes no lock
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _until_it_answers(machine: Machine, process: subprocess.Popen[bytes], console: Path) -> None:
    deadline = time.monotonic() + BOOT
    while not _answers(machine.address):
        if process.poll() is not None or time.monotonic() > deadline:
            state = "does not answer" if process.returncode is None else f"ended with {process.returncode}"
            raise RuntimeError(f"{machine.name} {state}. Its console:\n{console.read_text(errors='replace')[-TOLD:]}")
        time.sleep(0.1)


def _answers(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), 2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _forget_groups() -> None:
    """Remove the control groups of hosts that are gone; those that are still busy are for the next time."""
    groups = Path("/proc/self/cgroup").read_text().splitlines()
    below = next((line[3:] for line in groups if line.startswith("0::")), "/")
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    for place in [Path(place + below) for _, place, kind, *_ in mounts if kind == "cgroup2"]:
        for group in [group for group in place.glob("cs*") if hosts.is_left_over(group, own=True)]:
            for folder in sorted([group, *group.rglob("*/")], reverse=True):
                with suppress(OSError):
                    folder.rmdir()


def main() -> None:
    """Make the image unless it is there, and boot a host; fail, and say in a line why there are no hosts here."""
    if reason := why_no_image() or _why_none_boots():
        sys.stdout.write(f"NO HOSTS FOR ROLES: {reason}\n")
        sys.exit(1)


def _why_none_boots() -> str:
    try:
        if not IMAGE.exists():
            sys.stdout.write("Making the image of the hosts for roles (once, a minute) ...\n")
            make_image()
        with tempfile.TemporaryDirectory() as folder, machines(["trial"], Path(folder), lambda _: None):
            return ""
    except subprocess.CalledProcessError as error:
        return f"{error.cmd[0]} ended with {error.returncode}; {LOG} has the making of their image."
    except RuntimeError as error:
        first, *console = [line.strip() for line in str(error).splitlines() if line.strip()]
        return " ".join([first, "…", *console[-4:]])


if __name__ == "__main__":
    main()
