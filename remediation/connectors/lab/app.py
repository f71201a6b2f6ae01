"""The lab as one web application: two servers per family, its health, and its controls behind a third token."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from mcp.server import MCPServer
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, request_response
from starlette.types import ASGIApp

from remediation.connectors.lab import metrics
from remediation.connectors.lab.doors import Breakable, Guarded
from remediation.connectors.lab.faults import Fault
from remediation.connectors.lab.pairs import pairs
from remediation.connectors.lab.site import SOURCE, Lab
from remediation.connectors.servers.common import CannotBeDone


@dataclass(frozen=True, slots=True)
class Tokens:
    """What each door asks for."""

    read: str
    write: str
    admin: str


class Change(BaseModel):
    """Somebody else's change to the estate."""

    model_config = ConfigDict(extra="forbid")

    target: str
    field: str
    value: str | int | bool | None


def application(lab: Lab, tokens: Tokens) -> Starlette:
    """Everything under one port: `/<family>/read`, `/<family>/write`, `/health`, `/metrics`, `/lab/...`."""
    servers: list[MCPServer[Any]] = []
    routes: list[BaseRoute] = [Route("/health", _health(lab))]
    for family, pair in pairs(lab).items():
        servers.append(pair.read)
        path = f"/{family}/read"
        routes.append(Route(path, Guarded(_served(pair.read, path), token=tokens.read)))
        if pair.write:
            servers.append(pair.write)
            path = f"/{family}/write"
            writing = Breakable(_served(pair.write, path), faults=lab.faults)
            routes.append(Route(path, Guarded(writing, token=tokens.write)))
    routes.append(Route("/metrics", Guarded(_metrics(lab), token=tokens.read)))
    routes.append(Mount("/lab", Guarded(Starlette(routes=_controls(lab)), token=tokens.admin)))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for server in servers:
                await stack.enter_async_context(server.session_manager.run())
            yield

    return Starlette(routes=routes, lifespan=lifespan)


def _served(server: MCPServer[Any], path: str) -> ASGIApp:
    return server.streamable_http_app(streamable_http_path=path, json_response=True, stateless_http=True)


def _health(lab: Lab) -> Callable[[Request], Response]:
    def health(_: Request) -> Response:
        return JSONResponse({"source": SOURCE, "title": "The lab", "healthy": lab.health().healthy})

    return health


def _metrics(lab: Lab) -> ASGIApp:
    async def measured(_: Request) -> Response:
        return Response(metrics.text_of(lab.estate, lab.now()), media_type=metrics.CONTENT_TYPE)

    return request_response(measured)


def _controls(lab: Lab) -> list[BaseRoute]:
    async def faults(request: Request) -> Response:
        if request.method == "POST":
            try:
                lab.faults.add(Fault.model_validate_json(await request.body()))
            except ValidationError as error:
                return _refused(error)
        if request.method == "DELETE":
            lab.faults.clear()
        return JSONResponse({"source": SOURCE, "faults": [fault.model_dump() for fault in lab.faults.active()]})

    async def reset(_: Request) -> Response:
        lab.reset()
        return JSONResponse({"source": SOURCE})

    async def ledger(_: Request) -> Response:
        return JSONResponse({"source": SOURCE, "requests": lab.ledger.entries(), "lines": lab.ledger.lines()})

    async def state(request: Request) -> Response:
        if request.method == "PATCH":
            try:
                change = Change.model_validate_json(await request.body())
                lab.change(change.target, change.field, change.value)
            except (ValidationError, CannotBeDone) as error:
                return _refused(error)
        return JSONResponse({"source": SOURCE, "estate": lab.estate.model_dump(mode="json")})

    return [
        Route("/faults", faults, methods=["GET", "POST", "DELETE"]),
        Route("/reset", reset, methods=["POST"]),
        Route("/ledger", ledger),
        Route("/state", state, methods=["GET", "PATCH"]),
    ]


def _refused(error: Exception) -> Response:
    return JSONResponse({"source": SOURCE, "error": str(error)}, 422)
