"""Asks read servers on behalf of several drafts at once: in an outage many of them ask the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from remediation.connectors import client
from remediation.connectors.probes import Outcome

Ask = Callable[[str, str, Mapping[str, Any]], Outcome]
"""Puts a question to a connector's read server: its slug, the tool, the arguments."""


def once(answers: MutableMapping[Any, Any]) -> Ask:
    """Asks like client.read, but nothing that is among the `answers` already. How old one may be, their owner says."""

    def ask(connector: str, tool: str, arguments: Mapping[str, Any]) -> Outcome:
        question = (connector, tool, tuple(sorted(arguments.items())))
        if question not in answers:
            answers[question] = client.read(connector, tool, arguments)
        outcome: Outcome = answers[question]
        return outcome

    return ask
