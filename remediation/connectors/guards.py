"""Conditions under which a step is done on a target at all: where one does not hold, the step is skipped. Pure.

A draft names the condition, the plan holds its probe. It says whether now is a good moment, and nothing of the fix: so
it is no failure if it does not hold, unlike a pre-flight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from remediation.connectors.families.common import expect
from remediation.connectors.operations import Probe


def _no_active_sessions(target: str) -> Probe:
    says = f"Nobody uses {target}: it has no active sessions."
    return Probe("active_sessions", {"target": target}, (expect("active", "equals", 0),), says)


def _no_critical_alert(target: str) -> Probe:
    says = f"{target} has no critical alert."
    return Probe("active_alerts", {"target": target}, (expect("critical", "equals", 0),), says)


GUARDS: Mapping[str, Callable[[str], Probe]] = MappingProxyType(
    {"no_active_sessions": _no_active_sessions, "no_critical_alert": _no_critical_alert}
)
"""By name; every read server answers them about every target."""
