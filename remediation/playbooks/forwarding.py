"""The one way out of a jail: a Unix socket that leads to exactly one host's ssh port."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PIECE = 65536
PATIENCE = 10.0
MOST = 8


@contextmanager
def socket_to(address: str, port: int) -> Iterator[Path]:
    """A socket's path; whoever connects to it talks to that address and port, and to nothing else.

    With the block every connection ends, also that of a host which does not answer any more.
    """
    with tempfile.TemporaryDirectory(prefix="countersign-") as folder, contextlib.ExitStack() as opened:
        path = Path(folder, "host.sock")
        listener = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(str(path))
        listener.listen(MOST)
        way = _Way(listener, address, port)
        threading.Thread(target=way.serve, daemon=True).start()
        opened.callback(way.close)
        yield path


@dataclass(frozen=True, slots=True)
class _Way:
    """What leads to the host while a play lasts: who listens, and the sockets of the connections."""

    listener: socket.socket
    address: str
    port: int
    room: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(MOST))
    carried: set[socket.socket] = field(default_factory=set)
    closed: threading.Event = field(default_factory=threading.Event)

    def serve(self) -> None:
        """Carry whatever connects, so many at once."""
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                self.room.acquire()
                threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near: socket.socket) -> None:
        """Connect, and carry bytes both ways until both sides have ended."""
        try:
            with near, socket.create_connection((self.address, self.port), PATIENCE) as far, self.held(near, far):
                far.settimeout(None)
                back = threading.Thread(target=_pump, args=(far, near), daemon=True)
                back.start()
                _pump(near, far)
                back.join()
        except OSError:
            return  # ssh says that the connection was closed
        finally:
            self.room.release()

    @contextmanager
    def held(self, *ends: socket.socket) -> Iterator[None]:
        """Keep these sockets where `close` finds them; one that comes too late ends at once."""
        self.carried.update(ends)
        try:
            if self.closed.is_set():
                _shut(*ends)
            yield
        finally:
            self.carried.difference_update(ends)

    def close(self) -> None:
        """End all of it."""
        self.closed.set()
        _shut(self.listener, *self.carried)


def _shut(*ended: socket.socket) -> None:
    """End sockets, and wake whoever waits on them."""
    for each in ended:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
