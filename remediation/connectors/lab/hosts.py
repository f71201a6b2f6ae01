"""The lab's log-shipping hosts."""

from __future__ import annotations

from remediation.connectors.lab import systems
from remediation.connectors.lab.estate import Host
from remediation.connectors.lab.site import SOURCE, Lab
from remediation.connectors.servers.hosts import DiskUsageAnswer, JournalAnswer, LargestFilesAnswer, LogrotateAnswer


class Hosts:
    """Linux hosts of the lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def disk_usage(self, host: str, mount: str) -> DiskUsageAnswer:
        found = systems.find(self._lab.estate.hosts, name=host, mount=mount)
        free_mb = found.size_gb * 1_024 * (100 - found.used_percent) // 100
        return DiskUsageAnswer(source=SOURCE, used_percent=found.used_percent, size_gb=found.size_gb, free_mb=free_mb)

    def journal(self, host: str) -> JournalAnswer:
        found = self._host(host)
        return JournalAnswer(
            source=SOURCE,
            has_cap=found.journal_cap_mb is not None,
            max_use_mb=found.journal_cap_mb or 0,
            used_mb=found.journal_used_mb,
        )

    def logrotate(self, host: str, name: str) -> LogrotateAnswer:
        rotation = systems.find(self._host(host).rotations, name=name)
        return LogrotateAnswer(
            source=SOURCE,
            has_maxage=rotation.maxage_days is not None,
            maxage_days=rotation.maxage_days or 0,
            rotate=rotation.rotate,
            compress=rotation.compress,
        )

    def largest_files(self, host: str, path: str) -> LargestFilesAnswer:
        under = [file for file in self._host(host).files if file.path.startswith(path.rstrip("/") + "/")]
        under.sort(key=lambda file: (-file.size_mb, file.path))
        return LargestFilesAnswer(
            source=SOURCE,
            count=len(under),
            total_mb=sum(file.size_mb for file in under),
            files="\n".join(f"{file.size_mb} MB {file.path}" for file in under),
        )

    def _host(self, host: str) -> Host:
        return systems.find(self._lab.estate.hosts, name=host)
