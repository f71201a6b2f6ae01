"""The storage operations: expand_volume, clear_snapshots. Pure."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from remediation.connectors import identities
from remediation.connectors.families.common import ObjectName, SystemName, expect, grown, recent_backup
from remediation.connectors.operations import (
    Call,
    Expectation,
    Family,
    Irreversible,
    Operation,
    Parameters,
    Probe,
    Risk,
    WayBack,
)

Gigabytes = Annotated[int, Field(ge=1, le=65_536)]


class Volume(Parameters):
    """One volume of one storage array."""

    array: SystemName
    volume: ObjectName


class ExpandVolume(Volume):
    """Size now and afterwards, in GB."""

    from_gb: Gigabytes
    to_gb: Gigabytes

    @field_validator("to_gb")
    @classmethod
    def _grows(cls, value: int, info: ValidationInfo) -> int:
        return grown(value, since=info.data.get("from_gb"), factor=3)


class ClearSnapshots(Volume):
    """Which snapshots go by their age in days, and how many these are now."""

    older_than_days: Annotated[int, Field(ge=7, le=3_650)]
    expected_snapshots: Annotated[int, Field(ge=1, le=500)]


def _target(p: Volume) -> str:
    return identities.volume(p.array, p.volume)


def _address(p: Volume) -> dict[str, str | int | bool]:
    return {"array": p.array, "volume": p.volume}


def _volume(p: Volume, says: str, *expectations: Expectation) -> Probe:
    return Probe("get_volume", _address(p), expectations, says)


def _snapshots(p: ClearSnapshots, says: str, *expectations: Expectation) -> Probe:
    return Probe("get_snapshots", _address(p) | {"older_than_days": p.older_than_days}, expectations, says)


EXPAND_VOLUME = Operation[ExpandVolume](
    name="expand_volume",
    family=Family.STORAGE,
    title="Expand a volume",
    declared_risk=Risk.CRITICAL_WRITE,
    parameters=ExpandVolume,
    target=_target,
    says=lambda p: f"Expand the volume {p.volume} on {p.array} from {p.from_gb} GB to {p.to_gb} GB.",
    blast_radius=lambda p: f"{p.volume} stays online; its pool has {p.to_gb - p.from_gb} GB less for other volumes.",
    preflight=lambda p: _volume(
        p,
        f"{p.volume} is online with {p.from_gb} GB and its pool has {p.to_gb - p.from_gb} GB free.",
        expect("online", "equals", True),
        expect("size_gb", "equals", p.from_gb),
        expect("pool_free_gb", "at_least", p.to_gb - p.from_gb),
    ),
    action=lambda p: Call("expand_volume", _address(p) | {"size_gb": p.to_gb}),
    verify=lambda p: _volume(
        p,
        f"{p.volume} is online with {p.to_gb} GB.",
        expect("online", "equals", True),
        expect("size_gb", "equals", p.to_gb),
    ),
    way_back=lambda p: Irreversible(
        f"A volume cannot be shrunk without endangering its data: back to {p.from_gb} GB means a new volume and a copy."
    ),
    backup=lambda p: recent_backup(_target(p)),
)

CLEAR_SNAPSHOTS = Operation[ClearSnapshots](
    name="clear_snapshots",
    family=Family.STORAGE,
    title="Clear old snapshots of a volume",
    declared_risk=Risk.CRITICAL_WRITE,
    parameters=ClearSnapshots,
    target=_target,
    says=lambda p: (
        f"Move the {p.expected_snapshots} snapshots of {p.volume} on {p.array} older than {p.older_than_days} days "
        "into quarantine for 7 days."
    ),
    blast_radius=lambda p: (
        f"{p.volume} is not touched; {p.expected_snapshots} restore points can be used only after a restore."
    ),
    preflight=lambda p: _snapshots(
        p,
        f"{p.expected_snapshots} snapshots of {p.volume} are that old, a younger one remains, none is in quarantine.",
        expect("older", "equals", p.expected_snapshots),
        expect("younger", "at_least", 1),
        expect("quarantined", "equals", 0),
    ),
    action=lambda p: Call("quarantine_snapshots", _address(p) | {"older_than_days": p.older_than_days}),
    verify=lambda p: _snapshots(
        p,
        f"No snapshot of {p.volume} is that old and {p.expected_snapshots} are in quarantine.",
        expect("older", "equals", 0),
        expect("quarantined", "equals", p.expected_snapshots),
    ),
    way_back=lambda p: WayBack(
        Call("restore_snapshots", _address(p)),
        _snapshots(
            p,
            f"The {p.expected_snapshots} snapshots of {p.volume} are back and none is in quarantine.",
            expect("older", "equals", p.expected_snapshots),
            expect("quarantined", "equals", 0),
        ),
        f"Bring the {p.expected_snapshots} snapshots of {p.volume} back from quarantine (within 7 days).",
    ),
    backup=lambda p: recent_backup(_target(p)),
)

OPERATIONS = (EXPAND_VOLUME, CLEAR_SNAPSHOTS)
