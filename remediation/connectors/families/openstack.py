"""The OpenStack operations: reboot_instance, resize_instance. Pure."""

from __future__ import annotations

from pydantic import ValidationInfo, field_validator

from remediation.connectors import identities
from remediation.connectors.families.common import RECENTLY, ObjectName, SystemName, changed, expect, recent_backup
from remediation.connectors.operations import Call, Expectation, Family, Operation, Parameters, Probe, Risk, WayBack


class Instance(Parameters):
    """One server of one cloud."""

    cloud: SystemName
    server: ObjectName


class ResizeInstance(Instance):
    """Flavor now and afterwards."""

    from_flavor: ObjectName
    to_flavor: ObjectName

    @field_validator("to_flavor")
    @classmethod
    def _changes(cls, value: str, info: ValidationInfo) -> str:
        changed(value, since=info.data.get("from_flavor"))
        return value


def _target(p: Instance) -> str:
    return identities.server(p.cloud, p.server)


def _address(p: Instance) -> dict[str, str | int | bool]:
    return {"cloud": p.cloud, "server": p.server}


def _server(p: Instance, says: str, *expectations: Expectation) -> Probe:
    return Probe("get_server", _address(p), (ACTIVE, *expectations), says)


ACTIVE = expect("status", "equals", "ACTIVE")

REBOOT_INSTANCE = Operation[Instance](
    name="reboot_instance",
    family=Family.OPENSTACK,
    title="Reboot an instance",
    declared_risk=Risk.CRITICAL_WRITE,
    parameters=Instance,
    target=_target,
    says=lambda p: f"Reboot the server {p.server} on {p.cloud}.",
    blast_radius=lambda p: f"Everything that runs on {p.server} is interrupted for a few minutes.",
    preflight=lambda p: _server(
        p,
        f"{p.server} is active, busy with nothing, and was not booted within the last five minutes.",
        expect("task", "equals", "none"),
        expect("uptime_seconds", "at_least", RECENTLY),
    ),
    action=lambda p: Call("reboot_instance", _address(p)),
    verify=lambda p: _server(
        p,
        f"{p.server} is active and booted within the last five minutes.",
        expect("uptime_seconds", "at_most", RECENTLY),
    ),
    way_back=lambda p: WayBack(
        Call("ensure_instance_running", _address(p)),
        _server(p, f"{p.server} is active."),
        f"Make sure that {p.server} is running; does nothing if it is.",
    ),
    backup=lambda p: recent_backup(_target(p)),
)

RESIZE_INSTANCE = Operation[ResizeInstance](
    name="resize_instance",
    family=Family.OPENSTACK,
    title="Resize an instance",
    declared_risk=Risk.CRITICAL_WRITE,
    parameters=ResizeInstance,
    target=_target,
    says=lambda p: f"Resize the server {p.server} on {p.cloud} from {p.from_flavor} to {p.to_flavor}.",
    blast_radius=lambda p: f"{p.server} is stopped, moved to the new flavor and started: minutes of interruption.",
    preflight=lambda p: Probe(
        "get_resize",
        _address(p) | {"flavor": p.to_flavor},
        (
            ACTIVE,
            expect("task", "equals", "none"),
            expect("current_flavor", "equals", p.from_flavor),
            expect("flavor_exists", "equals", True),
            expect("disk_fits", "equals", True),
            expect("quota_fits", "equals", True),
        ),
        f"{p.server} is active with {p.from_flavor}; {p.to_flavor} exists, holds its disk and fits the quota.",
    ),
    action=lambda p: Call("resize_instance", _address(p) | {"flavor": p.to_flavor}),
    verify=lambda p: _server(p, f"{p.server} is active with {p.to_flavor}.", expect("flavor", "equals", p.to_flavor)),
    way_back=lambda p: WayBack(
        Call("resize_instance", _address(p) | {"flavor": p.from_flavor}),
        _server(p, f"{p.server} is active with {p.from_flavor} again.", expect("flavor", "equals", p.from_flavor)),
        f"Resize {p.server} back to {p.from_flavor}: another interruption.",
    ),
    backup=lambda p: recent_backup(_target(p)),
)

OPERATIONS = (REBOOT_INSTANCE, RESIZE_INSTANCE)
