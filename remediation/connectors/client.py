"""Talks to connectors: reads with the read token, writes with the write token, and only by tools that were pinned.

A write whose answer did not come is unknown, never failed (law 7); `asked_before` asks the server what became of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from portal.jobs.outside import refuse_inside_transaction
from portal.kit.statements import Query, given
from remediation.connectors import providers
from remediation.connectors.models import Connector
from remediation.connectors.probes import Outcome
from remediation.connectors.providers import Provider

if TYPE_CHECKING:
    from remediation.connectors.link import Called, Link, Listed

Side = Literal["read", "write"]

_CONNECTOR = Query(lambda: Connector.objects.filter(slug=given("slug")))
READ_SECONDS = 10.0
WRITE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Sent:
    """One call of a server, and how many seconds its answer may take."""

    side: Side
    tool: str
    arguments: Mapping[str, Any]
    timeout: float


def read(connector_slug: str, tool: str, arguments: Mapping[str, Any], *, timeout: float = READ_SECONDS) -> Outcome:
    """Ask the connector's read server. Never unknown: a question without an answer has failed."""
    outcome = _call(connector_slug, _Sent("read", tool, arguments, timeout), lambda own: own.read(tool, arguments))
    return Outcome(ok=False, error=outcome.error) if outcome.is_unknown else outcome


def write(
    connector_slug: str,
    tool: str,
    arguments: Mapping[str, Any],
    *,
    idempotency_key: str,
    fence: int,
    timeout: float = WRITE_SECONDS,
    until: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Ask the connector's write server for a change; the same key never acts twice, an older fence not at all.

    Where the worker itself writes, `until` says that it is to break off; a server is not told.
    """

    def by_itself(own: Provider) -> Outcome:
        return own.write(tool, arguments, key=idempotency_key, fence=fence, until=until)

    sent = {**arguments, "idempotency_key": idempotency_key, "fence": fence}
    return _call(connector_slug, _Sent("write", tool, sent, timeout), by_itself)


def asked_before(connector_slug: str, idempotency_key: str, *, timeout: float = READ_SECONDS) -> Outcome:
    """What became of a write: ok if it was done, an error if it failed or nothing was done, unknown otherwise.

    `data["state"]` is `done`, `failed`, `in_progress` or `not_performed`, and missing where the server could not be
    asked. After `not_performed` try again with the same key: the first request may still be on its way.
    """
    answer = read(connector_slug, "request_status", {"idempotency_key": idempotency_key}, timeout=timeout)
    state = answer.data.get("state")
    message = str(answer.data.get("message", answer.error))
    if state == "done":
        return Outcome(ok=True, data=answer.data, text=message)
    is_unknown = state not in {"failed", "not_performed"}
    return Outcome(ok=False, is_unknown=is_unknown, data=answer.data, text=answer.text, error=message)


def raise_fence(connector_slug: str, target: str, fence: int, *, timeout: float = READ_SECONDS) -> Outcome:
    """Have the write server refuse from now on whatever still comes to a target from holders with a lower fence."""

    def by_itself(own: Provider) -> Outcome:
        return own.raise_fence(target, fence)

    sent = {"target": target, "fence": fence}
    return _call(connector_slug, _Sent("write", "raise_fence", sent, timeout), by_itself)


def listed(connector: Connector, side: Side) -> dict[str, str]:
    """The tools a server lists now, name to schema digest: what can be pinned. Raises link.Unreachable."""
    refuse_inside_transaction()
    _, tools = _reach(connector, side)
    return {name: tool.digest for name, tool in tools.items()}


def _call(slug: str, sent: _Sent, by_itself: Callable[[Provider], Outcome]) -> Outcome:
    refuse_inside_transaction()
    connector = _CONNECTOR.first(slug=slug)
    if connector is None:
        return Outcome(ok=False, error=f"There is no connector {slug}.")
    if connector.is_enabled and (own := providers.of(connector, sent.tool)):
        return by_itself(own)
    return _ask_server(connector, sent)


def _ask_server(connector: Connector, sent: _Sent) -> Outcome:
    from remediation.connectors import link as links  # noqa: PLC0415 - importing mcp takes memory: only who calls pays

    if refusal := _refusal(connector, sent.side, sent.tool):
        return Outcome(ok=False, error=refusal)
    try:
        link, tools = _reach(connector, sent.side)
    except links.Unreachable as error:
        text = f"{connector.name} cannot be reached and nothing was sent: {error}."
        return Outcome(ok=False, was_not_sent=True, error=text)
    if refusal := _changed(connector, sent.side, sent.tool, tools.get(sent.tool)):
        return Outcome(ok=False, error=refusal)
    try:
        return _outcome(sent.tool, link.call(sent.tool, sent.arguments, timeout=sent.timeout))
    except links.Lost as error:
        links.LINKS.drop(link)
        return Outcome(ok=False, is_unknown=True, error=f"{connector.name} did not answer {sent.tool}: {error}.")


def _reach(connector: Connector, side: Side) -> tuple[Link, dict[str, Listed]]:
    """A working connection and what the server lists. Before a write the list is asked for anew."""
    from remediation.connectors.link import LINKS, Unreachable  # noqa: PLC0415 - as above

    url = connector.read_url if side == "read" else connector.write_url
    token = os.environ.get(connector.read_token_env if side == "read" else connector.write_token_env, "")
    link = LINKS.to(url, token)
    try:
        return link, link.tools(is_fresh=side == "write")
    except Unreachable:
        LINKS.drop(link)  # it may have died while it lay unused; a second one knows better
    link = LINKS.to(url, token)
    try:
        return link, link.tools(is_fresh=True)
    except Unreachable:
        LINKS.drop(link)
        raise


def _refusal(connector: Connector, side: Side, tool: str) -> str:
    """Why this connector is not even asked; empty if it is."""
    if not connector.is_enabled:
        return f"{connector.name} is switched off."
    if side == "write" and not connector.write_url:
        return f"{connector.name} only reads."
    if tool not in connector.pinned_tools:
        return f"The tool {tool} is not pinned on {connector.name}."
    name = connector.read_token_env if side == "read" else connector.write_token_env
    if not os.environ.get(name):
        return f"This process does not hold {name}, the {side} token of {connector.name}."
    return ""


def _changed(connector: Connector, side: Side, tool: str, now: Listed | None) -> str:
    """Why the tool may not be called as the server lists it now; empty if it may."""
    if now is None:
        return f"The {side} server of {connector.name} has no tool {tool}."
    if now.digest != connector.pinned_tools[tool]:
        return f"The tool {tool} of {connector.name} has changed since it was pinned."
    if side == "read" and now.is_read_only is False:
        return f"The tool {tool} of {connector.name} says of itself that it writes."
    return ""


def _outcome(tool: str, called: Called) -> Outcome:
    if not called.is_error:
        return Outcome(ok=True, data=called.data, text=called.text)
    crashed = f"Error executing tool {tool}"
    error = called.text.removeprefix(f"{crashed}: ")
    # A refusal has words of its own; a tool that crashed half-way says only that it did.
    return Outcome(ok=False, is_unknown=called.text.strip() == crashed, text=called.text, error=error)
