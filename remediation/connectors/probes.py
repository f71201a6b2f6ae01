"""Judging a probe's answer against what was expected of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from remediation.connectors.operations import Expectation, Probe, Relation, Scalar


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call brought.

    `ok`: it was carried out, `data` is the answer. `is_unknown`: nobody can say yet whether it was carried out.
    Neither: it was not, and `error` says why in a sentence; `was_not_sent`: because nobody was there to be asked.
    """

    ok: bool
    is_unknown: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    error: str = ""
    was_not_sent: bool = False

    @property
    def is_answered(self) -> bool:
        """Whether the server said yes or no."""
        return not (self.is_unknown or self.was_not_sent)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether everything expected holds, and one sentence for each thing that does not."""

    holds: bool
    misses: tuple[str, ...]


RELATIONS: dict[Relation, tuple[str, Callable[[Any, Any], bool]]] = {
    "equals": ("should be", lambda seen, expected: bool(seen == expected)),
    "not_equals": ("should not be", lambda seen, expected: bool(seen != expected)),
    "at_least": ("should be at least", lambda seen, expected: bool(seen >= expected)),
    "at_most": ("should be at most", lambda seen, expected: bool(seen <= expected)),
    "contains": ("should contain", lambda seen, expected: expected in seen),
}


def judge(probe: Probe, outcome: Outcome) -> Judgement:
    """A failed probe, a missing field and a field of another type hold nothing."""
    if not outcome.ok:
        return Judgement(holds=False, misses=(outcome.error or f"{probe.tool} gave no answer.",))
    misses = tuple(miss for expectation in probe.expect if (miss := _miss(expectation, outcome.data)))
    return Judgement(holds=not misses, misses=misses)


def _miss(expectation: Expectation, data: Mapping[str, Any]) -> str:
    if expectation.field not in data:
        return f"The answer has no {expectation.field}."
    seen = data[expectation.field]
    if not _comparable(seen, expectation.value):
        return f"{expectation.field} is {_said(seen)}, which cannot be compared with {_said(expectation.value)}."
    words, holds = RELATIONS[expectation.relation]
    if holds(seen, expectation.value):
        return ""
    return f"{expectation.field} {words} {_said(expectation.value)} and is {_said(seen)}."


def _comparable(seen: object, expected: Scalar) -> bool:
    return type(seen) is type(expected)  # True is not 1, and "6" is not 6


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if value != "" else "empty"
