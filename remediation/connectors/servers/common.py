"""What every pair of servers shares: answers, the questions each read server answers, and writing at most once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

VERSION = "1"

IdempotencyKey = Annotated[str, Field(min_length=8, max_length=200, description="The same key never acts twice.")]
Fence = Annotated[int, Field(ge=0, description="A number lower than one already seen for the target is refused.")]
Tool = Callable[..., Awaitable[BaseModel]]


class CannotBeDone(ToolError):
    """The infrastructure refuses, and nothing was changed; the message says why."""


class Answer(BaseModel):
    """Every answer says where it comes from: a system's name, or `lab`."""

    source: str


class Health(Answer):
    """Whether the systems behind the connector can be reached."""

    healthy: bool
    detail: str


class Alerts(Answer):
    """Active alerts of one target."""

    target: str
    critical: int
    warning: int
    names: str


class LatestBackup(Answer):
    """The newest backup of a target, or of the configuration that rebuilds it."""

    target: str
    exists: bool
    age_minutes: int


class Sessions(Answer):
    """How many sessions use a target now: people, clients, connections, whatever the family counts."""

    target: str
    active: int


class RequestStatus(Answer):
    """What became of a write request; `not_performed` covers one that never arrived."""

    state: Literal["done", "failed", "in_progress", "not_performed"]
    message: str


class Done(Answer):
    """A write was carried out."""

    message: str


class Fenced(Answer):
    """From now on a write to this target with a lower fence is refused, one on its way included."""

    target: str
    fence: int


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """One request to change something, as it was received."""

    key: str
    fence: int
    target: str
    tool: str
    arguments: Mapping[str, str | int | bool]


class Backend(Protocol):
    """What stands behind a pair of servers, whatever the family: its watch and its book of write requests."""

    source: str

    def health(self) -> Health: ...

    def alerts(self, target: str) -> Alerts: ...

    def latest_backup(self, target: str) -> LatestBackup: ...

    def sessions(self, target: str) -> Sessions: ...

    def request_status(self, key: str) -> RequestStatus: ...

    def raise_fence(self, target: str, fence: int) -> Fenced: ...

    async def once(self, request: WriteRequest, change: Callable[[], str]) -> Done:
        """Carry the change out, unless this key was seen before; CannotBeDone also for a fence that is too low."""
        ...


class CommonReads:
    """The tools of every read server."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def connector_health(self) -> Health:
        """Whether the systems behind this server can be reached."""
        return self._backend.health()

    async def active_alerts(self, target: str) -> Alerts:
        """Active alerts of a target; their names are separated by commas."""
        return self._backend.alerts(target)

    async def latest_backup(self, target: str) -> LatestBackup:
        """The newest backup of a target and its age in minutes."""
        return self._backend.latest_backup(target)

    async def active_sessions(self, target: str) -> Sessions:
        """How many sessions use a target now."""
        return self._backend.sessions(target)

    async def request_status(self, idempotency_key: IdempotencyKey) -> RequestStatus:
        """What became of the write request with this idempotency key."""
        return self._backend.request_status(idempotency_key)

    def tools(self) -> tuple[Tool, ...]:
        """The five questions every read server answers."""
        return (
            self.connector_health,
            self.active_alerts,
            self.latest_backup,
            self.active_sessions,
            self.request_status,
        )


class CommonWrites:
    """The tool of every write server."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def raise_fence(self, target: str, fence: Fence) -> Fenced:
        """Change nothing, and refuse from now on every write to the target with a lower fence; never lowers one."""
        return self._backend.raise_fence(target, fence)


def read_server(family: str, backend: Backend, tools: Iterable[Tool]) -> MCPServer[Any]:
    """A server of questions only."""
    asks = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    return _server(f"{family}-read", (*tools, *CommonReads(backend).tools()), asks)


def write_server(family: str, backend: Backend, tools: Iterable[Tool]) -> MCPServer[Any]:
    """A server of changes only."""
    changes = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)
    return _server(f"{family}-write", (*tools, CommonWrites(backend).raise_fence), changes)


def _server(name: str, tools: Iterable[Tool], annotations: ToolAnnotations) -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer(name, version=VERSION, log_level="WARNING")
    for tool in tools:
        server.add_tool(tool, annotations=annotations)
    return server
