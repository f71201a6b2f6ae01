"""What differs between two plans, in words. Pure.

Both texts are taken apart into single values, each with its address, and every value that differs is told. So two plans
with different digests always have a difference to show (law 3).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.kit import canonical
from portal.kit.labels import label_of
from remediation.policy import wording
from remediation.review.plans import VERSION

Address = tuple[str, ...]
Values = Mapping[Address, Any]
Names = Mapping[str, Mapping[int, str]]
"""How ids of a field are called: {"makers": {7: "petra"}}."""

ABOUT = {
    "steps": "Step",
    "scope": "Scope",
    "evidence": "Evidence",
    "contradicted_by": "Evidence",
    "gates": "Gate",
    "limits": "Policy",
    "stages": "Waves",
    "role": "Role",
    "proof": "Proof",
    "merge_digest": "Proof",
}
"""Under which heading a field of the plan is told; everything else stands under “Plan”."""
WORDS = {
    "contradicted_by": "what contradicts the hypothesis",
    "makers": "who asked for it or wrote it",
    "merge_digest": "merge plan",
    "draft_digest": "text of the draft",
    "needed": "signatures needed",
    "needed_groups": "groups that have to sign as well",
    "votes_last_minutes": "minutes a signature counts",
    "preflight": "pre-flight",
    "way_back": "rollback",
    "call": "action",
    "only_if": "condition",
    "guard": "condition",
    "stop_if": "stop rule",
    "review": "REVIEW note",
    "is_lab": "belongs to the lab",
    "has_passed": "passed",
    "ruleset": "rules",
    "min_confidence": "least confidence",
    "min_reliability": "least reliability",
    "min_similar_tickets": "least similar tickets",
    "min_feedback_rate": "least positive feedback",
    "requires_approval": "approval required",
    "auto_approve_threshold": "approves itself from",
    "max_actions_per_hour": "most actions per hour",
    "is_enabled": "remediation enabled",
    "growth": "they grow by",
    "side_by_side": "targets side by side",
    "watch_minutes": "minutes watched between them",
    "error_budget": "targets that may fail",
    "signals": "signal",
}
SAID: Mapping[Address, Callable[[Any], str]] = {
    ("risk",): lambda risk: label_of("risk", risk).text.lower(),
    ("limits", "days"): wording.days,
}
"""Values that have words of their own."""
DERIVED = frozenset({"says", "preflight", "call", "verify", "way_back", "blast_radius", "guard"})
"""What the catalogue makes of the parameters of a step: not told again where a parameter changed."""
DIGEST_LENGTH, SHOWN_LENGTH = 64, 12


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs: under which heading, what it is, and both values in words; None: not there."""

    about: str
    what: str
    before: str | None
    after: str | None

    @property
    def text(self) -> str:
        """The change as one line."""
        if self.before is None:
            return f"{self.about}: {self.what} is new: {self.after}"
        if self.after is None:
            return f"{self.about}: {self.what} is gone: {self.before}"
        return f"{self.about}: {self.what} was {self.before}, is {self.after}"


def changes_of(old: str, new: str, *, names: Names | None = None) -> list[Change]:
    """What differs between two plans' texts, in the order of the older one; what is new follows."""
    before, after = (_values(canonical.parse(text, version=VERSION)) for text in (old, new))
    differing = [address for address in {**before, **after} if _raw(before, address) != _raw(after, address)]
    whole = _whole_steps(before, after)
    told = [address for address in differing if not _is_told_elsewhere(address, differing, whole)]
    return [
        *_steps_come_and_gone(whole, before, after),
        *(_change(address, before, after, names or {}) for address in told),
        *_other_input(differing),
    ]


def _values(data: Mapping[str, Any]) -> Values:
    return {address: leaf for field, value in data.items() for address, leaf in _leaves((field,), value)}


def _raw(side: Values, address: Address) -> str:
    """A value as it is compared: exactly, so that an empty text is not the same as none."""
    return json.dumps(side[address]) if address in side else ""


def _change(address: Address, before: Values, after: Values, names: Names) -> Change:
    called = names.get(address[0], {})
    said = SAID.get(address, lambda value: _said(value, called))
    words = [said(side[address]) if address in side else None for side in (before, after)]
    if words[0] == words[1]:
        words = [_raw(side, address) for side in (before, after)]
    return Change(_about(address), _what(address), *words)


def _leaves(address: Address, value: Any) -> Iterator[tuple[Address, Any]]:
    """Every single value below `value`. A list of plain values is one value; steps, gates and evidence have names."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves((*address, name), inner)
    elif isinstance(value, list) and any(isinstance(each, Mapping | list) for each in value):
        for number, each in enumerate(value, start=1):
            yield from _item(address, number, each)
    else:
        yield address, value


def _item(address: Address, number: int, value: Any) -> Iterator[tuple[Address, Any]]:
    if address == ("evidence",):
        ref, digest = value
        yield (*address, str(ref)), digest
    elif address == ("stages", "signals"):
        inner = {name: value[name] for name in value if name not in {"service", "name"}}
        yield from _leaves((*address, f"{value['service']}: {value['name']}"), inner)
    elif address == ("gates",):
        yield from _leaves((*address, str(value["gate"])), {name: value[name] for name in value if name != "gate"})
    else:
        yield from _leaves((*address, str(number)), value)


def _said(value: Any, names: Mapping[int, str]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(names.get(each, str(each)) for each in value) or "nothing"
    if value in (None, "") or value == {}:
        return "nothing"
    return str(value)[:SHOWN_LENGTH] if _is_digest(value) else str(value)


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) == DIGEST_LENGTH and set(value) <= set("0123456789abcdef")


def _whole_steps(before: Values, after: Values) -> set[str]:
    """Numbers of the steps that only one of the two plans has."""
    numbers = [
        {address[1] for address in side if address[0] == "steps" and len(address) > 1} for side in (before, after)
    ]
    return numbers[0] ^ numbers[1]


def _steps_come_and_gone(whole: set[str], before: Values, after: Values) -> Iterator[Change]:
    for number in sorted(whole, key=int):
        title = ("steps", number, "title")
        yield Change(f"Step {number}", "the step", before.get(title), after.get(title))


def _is_told_elsewhere(address: Address, differing: Sequence[Address], whole: set[str]) -> bool:
    if address[0] == "gates":
        return address[-1] == "input_digest"
    if address[0] != "steps":
        return False
    number, *path = address[1:]
    parameters = ("steps", number, "parameters")
    return number in whole or (path[0] in DERIVED and any(other[:3] == parameters for other in differing))


def _other_input(differing: Sequence[Address]) -> Iterator[Change]:
    """The gates looked at something else: said once, not for every gate."""
    looked = {address[1] for address in differing if address[0] == "gates" and address[-1] == "input_digest"}
    if looked:
        yield Change("Gates", "what they looked at", "the earlier draft and estate", "the draft and estate of now")


def _about(address: Address) -> str:
    heading = ABOUT.get(address[0], "Plan")
    return f"{heading} {address[1]}" if address[0] in {"steps", "gates"} else heading


def _what(address: Address) -> str:
    path = address[2:] if address[0] in {"steps", "gates"} else address
    if address[0] in {"scope", "limits", "evidence", "stages", "role"}:
        path = address[1:] or address
    if path[0] == "waves":
        return f"{WORDS.get(path[-1], path[-1])} of wave {path[1]}"
    words = [WORDS.get(part, part.replace("_", " ")) for part in path if not part.isdecimal()]
    return ", ".join(words)
