"""Registers the room with Django."""

from collections.abc import Iterator

from django.apps import AppConfig

from portal.estate import signals
from portal.estate.signals import Problem, Signal


class ConnectorsConfig(AppConfig):
    """The operation catalogue and the MCP servers that carry it out."""

    name = "remediation.connectors"
    label = "connectors"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have watched signals checked against the connectors there are."""
        signals.register(_problems)


def _problems(signal: Signal) -> Iterator[Problem]:
    from remediation.connectors import watched  # noqa: PLC0415 - models are not loaded when this module is

    return watched.problems(signal)
