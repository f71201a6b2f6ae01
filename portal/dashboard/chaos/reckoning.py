"""Holds what the lab received against what the runs say they did. Pure.

The witness is the ledger of the lab: every write request as it arrived, before de-duplication, and which of them was
carried out. Rows of the product are never believed on their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

BACK = "-back"
DONE = frozenset({"acted", "verified", "rolling_back", "rolled_back", "rollback_failed"})
"""Steps of which the record says that their action was carried out."""
OPEN = frozenset({"intended", "unknown", "failed"})
"""Steps of which the record says that it may have been, once there was an intent."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the product says of one step. `may_have_changed`: there is an intent that nobody disproved."""

    key: str
    status: str
    may_have_changed: bool
    is_signed: bool


@dataclass
class Reckoning:
    """What was found; each list names keys."""

    received: int = 0
    carried_out: int = 0
    duplicates: list[str] = field(default_factory=list)
    """Asked for again after it was carried out, by somebody who had the run; or carried out under two keys."""
    late: list[str] = field(default_factory=list)
    """Asked for by somebody who had lost the run by then: the server did nothing."""
    lost: list[str] = field(default_factory=list)
    """The record says done and the lab knows nothing of it, or the lab did it and the record says nothing was done."""
    unsigned: list[str] = field(default_factory=list)
    """Received, and no step of a signed plan has that key."""


def reckon(lines: Sequence[Mapping[str, Any]], steps: Iterable[Step]) -> Reckoning:
    """Everything that does not fit; `lines` as the lab's ledger has them, in order."""
    found = Reckoning()
    by_key = {step.key: step for step in steps}
    done = _read(lines, found)
    for key in done:
        step = by_key.get(key.removesuffix(BACK))
        if step is None or not step.is_signed:
            found.unsigned.append(key)
        elif not _owns_up(step, key):
            found.lost.append(key)
    found.lost += [step.key for step in by_key.values() if step.status in DONE and step.key not in done]
    return found


def _read(lines: Sequence[Mapping[str, Any]], found: Reckoning) -> set[str]:
    """The keys that were carried out."""
    done: set[str] = set()
    fences: dict[str, int] = {}
    asked: dict[str, tuple[Any, ...]] = {}
    effects: set[tuple[Any, ...]] = set()
    for line in lines:
        key = str(line["idempotency_key"])
        if line.get("carried_out") == "done":
            found.carried_out += 1
            if key in done or asked[key] in effects:
                found.duplicates.append(key)
            done.add(key)
            effects.add(asked[key])
        elif "carried_out" not in line:
            found.received += 1
            if line["fence"] < fences.get(line["target"], 0):
                found.late.append(key)
            elif key in done:
                found.duplicates.append(key)
            fences[line["target"]] = max(line["fence"], fences.get(line["target"], 0))
            asked[key] = (line["target"], line["tool"], *sorted(line["arguments"].items()))
    return done


def _owns_up(step: Step, key: str) -> bool:
    """Whether the record of the step admits what the lab did."""
    if key.endswith(BACK):
        return step.status in {"rolling_back", "rolled_back", "rollback_failed"}
    return step.status in DONE or (step.status in OPEN and step.may_have_changed)
