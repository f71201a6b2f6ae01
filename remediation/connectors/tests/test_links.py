"""Servers unlike our own: of before 2026, with a session and answers in events; and such as break a promise."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from remediation.connectors.link import LINKS, Called, Link, Lost, Unreachable

TOKEN = "token-of-the-tests"
OUTPUT = {"type": "object", "properties": {"full": {"type": "integer"}}, "required": ["full"]}
DISK: dict[str, Any] = {"name": "disk", "inputSchema": {"type": "object"}, "outputSchema": OUTPUT}
GREETED = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "old", "version": "1"},
}
REDIRECTS = {
    "/mcp": ("307 Temporary Redirect", "Location: /mcp/"),
    "/moved": ("307 Temporary Redirect", "Location: http://localhost:1/mcp/"),
}
PING = {"jsonrpc": "2.0", "id": "are-you-there", "method": "ping"}
NEWS = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "Looking."}}


class Older(BaseHTTPRequestHandler):
    """An MCP server of 2025: it greets, keeps a session, and answers with events. `received` is what it was sent."""

    protocol_version = "HTTP/1.1"
    received: list[tuple[str, dict[str, Any]]]
    answers: Callable[[dict[str, Any]], list[dict[str, Any]] | None]

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/mcp/":
            self._end(*REDIRECTS.get(self.path, ("404 Not Found",)))
            return
        self.received.append((self.headers.get("Mcp-Session-Id", ""), said))
        if said.get("method") == "initialize":
            self._send([_result(said, GREETED)], "Mcp-Session-Id: s-1")
        elif self.headers.get("Mcp-Session-Id") != "s-1":
            self._end("400 Bad Request")
        elif "id" not in said or "method" not in said:
            self._end("202 Accepted")
        elif said["method"] == "tools/list":
            self._send([_result(said, {"tools": [DISK]})])
        else:
            self._send(type(self).answers(said))

    def do_DELETE(self) -> None:
        self.received.append((self.headers.get("Mcp-Session-Id", ""), {"method": "DELETE"}))
        self._end("200 OK")

    def log_message(self, *_: Any) -> None:
        """Nothing."""

    def _end(self, status: str, *headers: str) -> None:
        self.wfile.write("\r\n".join([f"HTTP/1.1 {status}", "Content-Length: 0", *headers, "", ""]).encode())

    def _send(self, messages: list[dict[str, Any]] | None, *headers: str) -> None:
        """As events, a comment between them; None: comments without end."""
        lines = ["HTTP/1.1 200 OK", "Content-Type: text/event-stream; charset=utf-8", "Connection: close", *headers]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode())
        for message in messages or []:
            whole = json.dumps(message, indent=1).replace("\n", "\r\ndata: ")
            self.wfile.write(f": alive\r\n\r\nevent: message\r\ndata: {whole}\r\n\r\n".encode())
        while messages is None:
            self.wfile.write(b": alive\n\n")
            time.sleep(0.05)
        self.close_connection = True


def _result(asked: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": asked["id"], "result": result}


def full(percent: object) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": f"{percent} %"}], "structuredContent": {"full": percent}}


@contextmanager
def older(answers: Callable[[dict[str, Any]], list[dict[str, Any]] | None]) -> Iterator[tuple[Link, list[Any]]]:
    received: list[tuple[str, dict[str, Any]]] = []
    made = type("Made", (Older,), {"received": received, "answers": staticmethod(answers)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), made)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    link = Link(f"http://127.0.0.1:{server.server_port}/mcp", TOKEN)
    try:
        yield link, received
    finally:
        link.close()
        server.shutdown()
        server.server_close()


def test_a_server_of_before_2026_is_greeted_and_answers_in_events() -> None:
    with older(lambda said: [NEWS, PING, _result(said, full(98))]) as (link, received):
        assert set(link.tools(is_fresh=False)) == {"disk"}
        assert link.call("disk", {"host": "a"}, timeout=5) == Called(False, {"full": 98}, "98 %")
    assert [(session, said.get("method")) for session, said in received] == [
        ("", "server/discover"),
        ("", "initialize"),
        ("s-1", "notifications/initialized"),
        ("s-1", "tools/list"),
        ("s-1", "tools/call"),
        ("s-1", None),
        ("s-1", "DELETE"),
    ]
    assert received[5][1] == {"jsonrpc": "2.0", "id": "are-you-there", "result": {}}


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        (lambda said: [_result(said, full("much"))], "Invalid structured content"),
        (lambda said: [_result(said, {"content": []})], "did not return structured content"),
        (lambda said: [{"jsonrpc": "2.0", "id": said["id"], "error": {"code": 1, "message": "No."}}], "No"),
        (lambda _: [NEWS], "status 200 and nothing else"),
        (lambda _: None, "takes too long"),
    ],
)
def test_an_answer_that_is_none_is_lost(answers: Callable[[Any], Any], why: str) -> None:
    with older(answers) as (link, _):
        link.tools(is_fresh=True)
        with pytest.raises(Lost, match=why):
            link.call("disk", {}, timeout=0.5)


@pytest.mark.parametrize(("path", "why"), [("elsewhere", "status 404"), ("moved", "status 307")])
def test_who_is_no_mcp_server_cannot_be_reached(path: str, why: str) -> None:
    with older(lambda _: []) as (link, _), pytest.raises(Unreachable, match=why):
        Link(link.key[0].replace("mcp", path), TOKEN).tools(is_fresh=True)


def test_who_gives_up_on_a_connection_takes_it_from_nobody() -> None:
    def answers(said: dict[str, Any]) -> list[dict[str, Any]]:
        time.sleep(said["params"]["arguments"]["seconds"])
        return [_result(said, full(98))]

    with older(answers) as (link, _), ThreadPoolExecutor() as pool:
        LINKS._open[link.key] = link
        link.tools(is_fresh=True)
        slow = pool.submit(link.call, "disk", {"seconds": 1}, timeout=10)
        with pytest.raises(Lost, match="timed out"):
            link.call("disk", {"seconds": 0.5}, timeout=0.1)
        LINKS.drop(link)
        assert LINKS.to(*link.key) is not link
        assert slow.result().data == {"full": 98}
        LINKS.drop(LINKS.to(*link.key))


def test_several_threads_share_a_connection() -> None:
    def ask(host: int) -> set[int]:
        seen = set()
        for _ in range(10):
            link.tools(is_fresh=True)
            seen.add(link.call("disk", {"host": host}, timeout=10).data["full"])
        return seen

    def answers(said: dict[str, Any]) -> list[dict[str, Any]]:
        return [_result(said, full(said["params"]["arguments"]["host"]))]

    with older(answers) as (link, _), ThreadPoolExecutor() as pool:
        assert list(pool.map(ask, range(4))) == [{0}, {1}, {2}, {3}]
