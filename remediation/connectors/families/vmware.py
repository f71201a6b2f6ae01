"""The VMware operations: restart_vm, snapshot_vm, increase_memory, increase_cpu. Pure."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from remediation.connectors import identities
from remediation.connectors.families.common import RECENTLY, ObjectName, SystemName, expect, grown, recent_backup
from remediation.connectors.operations import Call, Expectation, Family, Operation, Parameters, Probe, Risk, WayBack

Megabytes = Annotated[int, Field(ge=256, le=524_288, multiple_of=256)]
Cpus = Annotated[int, Field(ge=1, le=64)]

SNAPSHOTS_AT_MOST = 31
"""vSphere supports chains of 32 snapshots; the new one must still fit."""


class Vm(Parameters):
    """One virtual machine of one vCenter."""

    vcenter: SystemName
    vm: ObjectName


class SnapshotVm(Vm):
    """The name the snapshot will have."""

    snapshot: ObjectName


class IncreaseMemory(Vm):
    """Memory now and afterwards, in MB."""

    from_mb: Megabytes
    to_mb: Megabytes

    @field_validator("to_mb")
    @classmethod
    def _grows(cls, value: int, info: ValidationInfo) -> int:
        return grown(value, since=info.data.get("from_mb"), factor=4)


class IncreaseCpu(Vm):
    """Virtual CPUs now and afterwards."""

    from_cpus: Cpus
    to_cpus: Cpus

    @field_validator("to_cpus")
    @classmethod
    def _grows(cls, value: int, info: ValidationInfo) -> int:
        return grown(value, since=info.data.get("from_cpus"), factor=4)


def _target(p: Vm) -> str:
    return identities.vm(p.vcenter, p.vm)


def _address(p: Vm) -> dict[str, str | int | bool]:
    return {"vcenter": p.vcenter, "vm": p.vm}


def _vm(p: Vm, says: str, *expectations: Expectation) -> Probe:
    return Probe("get_vm", _address(p), expectations, says)


def _snapshot(p: SnapshotVm, says: str, *expectations: Expectation) -> Probe:
    return Probe("get_vm_snapshot", _address(p) | {"snapshot": p.snapshot}, expectations, says)


ON = expect("power_state", "equals", "on")
ANSWERS = expect("heartbeat", "equals", "green")

RESTART_VM = Operation[Vm](
    name="restart_vm",
    family=Family.VMWARE,
    title="Restart a virtual machine",
    declared_risk=Risk.CRITICAL_WRITE,
    parameters=Vm,
    target=_target,
    says=lambda p: f"Restart the virtual machine {p.vm} on {p.vcenter}.",
    blast_radius=lambda p: f"Everything that runs on {p.vm} is interrupted for a few minutes.",
    preflight=lambda p: _vm(
        p,
        f"{p.vm} is powered on and was not restarted within the last five minutes.",
        ON,
        expect("uptime_seconds", "at_least", RECENTLY),
    ),
    action=lambda p: Call("restart_vm", _address(p)),
    verify=lambda p: _vm(
        p,
        f"{p.vm} is powered on, its guest answers, and it started within the last five minutes.",
        ON,
        ANSWERS,
        expect("uptime_seconds", "at_most", RECENTLY),
    ),
    way_back=lambda p: WayBack(
        Call("ensure_vm_running", _address(p)),
        _vm(p, f"{p.vm} is powered on and its guest answers.", ON, ANSWERS),
        f"Make sure that {p.vm} is running; does nothing if it is.",
    ),
    backup=lambda p: recent_backup(_target(p)),
)

SNAPSHOT_VM = Operation[SnapshotVm](
    name="snapshot_vm",
    family=Family.VMWARE,
    title="Take a snapshot of a virtual machine",
    declared_risk=Risk.SAFE_WRITE,
    parameters=SnapshotVm,
    target=_target,
    says=lambda p: f"Take the snapshot {p.snapshot} of {p.vm} on {p.vcenter}.",
    blast_radius=lambda p: f"{p.vm} pauses for moments; its datastore keeps all changes until the snapshot goes.",
    preflight=lambda p: _snapshot(
        p,
        f"{p.vm} has no snapshot {p.snapshot}, room in its chain, and a tenth of its datastore free.",
        expect("exists", "equals", False),
        expect("snapshots", "at_most", SNAPSHOTS_AT_MOST),
        expect("datastore_free_percent", "at_least", 10),
    ),
    action=lambda p: Call("create_vm_snapshot", _address(p) | {"snapshot": p.snapshot}),
    verify=lambda p: _snapshot(p, f"{p.vm} has the snapshot {p.snapshot}.", expect("exists", "equals", True)),
    way_back=lambda p: WayBack(
        Call("remove_vm_snapshot", _address(p) | {"snapshot": p.snapshot}),
        _snapshot(p, f"{p.vm} has no snapshot {p.snapshot}.", expect("exists", "equals", False)),
        f"Remove the snapshot {p.snapshot}; the running machine keeps its state.",
    ),
    backup=lambda p: recent_backup(_target(p)),
)

INCREASE_MEMORY = Operation[IncreaseMemory](
    name="increase_memory",
    family=Family.VMWARE,
    title="Give a virtual machine more memory",
    declared_risk=Risk.CRITICAL_WRITE,
    parameters=IncreaseMemory,
    target=_target,
    says=lambda p: f"Raise the memory of {p.vm} on {p.vcenter} from {p.from_mb} MB to {p.to_mb} MB.",
    blast_radius=lambda p: f"{p.vm} keeps running; its host has {p.to_mb - p.from_mb} MB less for its neighbours.",
    preflight=lambda p: _vm(
        p,
        f"{p.vm} runs with {p.from_mb} MB, takes memory while running, and its host has {p.to_mb - p.from_mb} MB free.",
        ON,
        expect("memory_mb", "equals", p.from_mb),
        expect("takes_memory_running", "equals", True),
        expect("host_free_mb", "at_least", p.to_mb - p.from_mb),
    ),
    action=lambda p: Call("set_vm_memory", _address(p) | {"memory_mb": p.to_mb}),
    verify=lambda p: _vm(
        p, f"{p.vm} runs with {p.to_mb} MB and its guest answers.", ON, ANSWERS, expect("memory_mb", "equals", p.to_mb)
    ),
    way_back=lambda p: WayBack(
        Call("set_vm_memory", _address(p) | {"memory_mb": p.from_mb}),
        _vm(p, f"{p.vm} runs with {p.from_mb} MB again.", ON, expect("memory_mb", "equals", p.from_mb)),
        f"Set the memory back to {p.from_mb} MB; taking memory away restarts {p.vm}.",
    ),
    backup=lambda p: recent_backup(_target(p)),
)

INCREASE_CPU = Operation[IncreaseCpu](
    name="increase_cpu",
    family=Family.VMWARE,
    title="Give a virtual machine more CPUs",
    declared_risk=Risk.CRITICAL_WRITE,
    parameters=IncreaseCpu,
    target=_target,
    says=lambda p: f"Raise the virtual CPUs of {p.vm} on {p.vcenter} from {p.from_cpus} to {p.to_cpus}.",
    blast_radius=lambda p: f"{p.vm} keeps running; its host schedules {p.to_cpus - p.from_cpus} more virtual CPUs.",
    preflight=lambda p: _vm(
        p,
        f"{p.vm} runs with {p.from_cpus} CPUs, takes CPUs while running, and its host has that many to spare.",
        ON,
        expect("cpus", "equals", p.from_cpus),
        expect("takes_cpus_running", "equals", True),
        expect("host_free_cpus", "at_least", p.to_cpus - p.from_cpus),
    ),
    action=lambda p: Call("set_vm_cpus", _address(p) | {"cpus": p.to_cpus}),
    verify=lambda p: _vm(
        p, f"{p.vm} runs with {p.to_cpus} CPUs and its guest answers.", ON, ANSWERS, expect("cpus", "equals", p.to_cpus)
    ),
    way_back=lambda p: WayBack(
        Call("set_vm_cpus", _address(p) | {"cpus": p.from_cpus}),
        _vm(p, f"{p.vm} runs with {p.from_cpus} CPUs again.", ON, expect("cpus", "equals", p.from_cpus)),
        f"Set the virtual CPUs back to {p.from_cpus}; taking CPUs away restarts {p.vm}.",
    ),
    backup=lambda p: recent_backup(_target(p)),
)

OPERATIONS = (RESTART_VM, SNAPSHOT_VM, INCREASE_MEMORY, INCREASE_CPU)
