"""What the lab measures of itself, in Prometheus' text format: instead of a real datacenter's exporters. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from remediation.connectors.lab import pods
from remediation.connectors.lab.estate import Estate

CONTENT_TYPE = "text/plain; version=0.0.4"
HELP = {
    "lab_sessions": "Sessions that use a target now.",
    "lab_pods_ready": "Pods of a deployment that are ready.",
    "lab_pods_unready": "Pods that a deployment asks for and that are not ready.",
    "lab_interface_errors_last_minute": "Errors of an interface in the last minute.",
    "lab_datastore_free_percent": "Free space of a machine's datastore.",
}
Sample = tuple[str, str, int]
"""The metric, the target, and its value."""


def text_of(estate: Estate, at: float) -> str:
    """Every metric with its help, and a line for every target."""
    found = list(_samples(estate, at))
    lines = []
    for name, says in HELP.items():
        lines += [f"# HELP {name} {says}", f"# TYPE {name} gauge"]
        lines += [f'{name}{{target="{target}"}} {value}' for metric, target, value in found if metric == name]
    return "\n".join([*lines, ""])


def _samples(estate: Estate, at: float) -> Iterator[Sample]:
    for target, thing in estate.targets().items():
        yield "lab_sessions", target, thing.sessions
    for deployment in estate.deployments:
        ready = pods.ready(deployment, at)
        yield "lab_pods_ready", deployment.identity, ready
        yield "lab_pods_unready", deployment.identity, max(0, deployment.replicas - ready)
    for interface in estate.interfaces:
        yield "lab_interface_errors_last_minute", interface.identity, interface.errors_last_minute
    for vm in estate.vms:
        yield "lab_datastore_free_percent", vm.identity, vm.datastore_free_percent
