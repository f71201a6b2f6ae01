"""The OpenStack servers: instances and their flavors."""

from __future__ import annotations

from typing import Any, Protocol

from mcp.server import MCPServer

from remediation.connectors import identities
from remediation.connectors.servers import common
from remediation.connectors.servers.common import Answer, Backend, Done, Fence, IdempotencyKey, WriteRequest


class ServerAnswer(Answer):
    """An instance; `task` is `none` unless the cloud is busy with it."""

    status: str
    task: str
    flavor: str
    uptime_seconds: int


class ResizeAnswer(Answer):
    """Whether an instance could take a flavor."""

    status: str
    task: str
    current_flavor: str
    flavor_exists: bool
    disk_fits: bool
    quota_fits: bool


class Systems(Protocol):
    """The clouds behind the servers; changes raise CannotBeDone and answer with a sentence."""

    def server(self, cloud: str, server: str) -> ServerAnswer: ...

    def resize_question(self, cloud: str, server: str, flavor: str) -> ResizeAnswer: ...

    def reboot(self, cloud: str, server: str) -> str: ...

    def ensure_running(self, cloud: str, server: str) -> str: ...

    def resize(self, cloud: str, server: str, flavor: str) -> str: ...


class Reads:
    """The questions."""

    def __init__(self, systems: Systems) -> None:
        self._systems = systems

    async def get_server(self, cloud: str, server: str) -> ServerAnswer:
        """Status, flavor and uptime of one instance."""
        return self._systems.server(cloud, server)

    async def get_resize(self, cloud: str, server: str, flavor: str) -> ResizeAnswer:
        """Whether an instance could take a flavor."""
        return self._systems.resize_question(cloud, server, flavor)


class Writes:
    """The changes."""

    def __init__(self, systems: Systems, backend: Backend) -> None:
        self._systems = systems
        self._backend = backend

    async def reboot_instance(self, cloud: str, server: str, *, idempotency_key: IdempotencyKey, fence: Fence) -> Done:
        """Reboot an active instance."""
        request = _request("reboot_instance", cloud, server, idempotency_key, fence)
        return await self._backend.once(request, lambda: self._systems.reboot(cloud, server))

    async def ensure_instance_running(
        self, cloud: str, server: str, *, idempotency_key: IdempotencyKey, fence: Fence
    ) -> Done:
        """Start an instance unless it is active."""
        request = _request("ensure_instance_running", cloud, server, idempotency_key, fence)
        return await self._backend.once(request, lambda: self._systems.ensure_running(cloud, server))

    async def resize_instance(
        self, cloud: str, server: str, flavor: str, *, idempotency_key: IdempotencyKey, fence: Fence
    ) -> Done:
        """Give an instance another flavor and confirm it; the instance restarts."""
        request = _request("resize_instance", cloud, server, idempotency_key, fence, flavor=flavor)
        return await self._backend.once(request, lambda: self._systems.resize(cloud, server, flavor))


def read_server(systems: Systems, backend: Backend) -> MCPServer[Any]:
    """The server that only reads."""
    reads = Reads(systems)
    return common.read_server("openstack", backend, (reads.get_server, reads.get_resize))


def write_server(systems: Systems, backend: Backend) -> MCPServer[Any]:
    """The server that changes."""
    writes = Writes(systems, backend)
    return common.write_server(
        "openstack", backend, (writes.reboot_instance, writes.ensure_instance_running, writes.resize_instance)
    )


def _request(tool: str, cloud: str, server: str, key: str, fence: int, **others: str) -> WriteRequest:
    return WriteRequest(
        key, fence, identities.server(cloud, server), tool, {"cloud": cloud, "server": server, **others}
    )
