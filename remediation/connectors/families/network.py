"""The network operations: clear_interface_errors, enable_port, restart_interface. Pure."""

from __future__ import annotations

from remediation.connectors import identities
from remediation.connectors.families.common import RECENTLY, InterfaceName, SystemName, expect, recent_backup
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

FEW_ERRORS = 10
"""A live link may count a few errors between clearing and looking."""


class Interface(Parameters):
    """One interface of one switch."""

    switch: SystemName
    interface: InterfaceName


def _target(p: Interface) -> str:
    return identities.interface(p.switch, p.interface)


def _address(p: Interface) -> dict[str, str | int | bool]:
    return {"switch": p.switch, "interface": p.interface}


def _interface(p: Interface, says: str, *expectations: Expectation) -> Probe:
    return Probe("get_interface", _address(p), expectations, says)


ENABLED = expect("admin_up", "equals", True)
DISABLED = expect("admin_up", "equals", False)
LINKED = expect("link_up", "equals", True)

CLEAR_INTERFACE_ERRORS = Operation[Interface](
    name="clear_interface_errors",
    family=Family.NETWORK,
    title="Clear the error counters of an interface",
    declared_risk=Risk.CRITICAL_WRITE,
    parameters=Interface,
    target=_target,
    says=lambda p: f"Set the error counters of {p.interface} on {p.switch} to zero.",
    blast_radius=lambda p: f"Traffic is not touched; whoever still needs the counts of {p.interface} loses them.",
    preflight=lambda p: _interface(
        p,
        f"{p.interface} has counted errors and counts no new ones: clearing hides no fault that is still there.",
        expect("errors", "at_least", FEW_ERRORS + 1),
        expect("errors_last_minute", "equals", 0),
    ),
    action=lambda p: Call("clear_interface_errors", _address(p)),
    verify=lambda p: _interface(
        p, f"{p.interface} shows at most {FEW_ERRORS} errors.", expect("errors", "at_most", FEW_ERRORS)
    ),
    way_back=lambda p: Irreversible(
        f"A switch cannot be given its counters back: the error history of {p.interface} is lost for good."
    ),
    backup=lambda p: recent_backup(_target(p)),
)

ENABLE_PORT = Operation[Interface](
    name="enable_port",
    family=Family.NETWORK,
    title="Enable a switch port",
    declared_risk=Risk.SAFE_WRITE,
    parameters=Interface,
    target=_target,
    says=lambda p: f"Enable the port {p.interface} on {p.switch}.",
    blast_radius=lambda p: f"Whatever is plugged into {p.interface} joins the network.",
    preflight=lambda p: _interface(
        p,
        f"{p.interface} is disabled, and not for reasons of security.",
        DISABLED,
        expect("disabled_by", "not_equals", "security"),
    ),
    action=lambda p: Call("enable_port", _address(p)),
    verify=lambda p: _interface(p, f"{p.interface} is enabled and its link is up.", ENABLED, LINKED),
    way_back=lambda p: WayBack(
        Call("disable_port", _address(p)),
        _interface(p, f"{p.interface} is disabled.", DISABLED),
        f"Disable the port {p.interface} again.",
    ),
    backup=lambda p: recent_backup(_target(p)),
)

RESTART_INTERFACE = Operation[Interface](
    name="restart_interface",
    family=Family.NETWORK,
    title="Restart an interface",
    declared_risk=Risk.CRITICAL_WRITE,
    parameters=Interface,
    target=_target,
    says=lambda p: f"Shut {p.interface} on {p.switch} and bring it up again.",
    blast_radius=lambda p: f"Everything behind {p.interface} is cut off for some seconds.",
    preflight=lambda p: _interface(
        p,
        f"{p.interface} is enabled, does not carry the switch's own management, and has not changed for five minutes.",
        ENABLED,
        expect("carries_management", "equals", False),
        expect("changed_seconds_ago", "at_least", RECENTLY),
    ),
    action=lambda p: Call("restart_interface", _address(p)),
    verify=lambda p: _interface(
        p,
        f"{p.interface} is enabled, its link is up, and it came up within the last five minutes.",
        ENABLED,
        LINKED,
        expect("changed_seconds_ago", "at_most", RECENTLY),
    ),
    way_back=lambda p: WayBack(
        Call("ensure_interface_up", _address(p)),
        _interface(p, f"{p.interface} is enabled.", ENABLED),
        f"Make sure that {p.interface} is enabled; does nothing if it is.",
    ),
    backup=lambda p: recent_backup(_target(p)),
)

OPERATIONS = (CLEAR_INTERFACE_ERRORS, ENABLE_PORT, RESTART_INTERFACE)
