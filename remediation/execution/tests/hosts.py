"""Worker hosts for tests: machines of their own as far as the network goes, and wires that can be cut.

As root, where `ip` is installed and the kernel allows it, each host is a network namespace on a bridge. Elsewhere it is
a group of processes whose only way to the database is a wire; `python -m remediation.execution.tests.hosts` says which.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[3]
Connect = Callable[[], socket.socket]
OWNER = re.compile(r"cs(\d+)")
"""How links, namespaces and control groups are named: after the test process that made them."""
NO_NAMESPACES = "NO NETWORK NAMESPACES: hosts are groups of processes behind a proxy."


class Wire:
    """Forwards TCP. While it is cut nothing passes and nothing is refused: a cable that somebody pulled out.

    `hold` keeps back the next bytes that contain a text, with all that follow on that connection, until `release`.
    """

    def __init__(self, addresses: Sequence[str], connect: Connect, *, port: int = 0) -> None:
        self._connect = connect
        self._passes, self._released = threading.Event(), threading.Event()
        self._needle = b""
        self.holds = threading.Event()
        self._passes.set()
        self.port, self.addresses = port, addresses
        self._listeners = [self._listen(address) for address in addresses]

    def cut(self) -> None:
        """Nothing passes from now on."""
        self._passes.clear()

    def mend(self) -> None:
        """Everything that was sent meanwhile arrives."""
        self._passes.set()

    def hold(self, needle: bytes) -> None:
        """Keep back the next bytes that contain this; `holds` says when that happened."""
        self._needle = needle

    def release(self) -> None:
        """What was kept back arrives."""
        self._released.set()

    def close(self) -> None:
        """No new connections."""
        self.mend()
        self.release()
        for listener in self._listeners:
            listener.close()

    def _listen(self, address: str) -> socket.socket:
        """On the same port at every address."""
        listener = socket.create_server((address, self.port))
        self.port = listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = self._connect()
                for pump in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._pump, args=pump, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, is_request: bool) -> None:  # noqa: FBT001 - two ways
        with suppress(OSError):
            while data := source.recv(65536):
                self._passes.wait()
                if is_request and self._needle and self._needle in data:
                    self._needle = b""
                    self.holds.set()
                    self._released.wait()
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)  # wakes the pump of the other way, which closes its own source
        source.close()


@dataclass
class Host:
    """One machine: what it is started with, and its wire to the database."""

    name: str
    database: Wire
    within: Sequence[str] = ()
    link: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *, database: str, lab: Wire, environment: Mapping[str, str]) -> None:
        """Start the execution workers; `database` is a URL with `{port}` for this host's wire.

        The lab answers to loopback addresses only, so a namespace has a way there on a loopback of its own.
        """
        if self.within:
            self._run("-m", __name__, self.database.addresses[0], str(lab.port), environment=environment)
        workers = [str(ROOT / "manage.py"), "workers", "execution", "--processes", "1"]
        self._run(*workers, environment={**environment, "DATABASE_URL": database.format(port=self.database.port)})

    def _run(self, *command: str, environment: Mapping[str, str]) -> None:
        self.processes.append(subprocess.Popen([*self.within, sys.executable, *command], cwd=ROOT, env=environment))

    def cut_off(self) -> None:
        """Nobody hears of it any more, and it hears of nobody."""
        self.database.cut()
        if self.link:
            _ip("link", "set", self.link, "down")

    def bring_back(self) -> None:
        """It is there again, and does not know that it was gone."""
        if self.link:
            _ip("link", "set", self.link, "up")
        self.database.mend()

    def stop(self) -> None:
        """End it, and with it, by its own doing, all that it started."""
        for process in self.processes:
            process.kill()
            process.wait()


@dataclass
class Network:
    """Hosts that reach the test process, and nothing else, at `address`."""

    address: str
    hosts: list[Host] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)

    def wire(self, connect: Connect) -> Wire:
        """A wire that the hosts reach at `address`, and this process on its loopback."""
        made = Wire(list(dict.fromkeys([self.address, "127.0.0.1"])), connect)
        self.wires.append(made)
        return made


@contextmanager
def network(names: Sequence[str], database: Connect) -> Iterator[Network]:
    """Hosts of these names, each with a wire of its own to the database; all of it is gone at the end."""
    with _loopback() if why_no_namespaces() else bridge() as (address, namespace):
        made = Network(address)
        try:
            for number, name in enumerate(names, start=1):
                within, link = namespace(number)
                made.hosts.append(Host(name, made.wire(database), within, link))
            yield made
        finally:
            for host in made.hosts:
                host.stop()
            for wire in made.wires:
                wire.close()


Namespace = Callable[[int], tuple[Sequence[str], str]]


def why_no_namespaces() -> str:
    """Why hosts cannot be network namespaces here, and what to do about it; empty if they can."""
    if os.geteuid() != 0:
        return "Only root makes them: sudo make test-hosts."
    if shutil.which("ip") is None:
        return "There is no `ip`: apt-get install iproute2."
    name = f"cs{os.getpid()}-try"
    for undo, do in (
        (["ip", "netns", "delete", name], ["ip", "netns", "add", name]),
        (["ip", "link", "delete", name], ["ip", "link", "add", name, "type", "bridge"]),
    ):
        tried = subprocess.run(do, check=False, capture_output=True, text=True)
        if tried.returncode:
            return f"The kernel refuses: {tried.stderr.strip()}. A container needs CAP_NET_ADMIN and CAP_SYS_ADMIN."
        subprocess.run(undo, check=True)
    return ""


@contextmanager
def _loopback() -> Iterator[tuple[str, Namespace]]:
    yield "127.0.0.1", lambda _: ((), "")


@contextmanager
def bridge() -> Iterator[tuple[str, Namespace]]:
    """A bridge of this test process, and a way to put namespaces on it."""
    bridge, made = f"cs{os.getpid()}", dict[str, str]()

    def namespace(number: int) -> tuple[Sequence[str], str]:
        name, link = f"{bridge}-{number}", f"{bridge}v{number}"
        _ip("netns", "add", name)
        made[name] = link
        _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", link, "master", bridge, "up")
        _ip("-n", name, "address", "add", f"{address_of(number)}/24", "dev", "eth0")
        _ip("-n", name, "link", "set", "eth0", "up")
        _ip("-n", name, "link", "set", "lo", "up")
        return ["ip", "netns", "exec", name], link

    tidy_up(own=True)
    _ip("link", "add", bridge, "type", "bridge")
    try:
        _ip("address", "add", f"{_subnet()}.1/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        yield f"{_subnet()}.1", namespace
    finally:
        for name, link in made.items():
            _ip("link", "delete", link)  # a namespace may outlive its name for as long as one of its sockets does
            _ip("netns", "delete", name)
        _ip("link", "delete", bridge)


def is_left_over(made: Path, *, own: bool = False) -> bool:
    """Whether what carries this name was made by a test process that is gone; `own`: or by one with our number."""
    owner = OWNER.match(made.name)
    if owner is None:
        return False
    return own if owner[1] == str(os.getpid()) else not Path("/proc", owner[1]).exists()


def tidy_up(*, own: bool = False) -> None:
    """Remove what test processes left behind that were killed; `own`: that one with our number left, too."""
    for kind, folder in (("link", "/sys/class/net"), ("netns", "/run/netns")):
        for made in [made for made in Path(folder).glob("cs*") if is_left_over(made, own=own)]:
            subprocess.run(["ip", kind, "delete", made.name], check=False, capture_output=True)


def address_of(number: int) -> str:
    """Where the host of that number is on the bridge."""
    return f"{_subnet()}.{number + 1}"


def _subnet() -> str:
    """A network of this process's own, so that two of them can be tested at once."""
    return f"10.203.{os.getpid() % 250}"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def _relay(there: str, port: int) -> None:
    """Within a namespace: its loopback leads to this address."""
    Wire(["127.0.0.1"], lambda: socket.create_connection((there, port)), port=port)
    threading.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _relay(sys.argv[1], int(sys.argv[2]))
    else:
        found = why_no_namespaces()
        sys.stdout.write(f"{NO_NAMESPACES} {found}\n" if found else "Every host is a network namespace of its own.\n")
