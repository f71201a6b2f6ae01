"""The storage servers: volumes and their snapshots."""

from __future__ import annotations

from typing import Any, Protocol

from mcp.server import MCPServer

from remediation.connectors import identities
from remediation.connectors.servers import common
from remediation.connectors.servers.common import Answer, Backend, Done, Fence, IdempotencyKey, WriteRequest


class VolumeAnswer(Answer):
    """A volume, and what its pool has left."""

    online: bool
    size_gb: int
    used_gb: int
    pool_free_gb: int


class SnapshotsAnswer(Answer):
    """Snapshots of a volume, by age and quarantine."""

    older: int
    younger: int
    quarantined: int


class Systems(Protocol):
    """The arrays behind the servers; changes raise CannotBeDone and answer with a sentence."""

    def volume(self, array: str, volume: str) -> VolumeAnswer: ...

    def snapshots(self, array: str, volume: str, older_than_days: int) -> SnapshotsAnswer: ...

    def expand(self, array: str, volume: str, size_gb: int) -> str: ...

    def quarantine(self, array: str, volume: str, older_than_days: int) -> str: ...

    def restore(self, array: str, volume: str) -> str: ...


class Reads:
    """The questions."""

    def __init__(self, systems: Systems) -> None:
        self._systems = systems

    async def get_volume(self, array: str, volume: str) -> VolumeAnswer:
        """Size and use of one volume, and what its pool has left."""
        return self._systems.volume(array, volume)

    async def get_snapshots(self, array: str, volume: str, older_than_days: int) -> SnapshotsAnswer:
        """How many snapshots of a volume are older, younger and in quarantine."""
        return self._systems.snapshots(array, volume, older_than_days)


class Writes:
    """The changes."""

    def __init__(self, systems: Systems, backend: Backend) -> None:
        self._systems = systems
        self._backend = backend

    async def expand_volume(
        self, array: str, volume: str, size_gb: int, *, idempotency_key: IdempotencyKey, fence: Fence
    ) -> Done:
        """Make a volume larger; it cannot be made smaller again."""
        request = _request("expand_volume", array, volume, idempotency_key, fence, size_gb=size_gb)
        return await self._backend.once(request, lambda: self._systems.expand(array, volume, size_gb))

    async def quarantine_snapshots(
        self, array: str, volume: str, older_than_days: int, *, idempotency_key: IdempotencyKey, fence: Fence
    ) -> Done:
        """Move old snapshots of a volume into quarantine, from where they can be restored for seven days."""
        request = _request(
            "quarantine_snapshots", array, volume, idempotency_key, fence, older_than_days=older_than_days
        )
        return await self._backend.once(request, lambda: self._systems.quarantine(array, volume, older_than_days))

    async def restore_snapshots(
        self, array: str, volume: str, *, idempotency_key: IdempotencyKey, fence: Fence
    ) -> Done:
        """Bring all snapshots of a volume back from quarantine."""
        request = _request("restore_snapshots", array, volume, idempotency_key, fence)
        return await self._backend.once(request, lambda: self._systems.restore(array, volume))


def read_server(systems: Systems, backend: Backend) -> MCPServer[Any]:
    """The server that only reads."""
    reads = Reads(systems)
    return common.read_server("storage", backend, (reads.get_volume, reads.get_snapshots))


def write_server(systems: Systems, backend: Backend) -> MCPServer[Any]:
    """The server that changes."""
    writes = Writes(systems, backend)
    return common.write_server(
        "storage", backend, (writes.expand_volume, writes.quarantine_snapshots, writes.restore_snapshots)
    )


def _request(tool: str, array: str, volume: str, key: str, fence: int, **others: int) -> WriteRequest:
    arguments: dict[str, str | int | bool] = {"array": array, "volume": volume, **others}
    return WriteRequest(key, fence, identities.volume(array, volume), tool, arguments)
