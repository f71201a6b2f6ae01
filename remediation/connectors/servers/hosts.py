"""The hosts server: questions about Linux hosts. There is no writing one; commands on hosts stay with people."""

from __future__ import annotations

from typing import Any, Protocol

from mcp.server import MCPServer

from remediation.connectors.servers import common
from remediation.connectors.servers.common import Answer, Backend


class DiskUsageAnswer(Answer):
    """How full one file system of a host is."""

    used_percent: int
    size_gb: int
    free_mb: int


class JournalAnswer(Answer):
    """How much journald keeps; `max_use_mb` is 0 where no cap is set."""

    has_cap: bool
    max_use_mb: int
    used_mb: int


class LogrotateAnswer(Answer):
    """How logrotate treats a set of files; `maxage_days` is 0 where none is set."""

    has_maxage: bool
    maxage_days: int
    rotate: int
    compress: bool


class LargestFilesAnswer(Answer):
    """The largest files under a path, largest first, as `<size> MB <path>` lines."""

    count: int
    total_mb: int
    files: str


class Systems(Protocol):
    """The hosts behind the server; CannotBeDone for what does not exist."""

    def disk_usage(self, host: str, mount: str) -> DiskUsageAnswer: ...

    def journal(self, host: str) -> JournalAnswer: ...

    def logrotate(self, host: str, name: str) -> LogrotateAnswer: ...

    def largest_files(self, host: str, path: str) -> LargestFilesAnswer: ...


class Reads:
    """The questions."""

    def __init__(self, systems: Systems) -> None:
        self._systems = systems

    async def host_disk_usage(self, host: str, mount: str) -> DiskUsageAnswer:
        """How full one file system of a host is."""
        return self._systems.disk_usage(host, mount)

    async def host_journal_config(self, host: str) -> JournalAnswer:
        """Whether the journal of a host has a cap, and how much it keeps."""
        return self._systems.journal(host)

    async def host_logrotate_config(self, host: str, name: str) -> LogrotateAnswer:
        """How logrotate treats one set of files of a host."""
        return self._systems.logrotate(host, name)

    async def host_largest_files(self, host: str, path: str) -> LargestFilesAnswer:
        """The largest files of a host under a path."""
        return self._systems.largest_files(host, path)


def read_server(systems: Systems, backend: Backend) -> MCPServer[Any]:
    """The server that only reads."""
    reads = Reads(systems)
    tools = (
        reads.host_disk_usage,
        reads.host_journal_config,
        reads.host_logrotate_config,
        reads.host_largest_files,
    )
    return common.read_server("hosts", backend, tools)
