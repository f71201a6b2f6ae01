"""The one way out of a jail: a Unix socket that leads to exactly one host's ssh port."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PIECE = 65536
PATIENCE = 10.0
MOST = 8


@contextmanager
def socket_to(address: str, port: int) -> Iterator[Path]:
    """A socket's path; whoever connects to it talks to that address and port, and to nothing else."""
    with tempfile.TemporaryDirectory(prefix="countersign-") as folder, contextlib.ExitStack() as opened:
        path = Path(folder, "host.sock")
        listener = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(str(path))
        listener.listen(MOST)
        threading.Thread(target=_serve, args=(listener, address, port), daemon=True).start()
        opened.callback(_shut, listener)
        yield path


def _shut(ended: socket.socket) -> None:
    """End a socket, and wake whoever waits on it."""
    with contextlib.suppress(OSError):
        ended.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, address: str, port: int) -> None:
    room = threading.BoundedSemaphore(MOST)
    with contextlib.suppress(OSError):
        while True:
            near, _ = listener.accept()
            room.acquire()
            threading.Thread(target=_carry, args=(near, address, port, room), daemon=True).start()


def _carry(near: socket.socket, address: str, port: int, room: threading.BoundedSemaphore) -> None:
    """Connect, and carry bytes both ways until both sides have ended."""
    try:
        with near, socket.create_connection((address, port), PATIENCE) as far:
            far.settimeout(None)
            back = threading.Thread(target=_pump, args=(far, near), daemon=True)
            back.start()
            _pump(near, far)
            back.join()
    except OSError:
        return  # ssh says that the connection was closed
    finally:
        room.release()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
