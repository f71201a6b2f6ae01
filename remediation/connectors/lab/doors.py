"""What stands before the lab's servers: the token each door asks for, and connections that break on purpose."""

from __future__ import annotations

import hmac
import json

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from remediation.connectors.lab.faults import Faults, Kind

PROMISED = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
"""An answer that is announced and never comes."""


class Guarded:
    """Lets in who brings the door's token; an empty token opens nothing."""

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()
        self._is_open = bool(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope).get("authorization", "").encode()
        if self._is_open and hmac.compare_digest(given, self._expected):
            await self._app(scope, receive, send)
        else:
            await JSONResponse({"error": "The lab does not know this token here."}, 401)(scope, receive, send)


class Breakable:
    """Breaks the connection after the work is done where a fault asks for it: the caller cannot know the outcome."""

    def __init__(self, app: ASGIApp, *, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        tool = _called_tool(body)
        if tool and self._faults.strike(tool, Kind.LOSES_CONNECTION):
            await self._app(scope, _replay(body, receive), _swallow)
            await send({"type": "http.response.start", "status": 200, "headers": PROMISED})
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
        else:
            await self._app(scope, _replay(body, receive), send)


def _called_tool(body: bytes) -> str:
    try:
        message = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(message, dict) or message.get("method") != "tools/call":
        return ""
    return str(message.get("params", {}).get("name", ""))


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body again, then whatever else the client sends: its going away."""
    rest: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return rest.pop() if rest else await receive()

    return again


async def _swallow(message: Message) -> None:
    """Send an answer nowhere."""
