"""Open connections to MCP servers, one per server and process, shared by its threads; imported when needed."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from mcp import ClientSession
from mcp.shared.dispatcher import Dispatcher
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolRequest, CallToolRequestParams, CallToolResult, TextContent

from remediation.connectors.posts import Posts, now
from remediation.connectors.servers.pairs import schema_digest

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would write a line for every call

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
    """An open connection. After a failure another takes its place, and it closes when the last thread lets go of it."""

    def __init__(self, url: str, token: str) -> None:
        self.key = (url, token)
        posts = Posts(url, token)
        self.close = weakref.finalize(self, posts.close)
        self._session = ClientSession(dispatcher=cast("Dispatcher[Any]", posts))  # it is asked, and never run
        self._lock = threading.Lock()
        """A session forgets what it knows of tools while it learns what is listed now."""
        self._is_open = False
        self._tools: dict[str, Listed] = {}
        self._listed_at = float("-inf")

    def tools(self, *, is_fresh: bool) -> dict[str, Listed]:
        """What the server lists, at most a minute old or, if `is_fresh`, now; Unreachable if it cannot be asked."""
        with self._lock:
            if is_fresh or time.monotonic() - self._listed_at > LISTING_HOLDS_SECONDS:
                try:
                    self._tools = now(self._list())
                except Exception as error:
                    raise Unreachable(said(error)) from error
                self._listed_at = time.monotonic()
            return self._tools

    def call(self, tool: str, arguments: Mapping[str, Any], *, timeout: float) -> Called:
        """Call a tool that is listed; Lost if it was sent and no answer came within `timeout` seconds."""
        request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=dict(arguments)))
        try:
            asked = self._session.send_request(request, CallToolResult, request_read_timeout_seconds=timeout)
            result = now(asked)
            if not result.is_error:
                with self._lock:
                    now(self._session.validate_tool_result(tool, result))
        except Exception as error:
            raise Lost(said(error)) from error
        texts = [part.text for part in result.content if isinstance(part, TextContent)]
        return Called(bool(result.is_error), result.structured_content or {}, "\n".join(texts))

    async def _list(self) -> dict[str, Listed]:
        if not self._is_open:
            await self._open()
        tools = (await self._session.list_tools()).tools
        return {
            tool.name: Listed(schema_digest(tool), tool.annotations.read_only_hint if tool.annotations else None)
            for tool in tools
        }

    async def _open(self) -> None:
        """Agree on a version: servers of before 2026 do not know the question and want to be greeted instead."""
        try:
            await self._session.discover()
        except (MCPError, ValueError, RuntimeError):
            await self._session.initialize()
        self._is_open = True


class Links:
    """The open connections of this process; a forked child begins with none."""

    def __init__(self) -> None:
        self._left_behind: list[object] = []
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[tuple[str, str], Link] = {}

    def forget(self) -> None:
        """In a forked child what is open is the parent's: neither used there nor closed."""
        for link in self._open.values():
            link.close.atexit = False
        self._left_behind.append(self._open)
        self._begin()

    def to(self, url: str, token: str) -> Link:
        """The connection to this server with this token."""
        with self._lock:
            link = self._open.get((url, token))
            if link is None:
                link = self._open[url, token] = Link(url, token)
            return link

    def drop(self, link: Link) -> None:
        """Give a connection that failed to nobody any more."""
        with self._lock:
            if self._open.get(link.key) is link:
                del self._open[link.key]


LINKS = Links()
os.register_at_fork(after_in_child=LINKS.forget)


def said(error: BaseException) -> str:
    """The sentence inside an error, without a full stop."""
    return (error.message if isinstance(error, MCPError) else str(error)).rstrip(".") or type(error).__name__
