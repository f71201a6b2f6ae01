"""The network servers: interfaces of switches."""

from __future__ import annotations

from typing import Any, Protocol

from mcp.server import MCPServer

from remediation.connectors import identities
from remediation.connectors.servers import common
from remediation.connectors.servers.common import Answer, Backend, Done, Fence, IdempotencyKey, WriteRequest


class InterfaceAnswer(Answer):
    """An interface: administrative state, link, age of its last change, error counters."""

    admin_up: bool
    link_up: bool
    disabled_by: str
    carries_management: bool
    changed_seconds_ago: int
    errors: int
    errors_last_minute: int


class Systems(Protocol):
    """The switches behind the servers; changes raise CannotBeDone and answer with a sentence."""

    def interface(self, switch: str, interface: str) -> InterfaceAnswer: ...

    def clear_errors(self, switch: str, interface: str) -> str: ...

    def enable(self, switch: str, interface: str) -> str: ...

    def disable(self, switch: str, interface: str) -> str: ...

    def restart(self, switch: str, interface: str) -> str: ...

    def ensure_up(self, switch: str, interface: str) -> str: ...


class Reads:
    """The questions."""

    def __init__(self, systems: Systems) -> None:
        self._systems = systems

    async def get_interface(self, switch: str, interface: str) -> InterfaceAnswer:
        """State and error counters of one interface."""
        return self._systems.interface(switch, interface)


class Writes:
    """The changes."""

    def __init__(self, systems: Systems, backend: Backend) -> None:
        self._systems = systems
        self._backend = backend

    async def clear_interface_errors(
        self, switch: str, interface: str, *, idempotency_key: IdempotencyKey, fence: Fence
    ) -> Done:
        """Set the error counters of an interface to zero; the counts are lost."""
        request = _request("clear_interface_errors", switch, interface, idempotency_key, fence)
        return await self._backend.once(request, lambda: self._systems.clear_errors(switch, interface))

    async def enable_port(self, switch: str, interface: str, *, idempotency_key: IdempotencyKey, fence: Fence) -> Done:
        """Enable a port."""
        request = _request("enable_port", switch, interface, idempotency_key, fence)
        return await self._backend.once(request, lambda: self._systems.enable(switch, interface))

    async def disable_port(self, switch: str, interface: str, *, idempotency_key: IdempotencyKey, fence: Fence) -> Done:
        """Disable a port."""
        request = _request("disable_port", switch, interface, idempotency_key, fence)
        return await self._backend.once(request, lambda: self._systems.disable(switch, interface))

    async def restart_interface(
        self, switch: str, interface: str, *, idempotency_key: IdempotencyKey, fence: Fence
    ) -> Done:
        """Shut an interface and bring it up again."""
        request = _request("restart_interface", switch, interface, idempotency_key, fence)
        return await self._backend.once(request, lambda: self._systems.restart(switch, interface))

    async def ensure_interface_up(
        self, switch: str, interface: str, *, idempotency_key: IdempotencyKey, fence: Fence
    ) -> Done:
        """Enable an interface unless it is."""
        request = _request("ensure_interface_up", switch, interface, idempotency_key, fence)
        return await self._backend.once(request, lambda: self._systems.ensure_up(switch, interface))


def read_server(systems: Systems, backend: Backend) -> MCPServer[Any]:
    """The server that only reads."""
    return common.read_server("network", backend, (Reads(systems).get_interface,))


def write_server(systems: Systems, backend: Backend) -> MCPServer[Any]:
    """The server that changes."""
    writes = Writes(systems, backend)
    return common.write_server(
        "network",
        backend,
        (
            writes.clear_interface_errors,
            writes.enable_port,
            writes.disable_port,
            writes.restart_interface,
            writes.ensure_interface_up,
        ),
    )


def _request(tool: str, switch: str, interface: str, key: str, fence: int) -> WriteRequest:
    arguments = {"switch": switch, "interface": interface}
    return WriteRequest(key, fence, identities.interface(switch, interface), tool, arguments)
