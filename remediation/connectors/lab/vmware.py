"""The lab's vCenter."""

from __future__ import annotations

from remediation.connectors.lab import systems
from remediation.connectors.lab.estate import Esx, Vm
from remediation.connectors.lab.site import SOURCE, Lab
from remediation.connectors.servers.common import CannotBeDone
from remediation.connectors.servers.vmware import VmAnswer, VmSnapshotAnswer

BOOTS_IN = 0.2
"""Seconds until a guest answers."""

CHAIN = 32
"""Snapshots a machine can have."""


class Vcenter:
    """Virtual machines of the lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def vm(self, vcenter: str, vm: str) -> VmAnswer:
        machine, esx, at = self._vm(vcenter, vm), self._esx(vcenter, vm), self._lab.now()
        is_on = machine.power_state == "on"
        return VmAnswer(
            source=SOURCE,
            power_state=machine.power_state,
            heartbeat="green" if is_on and at - machine.booted_at >= BOOTS_IN else "gray",
            uptime_seconds=systems.seconds_since(machine.booted_at, at=at) if is_on else 0,
            memory_mb=machine.memory_mb,
            cpus=machine.cpus,
            takes_memory_running=machine.takes_memory_running,
            takes_cpus_running=machine.takes_cpus_running,
            host_free_mb=esx.free_mb,
            host_free_cpus=esx.free_cpus,
        )

    def vm_snapshot(self, vcenter: str, vm: str, snapshot: str) -> VmSnapshotAnswer:
        machine = self._vm(vcenter, vm)
        return VmSnapshotAnswer(
            source=SOURCE,
            exists=snapshot in machine.snapshots,
            snapshots=len(machine.snapshots),
            datastore_free_percent=machine.datastore_free_percent,
        )

    def restart(self, vcenter: str, vm: str) -> str:
        self._running(vcenter, vm).booted_at = self._lab.now()
        return f"{vm} restarts."

    def ensure_running(self, vcenter: str, vm: str) -> str:
        machine = self._vm(vcenter, vm)
        if machine.power_state == "on":
            return f"{vm} is running already."
        machine.power_state, machine.booted_at = "on", self._lab.now()
        return f"{vm} starts."

    def create_snapshot(self, vcenter: str, vm: str, snapshot: str) -> str:
        machine = self._vm(vcenter, vm)
        if snapshot in machine.snapshots:
            raise CannotBeDone(f"{vm} has a snapshot {snapshot} already.")
        if len(machine.snapshots) >= CHAIN:
            raise CannotBeDone(f"{vm} has {CHAIN} snapshots; no more fit into the chain.")
        machine.snapshots.append(snapshot)
        return f"{vm} has the snapshot {snapshot}."

    def remove_snapshot(self, vcenter: str, vm: str, snapshot: str) -> str:
        machine = self._vm(vcenter, vm)
        if snapshot not in machine.snapshots:
            return f"{vm} has no snapshot {snapshot}."
        machine.snapshots.remove(snapshot)
        return f"The snapshot {snapshot} of {vm} is gone."

    def set_memory(self, vcenter: str, vm: str, memory_mb: int) -> str:
        machine, esx = self._running(vcenter, vm), self._esx(vcenter, vm)
        more = memory_mb - machine.memory_mb
        if more > esx.free_mb:
            raise CannotBeDone(f"{esx.name} has {esx.free_mb} MB free; {more} MB are needed.")
        if more > 0 and not machine.takes_memory_running:
            raise CannotBeDone(f"{vm} does not take memory while it runs.")
        esx.free_mb -= more
        machine.memory_mb = memory_mb
        self._restart_if(machine, is_needed=more < 0)
        return f"{vm} has {memory_mb} MB."

    def set_cpus(self, vcenter: str, vm: str, cpus: int) -> str:
        machine, esx = self._running(vcenter, vm), self._esx(vcenter, vm)
        more = cpus - machine.cpus
        if more > esx.free_cpus:
            raise CannotBeDone(f"{esx.name} has {esx.free_cpus} CPUs to spare; {more} are needed.")
        if more > 0 and not machine.takes_cpus_running:
            raise CannotBeDone(f"{vm} does not take CPUs while it runs.")
        esx.free_cpus -= more
        machine.cpus = cpus
        self._restart_if(machine, is_needed=more < 0)
        return f"{vm} has {cpus} CPUs."

    def _restart_if(self, machine: Vm, *, is_needed: bool) -> None:
        if is_needed:
            machine.booted_at = self._lab.now()

    def _vm(self, vcenter: str, vm: str) -> Vm:
        return systems.find(self._lab.estate.vms, vcenter=vcenter, name=vm)

    def _running(self, vcenter: str, vm: str) -> Vm:
        machine = self._vm(vcenter, vm)
        if machine.power_state != "on":
            raise CannotBeDone(f"{vm} is powered off.")
        return machine

    def _esx(self, vcenter: str, vm: str) -> Esx:
        return systems.find(self._lab.estate.esxs, name=self._vm(vcenter, vm).esx)
