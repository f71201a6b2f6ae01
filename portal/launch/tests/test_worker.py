"""The web server against senders that take their time: a real server, real sockets, fewer threads than attackers."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.launch import installation

pytestmark = pytest.mark.early
THREADS, PATIENCE = 2, 3
HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
ECHO = """
def application(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A server that waits a few seconds for a request."""
    port = installation.any_port()
    (tmp_path / "echo.py").write_text(ECHO)
    limits = ["--threads", str(THREADS), "--timeout", str(PATIENCE)]
    options = ["--bind", f"127.0.0.1:{port}", *limits, "--no-control-socket"]
    command = [sys.executable, "-m", "gunicorn", "echo", *options, *installation.WORKER, "--pythonpath", str(tmp_path)]
    server = subprocess.Popen(command, cwd=installation.ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not installation.answers(f"http://127.0.0.1:{port}", "/"):
        assert server.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield port
    server.terminate()
    server.wait()


@pytest.mark.parametrize("begun", [HEAD, HEAD + b"\r\nso far"], ids=["head", "body"])
def test_senders_that_take_their_time_hold_no_thread(port: int, begun: bytes) -> None:
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(2 * THREADS)]
    for connection in slow:
        connection.sendall(begun)
    for connection in slow:
        connection.settimeout(60)
        assert connection.recv(1) == b"", "ended by the server, without an answer"
        connection.close()
    assert installation.answers(f"http://127.0.0.1:{port}", "/")


def test_a_connection_that_is_kept_has_the_time_again_for_each_request(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for body in (b"x" * 3_000_000, b"", b"last"):
        time.sleep(PATIENCE * 0.4)
        connection.request("POST", "/", body)
        assert connection.getresponse().read() == body
    connection.close()
