"""The lab's storage array."""

from __future__ import annotations

from remediation.connectors.lab import systems
from remediation.connectors.lab.estate import DAY, Snapshot, Volume
from remediation.connectors.lab.site import SOURCE, Lab
from remediation.connectors.servers.common import CannotBeDone
from remediation.connectors.servers.storage import SnapshotsAnswer, VolumeAnswer

QUARANTINE = 7 * DAY


class Arrays:
    """Volumes of the lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def volume(self, array: str, volume: str) -> VolumeAnswer:
        found = self._volume(array, volume)
        pool = systems.find(self._lab.estate.pools, array=array, name=found.pool)
        return VolumeAnswer(
            source=SOURCE,
            online=found.online,
            size_gb=found.size_gb,
            used_gb=found.used_gb,
            pool_free_gb=pool.free_gb,
        )

    def snapshots(self, array: str, volume: str, older_than_days: int) -> SnapshotsAnswer:
        found = self._volume(array, volume)
        kept = [each for each in found.snapshots if each.quarantined_at is None]
        older = self._older(kept, older_than_days)
        return SnapshotsAnswer(
            source=SOURCE,
            older=len(older),
            younger=len(kept) - len(older),
            quarantined=len(found.snapshots) - len(kept),
        )

    def expand(self, array: str, volume: str, size_gb: int) -> str:
        found = self._volume(array, volume)
        pool = systems.find(self._lab.estate.pools, array=array, name=found.pool)
        more = size_gb - found.size_gb
        if more <= 0:
            raise CannotBeDone(f"{volume} has {found.size_gb} GB; a volume can only grow.")
        if more > pool.free_gb:
            raise CannotBeDone(f"The pool {pool.name} has {pool.free_gb} GB free; {more} GB are needed.")
        pool.free_gb -= more
        found.size_gb = size_gb
        return f"{volume} has {size_gb} GB."

    def quarantine(self, array: str, volume: str, older_than_days: int) -> str:
        kept = [each for each in self._volume(array, volume).snapshots if each.quarantined_at is None]
        older = self._older(kept, older_than_days)
        if not older:
            raise CannotBeDone(f"{volume} has no snapshot older than {older_than_days} days.")
        for snapshot in older:
            snapshot.quarantined_at = self._lab.now()
        return f"{len(older)} snapshots of {volume} are in quarantine for 7 days."

    def restore(self, array: str, volume: str) -> str:
        away = [each for each in self._volume(array, volume).snapshots if each.quarantined_at is not None]
        if any(self._lab.now() - (each.quarantined_at or 0) > QUARANTINE for each in away):
            raise CannotBeDone(f"The quarantine of snapshots of {volume} has ended after 7 days.")
        for snapshot in away:
            snapshot.quarantined_at = None
        return f"{len(away)} snapshots of {volume} are back."

    def _older(self, snapshots: list[Snapshot], days: int) -> list[Snapshot]:
        return [each for each in snapshots if self._lab.now() - each.taken_at > days * DAY]

    def _volume(self, array: str, volume: str) -> Volume:
        return systems.find(self._lab.estate.volumes, array=array, name=volume)
