"""The web server's worker: a request that does not arrive in time is let go, so that nobody holds the site by it."""

from __future__ import annotations

import socket
import time
from typing import Any

from gunicorn.http.errors import NoMoreData
from gunicorn.workers.gthread import TConn, ThreadWorker


class Arriving:
    """A connection whose next request, with head and body, has to be there within so many seconds."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._until = 0.0

    def expect(self, *, within: float) -> None:
        """Begin to wait for a request."""
        self._until = time.monotonic() + within

    def recv(self, size: int) -> bytes:
        """What has arrived; NoMoreData once time is up, which the server takes for a client that has gone."""
        try:
            self._connection.settimeout(max(self._until - time.monotonic(), 0.001))
            return self._connection.recv(size)
        except TimeoutError:
            raise NoMoreData from None
        finally:
            self._connection.settimeout(None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Threads that wait for a request as long as `--timeout` says and no longer."""

    def handle(self, conn: TConn) -> Any:
        """Serve the next request of a connection."""
        if not isinstance(conn.sock, Arriving):
            conn.sock = Arriving(conn.sock)
        conn.sock.expect(within=self.cfg.timeout)
        return super().handle(conn)
