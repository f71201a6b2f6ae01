"""Carries what a session of the MCP library asks to its server: a POST each, answered with JSON or a stream of events.

It waits for nothing but its socket, in the thread that asks, and several may ask at once. The library's own transport
hands every message from task to task on an event loop, which takes as long as all the rest of a step.
"""

from __future__ import annotations

import json
import time
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from itertools import count
from typing import Any, TypeVar

import httpx2
from mcp.shared.dispatcher import CallOptions
from mcp.shared.exceptions import MCPError
from mcp.types import INTERNAL_ERROR, METHOD_NOT_FOUND, ErrorData

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 5.0
"""How long a server may take for what is not said to take longer."""
SESSION = "Mcp-Session-Id"

T = TypeVar("T")


def now(asked: Coroutine[Any, Any, T]) -> T:
    """What a session answers that asks by `Posts`, which never has it wait: no event loop is needed."""
    try:
        asked.send(None)
    except StopIteration as answered:
        result: T = answered.value
        return result
    asked.close()
    raise RuntimeError("The session waits for something else than an answer to a POST.")


class Posts:
    """The way to one server with one token: what a session takes for its dispatcher, as far as it asks anything."""

    def __init__(self, url: str, token: str) -> None:
        self._url = httpx2.URL(url)
        self._numbers = count(1)
        self._session: dict[str, str] = {}
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
        }
        self._http = httpx2.Client(headers=headers)

    async def send_raw_request(
        self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None
    ) -> dict[str, Any]:
        """The result of a request; MCPError if the server says that it failed, TimeoutError if it took too long."""
        number, options = next(self._numbers), opts or {}
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}
        give_up_at = time.monotonic() + options.get("timeout", ANSWER_SECONDS)
        with self._post(message, options) as response:
            if method == "initialize" and SESSION in response.headers:
                self._session = {SESSION: response.headers[SESSION]}
            for said in _messages(_in_time(response, give_up_at), response.headers.get("Content-Type", "")):
                if "method" not in said:
                    return _result(said, response)
                if "id" in said:
                    self._reply(said)
        raise MCPError(INTERNAL_ERROR, f"the server answers with status {response.status_code} and nothing else")

    async def notify(self, method: str, params: Mapping[str, Any] | None, opts: CallOptions | None = None) -> None:
        """Tell the server something that has no answer."""
        with self._post({"jsonrpc": "2.0", "method": method, "params": params or {}}, opts or {}):
            pass

    def close(self) -> None:
        """End a session that the server keeps, and let the connections go."""
        if self._session:
            with suppress(httpx2.HTTPError):
                self._http.delete(self._url, headers=self._session, timeout=CONNECT_SECONDS)
        self._http.close()

    def _reply(self, asked: Mapping[str, Any]) -> None:
        """A server may ask whether anybody is there, and nothing else."""
        other = {"error": {"code": METHOD_NOT_FOUND, "message": "This client answers no questions."}}
        answer = {"result": {}} if asked["method"] == "ping" else other
        with self._post({"jsonrpc": "2.0", "id": asked["id"], **answer}, {}):
            pass

    @contextmanager
    def _post(self, message: Mapping[str, Any], options: CallOptions) -> Iterator[httpx2.Response]:
        timeout = httpx2.Timeout(CONNECT_SECONDS, read=options.get("timeout", ANSWER_SECONDS))
        headers = {**self._session, **options.get("headers", {})}
        request = self._http.build_request("POST", self._url, json=message, headers=headers, timeout=timeout)
        response = self._http.send(request, stream=True)
        if onward := _onward(response):
            response.close()
            response = self._http.send(onward, stream=True)
        with closing(response):
            yield response


def _onward(response: httpx2.Response) -> httpx2.Request | None:
    """Where a redirect leads, if it keeps what was asked and stays on the server: the token goes nowhere else."""
    onward, asked = response.next_request, response.request
    if onward is None or onward.method != asked.method or _origin(onward) != _origin(asked):
        return None
    return onward


def _origin(request: httpx2.Request) -> tuple[str, str, int | None]:
    return request.url.scheme, request.url.host, request.url.port


def _in_time(response: httpx2.Response, give_up_at: float) -> Iterator[bytes]:
    """The answer as it comes: no single wait is longer than the whole may take."""
    for part in response.iter_bytes():
        if time.monotonic() > give_up_at:
            raise TimeoutError("the answer takes too long")
        yield part


def _messages(parts: Iterable[bytes], kind: str) -> Iterator[Mapping[str, Any]]:
    if kind.startswith("text/event-stream"):
        yield from _events(parts)
    elif kind.startswith("application/json"):
        yield json.loads(b"".join(parts))


def _events(parts: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    """The messages in a stream of events; an empty line ends each, and comments keep the stream alive."""
    data: list[bytes] = []
    for line in _lines(parts):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            yield json.loads(b"\n".join(data))
            data = []


def _lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).replace(b"\r\n", b"\n").split(b"\n")
        yield from lines


def _result(said: Mapping[str, Any], response: httpx2.Response) -> dict[str, Any]:
    result, error = said.get("result"), said.get("error")
    if isinstance(result, dict):
        return result
    if isinstance(error, dict):
        raise MCPError.from_error_data(ErrorData.model_validate(error))
    raise MCPError(INTERNAL_ERROR, f"the server answers with status {response.status_code}: {error}")
