"""Runs inside the jail as ssh's ProxyCommand: carries bytes between ssh and the one socket that leads out."""

from __future__ import annotations

import os
import selectors
import socket
import sys

PIECE = 65536


def main() -> None:
    """Carry bytes both ways until the far side closes."""
    far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    far.connect(sys.argv[1])
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(far, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                piece = os.read(key.fd, PIECE)
                if key.fd == 0 and not piece:
                    selector.unregister(0)
                    far.shutdown(socket.SHUT_WR)
                elif not piece:
                    return
                elif key.fd == 0:
                    far.sendall(piece)
                else:
                    _write(piece)


def _write(piece: bytes) -> None:
    while piece:
        piece = piece[os.write(1, piece) :]


if __name__ == "__main__":
    main()
