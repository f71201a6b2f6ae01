"""Whether a watched signal asks a connector that there is for a tool that it may be asked for."""

from __future__ import annotations

from collections.abc import Iterator

from portal.estate.signals import Problem, Signal
from remediation.connectors.models import Connector


def problems(signal: Signal) -> Iterator[Problem]:
    """What is wrong with the connector or the tool of a verify probe."""
    if signal.kind != "probe":
        return
    connector = Connector.objects.filter(slug=signal.connector).first()
    if connector is None:
        known = ", ".join(Connector.objects.values_list("slug", flat=True))
        yield "connector", f"There is no connector {signal.connector}. There are: {known or 'none'}."
    elif signal.tool not in connector.pinned_tools:
        yield "tool", f"{signal.tool} is no tool that is pinned on {connector.name}."
