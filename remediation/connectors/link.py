"""Open connections to MCP servers, one per server and process, on an event loop in a thread; imported when needed."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import anyio
import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent

from remediation.connectors.servers.pairs import schema_digest

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would write a line for every call

CONNECT_SECONDS = 5.0
LISTING_HOLDS_SECONDS = 60.0


class Unreachable(Exception):
    """The server cannot be talked to, and nothing was sent."""


class Lost(Exception):
    """A call was sent and no answer came: timed out, or the connection broke."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A tool as the server lists it now."""

    digest: str
    is_read_only: bool | None


@dataclass(frozen=True, slots=True)
class Called:
    """A server's answer to a call."""

    is_error: bool
    data: Mapping[str, Any]
    text: str


class Link:
    """An open connection. After a failure it is dropped and another takes its place."""

    def __init__(self, portal: BlockingPortal, url: str, token: str) -> None:
        self.key = (url, token)
        self._portal = portal
        self._closing: anyio.Event = portal.call(anyio.Event)
        self._opened: Future[Client] = Future()
        self._held = portal.start_task_soon(self._hold)
        self._tools: dict[str, Listed] = {}
        self._listed_at = float("-inf")

    def tools(self, *, is_fresh: bool) -> dict[str, Listed]:
        """What the server lists, at most a minute old or, if `is_fresh`, now; Unreachable if it cannot be asked."""
        client = self._client()
        if is_fresh or time.monotonic() - self._listed_at > LISTING_HOLDS_SECONDS:
            try:
                self._tools = self._portal.call(_list, client)
            except (Exception, BaseExceptionGroup) as error:
                raise Unreachable(said(error)) from error
            self._listed_at = time.monotonic()
        return self._tools

    def call(self, tool: str, arguments: Mapping[str, Any], *, timeout: float) -> Called:
        """Call a tool; Lost if it was sent and no answer came within `timeout` seconds."""
        client = self._client()
        try:
            result = self._portal.call(_call, client, tool, arguments, timeout)
        except (Exception, BaseExceptionGroup) as error:
            raise Lost(said(error)) from error
        texts = [part.text for part in result.content if isinstance(part, TextContent)]
        return Called(bool(result.is_error), result.structured_content or {}, "\n".join(texts))

    def close(self) -> None:
        """Let the connection go."""
        self._portal.call(self._closing.set)
        self._held.cancel()

    def _client(self) -> Client:
        either: tuple[Future[Any], ...] = (self._opened, self._held)
        wait(either, CONNECT_SECONDS, FIRST_COMPLETED)
        if self._opened.done():
            return self._opened.result()
        if self._held.done() and (error := self._held.exception()):
            raise Unreachable(said(error)) from error
        raise Unreachable(f"no connection within {CONNECT_SECONDS:g} seconds")

    async def _hold(self) -> None:
        url, token = self.key
        async with (
            httpx2.AsyncClient(
                headers={"Authorization": f"Bearer {token}"}, timeout=httpx2.Timeout(CONNECT_SECONDS, read=None)
            ) as http,
            Client(streamable_http_client(url, http_client=http), cache=None) as client,
        ):
            self._opened.set_result(client)
            await self._closing.wait()


class Links:
    """The open connections of this process; a forked child begins with none."""

    def __init__(self) -> None:
        self._left_behind: list[ExitStack] = []
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None
        self._open: dict[tuple[str, str], Link] = {}

    def forget(self) -> None:
        """In a forked child the thread with the event loop is missing; letting go of the loop would wait for it."""
        self._left_behind.append(self._stack)
        self._begin()

    def to(self, url: str, token: str) -> Link:
        """The connection to this server with this token."""
        with self._lock:
            if self._portal is None:
                self._portal = self._stack.enter_context(start_blocking_portal())
            link = self._open.get((url, token))
            if link is None:
                link = self._open[url, token] = Link(self._portal, url, token)
            return link

    def drop(self, link: Link) -> None:
        """Close a connection that failed, unless somebody was quicker."""
        if self._open.get(link.key) is link:
            del self._open[link.key]
            link.close()

    def close(self) -> None:
        """Close all of them."""
        for link in list(self._open.values()):
            self.drop(link)
        self._stack.close()
        self._portal = None


LINKS = Links()
atexit.register(LINKS.close)
os.register_at_fork(after_in_child=LINKS.forget)


def said(error: BaseException) -> str:
    """The sentences inside an error, without a full stop; groups of errors are opened up."""
    return "; ".join(dict.fromkeys(str(leaf).rstrip(".") or type(leaf).__name__ for leaf in _leaves(error)))


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


async def _list(client: Client) -> dict[str, Listed]:
    with anyio.fail_after(CONNECT_SECONDS):
        tools = (await client.list_tools()).tools
    return {
        tool.name: Listed(schema_digest(tool), tool.annotations.read_only_hint if tool.annotations else None)
        for tool in tools
    }


async def _call(client: Client, tool: str, arguments: Mapping[str, Any], timeout: float) -> CallToolResult:  # noqa: ASYNC109 - the seconds of one call
    with anyio.fail_after(timeout):
        return await client.call_tool(tool, dict(arguments), read_timeout_seconds=timeout)
