"""The one way out of a jail carries bytes both ways, and leaves nothing behind."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack

from remediation.playbooks import forwarding

PATIENCE = 60


def test_it_carries_both_ways_and_ends_with_its_block_although_the_host_does_not() -> None:
    before = set(threading.enumerate())
    with ExitStack() as opened:
        server = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        with forwarding.socket_to(*server.getsockname()) as path:
            near = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            near.connect(str(path))
            near.sendall(b"asked")
            far, _ = server.accept()
            opened.enter_context(far)
            assert far.recv(5, socket.MSG_WAITALL) == b"asked"
            far.sendall(b"answered")
            assert near.recv(8, socket.MSG_WAITALL) == b"answered"
        left = set(threading.enumerate()) - before
        for each in left:
            each.join(PATIENCE)
        assert not [each for each in left if each.is_alive()]
    assert not path.parent.exists()
