"""In which waves a plan reaches its targets, and what is watched between them: worked out from the steps alone. Pure.

A change that a plan makes on several targets is its fan-out. The first wave is the canary, each later one is `growth`
times as large. The steps of one target stay together and in their order. A step outside the fan-out is done once: first
of all where the plan has it before the last step of the fan-out, else at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from remediation.connectors.operations import Scalar
from remediation.policy import staging
from remediation.policy.staging import Staging

RELATIONS: dict[str, Callable[[float, str], bool]] = {
    "at_most": lambda value, threshold: value <= Decimal(threshold),
    "at_least": lambda value, threshold: value >= Decimal(threshold),
}
"""Whether all is well with a value, on which side of the threshold."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What the waves need to know of a step: its target, and what it changes there."""

    number: int
    target: str
    change: str


@dataclass(frozen=True, slots=True)
class Wave:
    """The targets of the fan-out that are changed together, and the numbers of the steps in the order they are done."""

    number: int
    targets: tuple[str, ...]
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Signal:
    """What is watched, exactly as it is asked, and on which side of the threshold (a decimal) all is well."""

    service: str
    name: str
    about: str
    kind: Literal["prometheus", "probe"]
    query: str
    connector: str
    tool: str
    arguments: Mapping[str, Scalar]
    field: str
    relation: Literal["at_most", "at_least"]
    threshold: str
    unit: str

    @property
    def title(self) -> str:
        """Whose signal it is, and its name."""
        return f"{self.service}: {self.name}"

    @property
    def wants(self) -> str:
        """What all is well with, in words."""
        return f"{self.relation.replace('_', ' ')} {self.threshold} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Stages:
    """How a plan reaches its targets.

    `side_by_side` of a wave's targets are worked on at the same time; `error_budget` may fail before the run halts.
    """

    canary: str
    growth: int
    watch_minutes: int
    error_budget: int
    waves: tuple[Wave, ...]
    signals: tuple[Signal, ...]
    side_by_side: int = 1


def fan_out(aims: Sequence[Aim]) -> tuple[str, ...]:
    """The targets on which a change is made that is made on others too, in the plan's order."""
    targets: dict[str, dict[str, None]] = defaultdict(dict)
    for aim in aims:
        targets[aim.change][aim.target] = None
    return tuple(dict.fromkeys(aim.target for aim in aims if len(targets[aim.change]) > 1))


def waves_of(aims: Sequence[Aim], wanted: Staging) -> tuple[Wave, ...]:
    """The waves of a plan: every step in exactly one; a single one where nothing fans out or no canary is wanted."""
    targets = fan_out(aims)
    groups = list(_grouped(targets, wanted)) if targets and wanted.canary else [targets]
    before, after = _around(aims, frozenset(targets))
    by_target: dict[str, list[int]] = defaultdict(list)
    for aim in aims:
        by_target[aim.target].append(aim.number)
    waves = []
    for number, group in enumerate(groups, start=1):
        steps = [step for target in group for step in by_target[target]]
        first, last = before if number == 1 else [], after if number == len(groups) else []
        waves.append(Wave(number, group, (*first, *steps, *last)))
    return tuple(waves) if len(waves) > 1 else (Wave(1, targets, tuple(aim.number for aim in aims)),)


def stages_of(aims: Sequence[Aim], wanted: Staging) -> Stages | None:
    """How a plan is staged, nothing being watched yet; None where it goes from step to step and none may fail."""
    targets = len(fan_out(aims))
    budget = staging.at_most(wanted.error_budget, targets)
    waves = waves_of(aims, wanted)
    side_by_side = max(1, min(wanted.side_by_side, targets))
    if len(waves) == 1 and not budget and side_by_side == 1:
        return None
    return Stages(wanted.canary, wanted.growth, wanted.watch_minutes, budget, waves, (), side_by_side)


def read(data: Mapping[str, Any]) -> Stages:
    """The stages behind a plan's data."""
    waves = tuple(Wave(each["number"], tuple(each["targets"]), tuple(each["steps"])) for each in data["waves"])
    return Stages(**{**data, "waves": waves, "signals": tuple(Signal(**each) for each in data["signals"])})


def _grouped(targets: Sequence[str], wanted: Staging) -> Iterator[tuple[str, ...]]:
    size, begin = staging.at_least(wanted.canary, len(targets)), 0
    while begin < len(targets):
        yield tuple(targets[begin : begin + size])
        begin, size = begin + size, size * wanted.growth


def _around(aims: Sequence[Aim], targets: frozenset[str]) -> tuple[list[int], list[int]]:
    """The numbers of the steps outside the fan-out: those before the last step of it, and those after."""
    last = max((aim.number for aim in aims if aim.target in targets), default=0)
    lone = [aim.number for aim in aims if aim.target not in targets]
    return [number for number in lone if number < last], [number for number in lone if number > last]
