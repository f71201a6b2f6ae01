"""The lab's cloud."""

from __future__ import annotations

from remediation.connectors.lab import systems
from remediation.connectors.lab.estate import Flavor, Server
from remediation.connectors.lab.site import SOURCE, Lab
from remediation.connectors.servers.common import CannotBeDone
from remediation.connectors.servers.openstack import ResizeAnswer, ServerAnswer


class Clouds:
    """Instances of the lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def server(self, cloud: str, server: str) -> ServerAnswer:
        found = self._server(cloud, server)
        is_active = found.status == "ACTIVE"
        return ServerAnswer(
            source=SOURCE,
            status=found.status,
            task=found.task,
            flavor=found.flavor,
            uptime_seconds=systems.seconds_since(found.booted_at, at=self._lab.now()) if is_active else 0,
        )

    def resize_question(self, cloud: str, server: str, flavor: str) -> ResizeAnswer:
        found = self._server(cloud, server)
        wanted = next((each for each in self._lab.estate.flavors if (each.cloud, each.name) == (cloud, flavor)), None)
        return ResizeAnswer(
            source=SOURCE,
            status=found.status,
            task=found.task,
            current_flavor=found.flavor,
            flavor_exists=wanted is not None,
            disk_fits=wanted is not None and self._disk_fits(found, wanted),
            quota_fits=wanted is not None and self._quota_fits(found, wanted),
        )

    def reboot(self, cloud: str, server: str) -> str:
        self._active(cloud, server).booted_at = self._lab.now()
        return f"{server} reboots."

    def ensure_running(self, cloud: str, server: str) -> str:
        found = self._server(cloud, server)
        if found.status == "ACTIVE":
            return f"{server} is active already."
        found.status, found.booted_at = "ACTIVE", self._lab.now()
        return f"{server} starts."

    def resize(self, cloud: str, server: str, flavor: str) -> str:
        found, wanted = self._active(cloud, server), self._flavor(cloud, flavor)
        if not self._disk_fits(found, wanted):
            raise CannotBeDone(f"The disk of {flavor} is smaller than what {server} has.")
        if not self._quota_fits(found, wanted):
            raise CannotBeDone(f"The quota of {cloud} does not allow {flavor}.")
        quota = systems.find(self._lab.estate.clouds, name=cloud)
        quota.free_vcpus -= wanted.vcpus - self._flavor(cloud, found.flavor).vcpus
        found.flavor, found.booted_at = flavor, self._lab.now()
        return f"{server} is active with {flavor}."

    def _disk_fits(self, server: Server, wanted: Flavor) -> bool:
        return wanted.disk_gb >= server.disk_gb

    def _quota_fits(self, server: Server, wanted: Flavor) -> bool:
        more = wanted.vcpus - self._flavor(server.cloud, server.flavor).vcpus
        return more <= systems.find(self._lab.estate.clouds, name=server.cloud).free_vcpus

    def _flavor(self, cloud: str, flavor: str) -> Flavor:
        return systems.find(self._lab.estate.flavors, cloud=cloud, name=flavor)

    def _server(self, cloud: str, server: str) -> Server:
        return systems.find(self._lab.estate.servers, cloud=cloud, name=server)

    def _active(self, cloud: str, server: str) -> Server:
        found = self._server(cloud, server)
        if (found.status, found.task) != ("ACTIVE", "none"):
            raise CannotBeDone(f"{server} is {found.status}, task {found.task}.")
        return found
