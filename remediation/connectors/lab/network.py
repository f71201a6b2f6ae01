"""The lab's switch."""

from __future__ import annotations

from remediation.connectors.lab import systems
from remediation.connectors.lab.estate import Interface
from remediation.connectors.lab.site import SOURCE, Lab
from remediation.connectors.servers.common import CannotBeDone
from remediation.connectors.servers.network import InterfaceAnswer


class Switches:
    """Interfaces of the lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def interface(self, switch: str, interface: str) -> InterfaceAnswer:
        found = self._interface(switch, interface)
        return InterfaceAnswer(
            source=SOURCE,
            admin_up=found.admin_up,
            link_up=found.admin_up and found.has_cable,
            disabled_by=found.disabled_by,
            carries_management=found.carries_management,
            changed_seconds_ago=systems.seconds_since(found.changed_at, at=self._lab.now()),
            errors=found.errors,
            errors_last_minute=found.errors_last_minute,
        )

    def clear_errors(self, switch: str, interface: str) -> str:
        self._interface(switch, interface).errors = 0
        return f"The counters of {interface} are zero."

    def enable(self, switch: str, interface: str) -> str:
        found = self._interface(switch, interface)
        if found.disabled_by == "security":
            raise CannotBeDone(f"{interface} was disabled for security; only its owners enable it.")
        if not found.admin_up:
            found.admin_up, found.disabled_by, found.changed_at = True, "", self._lab.now()
        return f"{interface} is enabled."

    def disable(self, switch: str, interface: str) -> str:
        found = self._interface(switch, interface)
        if found.carries_management:
            raise CannotBeDone(
                f"{interface} carries the management of {switch}: disabling it would lock everybody out."
            )
        if found.admin_up:
            found.admin_up, found.disabled_by, found.changed_at = False, "operator", self._lab.now()
        return f"{interface} is disabled."

    def restart(self, switch: str, interface: str) -> str:
        found = self._interface(switch, interface)
        if not found.admin_up:
            raise CannotBeDone(f"{interface} is disabled.")
        if found.carries_management:
            raise CannotBeDone(f"{interface} carries the management of {switch}: nothing could bring it up again.")
        found.changed_at = self._lab.now()
        return f"{interface} went down and came up."

    def ensure_up(self, switch: str, interface: str) -> str:
        if self._interface(switch, interface).admin_up:
            return f"{interface} is enabled already."
        return self.enable(switch, interface)

    def _interface(self, switch: str, interface: str) -> Interface:
        return systems.find(self._lab.estate.interfaces, switch=switch, name=interface)
