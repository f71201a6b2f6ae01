"""Providers: what a worker does by itself instead of asking a server. A room above registers its own by name.

A connector that names one still has a read server for every other question. A provider answers as a server would: it
keeps a book of requests, so that the same key never acts twice, and refuses whoever comes with an older fence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from portal.kit.statements import Query
from remediation.connectors.models import Connector
from remediation.connectors.probes import Outcome


class Provider(Protocol):
    """What answers calls of its `tools`. Never raises for what goes wrong outside."""

    @property
    def tools(self) -> frozenset[str]: ...

    def read(self, tool: str, arguments: Mapping[str, Any]) -> Outcome: ...

    def write(
        self, tool: str, arguments: Mapping[str, Any], *, key: str, fence: int, until: Callable[[], bool]
    ) -> Outcome:
        """Change something, once per key; `until` says that it is to break off."""
        ...

    def raise_fence(self, target: str, fence: int) -> Outcome:
        """Refuse from now on whatever still comes to a target with a lower fence."""
        ...


_found: dict[str, Callable[[], Provider]] = {}
_PLAYERS = Query(lambda: Connector.objects.exclude(provider="").only("slug"))


def register(name: str, make: Callable[[], Provider]) -> None:
    """Offer a provider under a name; it is made when it is first needed."""
    _found[name] = make


def of(connector: Connector, tool: str) -> Provider | None:
    """Who answers this tool of a connector in this process; None: its server."""
    make = _found.get(connector.provider)
    provider = make() if make else None
    return provider if provider and tool in provider.tools else None


def players() -> frozenset[str]:
    """The slugs of the connectors that have a provider."""
    return frozenset(connector.slug for connector in _PLAYERS.all())
