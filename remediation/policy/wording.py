"""What a policy's limits are called, from the plain data that signed plans hold. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from remediation.policy.decide import DAY_NAMES

SITES = "What the site says"


def days(chosen: Collection[int]) -> str:
    """Weekdays, 0 being Monday; none chosen is every day."""
    wanted = sorted(set(chosen))
    if not wanted or len(wanted) == len(DAY_NAMES):
        return "Every day"
    is_a_stretch = len(wanted) > 2 and wanted[-1] - wanted[0] == len(wanted) - 1  # noqa: PLR2004 - else a list is shorter
    if is_a_stretch:
        return f"{DAY_NAMES[wanted[0]]} to {DAY_NAMES[wanted[-1]]}"
    return ", ".join(DAY_NAMES[day] for day in wanted)


def limits(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The limits of a plan in the order in which decisions ask for them: what each is called, and what it says."""
    return [(name, say(data[field])) for field, (name, say) in LIMITS.items() if field in data]


def _percent(value: float) -> str:
    return f"{value:g} %"


def _number(value: float) -> str:
    return f"{value:g}"


def _yes(value: object) -> str:
    return "Yes" if value else "No"


def _hours(edges: Sequence[str]) -> str:
    return f"{edges[0]} to {edges[1]}" + (", into the next day" if edges[1] <= edges[0] else "")


def _share(percent: int) -> str:
    return f"{percent} % of the tickets" if percent else "No ticket"


def _or(words: str, say: Callable[[Any], str]) -> Callable[[Any], str]:
    """Says `words` of what the policy leaves open."""
    return lambda value: words if value is None else say(value)


def _listed(none: str) -> Callable[[Sequence[str]], str]:
    return lambda values: ", ".join(values) or none


LIMITS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "is_enabled": ("Switched on", _yes),
    "min_confidence": ("Confidence, at least", _percent),
    "min_reliability": ("Reliability, at least", _or(SITES, _number)),
    "min_similar_tickets": ("Similar tickets before, at least", _number),
    "min_feedback_rate": ("Positive feedback, at least", _or(SITES, _percent)),
    "allowed_action_types": ("Allowed actions", _or("Every action of the catalogue, and commands", _listed("None"))),
    "allowed_systems": ("Allowed systems", _or("Every system", _listed("None"))),
    "forbidden_commands": ("Forbidden commands", _listed("None named")),
    "hours": ("Hours", _or("At any hour", _hours)),
    "zone": ("Time zone", str),
    "days": ("Days", days),
    "requires_approval": ("A person approves", _or(SITES, _yes)),
    "auto_approve_threshold": ("Approves itself from a reliability of", _or("Never", _number)),
    "machine_share": ("Left to the machine", _share),
    "approvers": ("Approvers", _listed("Everybody with the grant to sign")),
    "max_actions_per_hour": ("Actions per hour, at most", _or(SITES, _number)),
    "max_failures_in_a_row": ("Failed runs in a row, then workers wait", _or(SITES, _number)),
    "requires_rollback_plan": ("Every write needs a way back", _yes),
    "requires_backup": ("A fresh backup is asked for", _yes),
}
"""Each limit under the name that the policy's page uses, and how its value is said."""
