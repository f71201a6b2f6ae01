"""The VMware servers: virtual machines, their size, their snapshots."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from mcp.server import MCPServer

from remediation.connectors import identities
from remediation.connectors.servers import common
from remediation.connectors.servers.common import Answer, Backend, Done, Fence, IdempotencyKey, WriteRequest


class VmAnswer(Answer):
    """A virtual machine as its vCenter sees it."""

    power_state: Literal["on", "off"]
    heartbeat: Literal["green", "gray"]
    uptime_seconds: int
    memory_mb: int
    cpus: int
    takes_memory_running: bool
    takes_cpus_running: bool
    host_free_mb: int
    host_free_cpus: int


class VmSnapshotAnswer(Answer):
    """Whether a virtual machine has the snapshot, and what the chain and the datastore still hold."""

    exists: bool
    snapshots: int
    datastore_free_percent: int


class Systems(Protocol):
    """The vCenters behind the servers; changes raise CannotBeDone and answer with a sentence."""

    def vm(self, vcenter: str, vm: str) -> VmAnswer: ...

    def vm_snapshot(self, vcenter: str, vm: str, snapshot: str) -> VmSnapshotAnswer: ...

    def restart(self, vcenter: str, vm: str) -> str: ...

    def ensure_running(self, vcenter: str, vm: str) -> str: ...

    def create_snapshot(self, vcenter: str, vm: str, snapshot: str) -> str: ...

    def remove_snapshot(self, vcenter: str, vm: str, snapshot: str) -> str: ...

    def set_memory(self, vcenter: str, vm: str, memory_mb: int) -> str: ...

    def set_cpus(self, vcenter: str, vm: str, cpus: int) -> str: ...


class Reads:
    """The questions."""

    def __init__(self, systems: Systems) -> None:
        self._systems = systems

    async def get_vm(self, vcenter: str, vm: str) -> VmAnswer:
        """Power, heartbeat, size and room to grow of one virtual machine."""
        return self._systems.vm(vcenter, vm)

    async def get_vm_snapshot(self, vcenter: str, vm: str, snapshot: str) -> VmSnapshotAnswer:
        """Whether a virtual machine has a snapshot of that name."""
        return self._systems.vm_snapshot(vcenter, vm, snapshot)


class Writes:
    """The changes."""

    def __init__(self, systems: Systems, backend: Backend) -> None:
        self._systems = systems
        self._backend = backend

    async def restart_vm(self, vcenter: str, vm: str, *, idempotency_key: IdempotencyKey, fence: Fence) -> Done:
        """Restart a running virtual machine."""
        request = _request("restart_vm", vcenter, vm, idempotency_key, fence)
        return await self._backend.once(request, lambda: self._systems.restart(vcenter, vm))

    async def ensure_vm_running(self, vcenter: str, vm: str, *, idempotency_key: IdempotencyKey, fence: Fence) -> Done:
        """Power a virtual machine on unless it is."""
        request = _request("ensure_vm_running", vcenter, vm, idempotency_key, fence)
        return await self._backend.once(request, lambda: self._systems.ensure_running(vcenter, vm))

    async def create_vm_snapshot(
        self, vcenter: str, vm: str, snapshot: str, *, idempotency_key: IdempotencyKey, fence: Fence
    ) -> Done:
        """Take a snapshot."""
        request = _request("create_vm_snapshot", vcenter, vm, idempotency_key, fence, snapshot=snapshot)
        return await self._backend.once(request, lambda: self._systems.create_snapshot(vcenter, vm, snapshot))

    async def remove_vm_snapshot(
        self, vcenter: str, vm: str, snapshot: str, *, idempotency_key: IdempotencyKey, fence: Fence
    ) -> Done:
        """Remove a snapshot; the running machine keeps its state."""
        request = _request("remove_vm_snapshot", vcenter, vm, idempotency_key, fence, snapshot=snapshot)
        return await self._backend.once(request, lambda: self._systems.remove_snapshot(vcenter, vm, snapshot))

    async def set_vm_memory(
        self, vcenter: str, vm: str, memory_mb: int, *, idempotency_key: IdempotencyKey, fence: Fence
    ) -> Done:
        """Set the memory in MB; taking memory away restarts the machine."""
        request = _request("set_vm_memory", vcenter, vm, idempotency_key, fence, memory_mb=memory_mb)
        return await self._backend.once(request, lambda: self._systems.set_memory(vcenter, vm, memory_mb))

    async def set_vm_cpus(
        self, vcenter: str, vm: str, cpus: int, *, idempotency_key: IdempotencyKey, fence: Fence
    ) -> Done:
        """Set the number of virtual CPUs; taking CPUs away restarts the machine."""
        request = _request("set_vm_cpus", vcenter, vm, idempotency_key, fence, cpus=cpus)
        return await self._backend.once(request, lambda: self._systems.set_cpus(vcenter, vm, cpus))


def read_server(systems: Systems, backend: Backend) -> MCPServer[Any]:
    """The server that only reads."""
    reads = Reads(systems)
    return common.read_server("vmware", backend, (reads.get_vm, reads.get_vm_snapshot))


def write_server(systems: Systems, backend: Backend) -> MCPServer[Any]:
    """The server that changes."""
    writes = Writes(systems, backend)
    return common.write_server(
        "vmware",
        backend,
        (
            writes.restart_vm,
            writes.ensure_vm_running,
            writes.create_vm_snapshot,
            writes.remove_vm_snapshot,
            writes.set_vm_memory,
            writes.set_vm_cpus,
        ),
    )


def _request(tool: str, vcenter: str, vm: str, key: str, fence: int, **others: str | int) -> WriteRequest:
    return WriteRequest(key, fence, identities.vm(vcenter, vm), tool, {"vcenter": vcenter, "vm": vm, **others})
