"""Whether a pattern has earned trust: a fold over its observations that gives the same numbers in every order."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

from patterns.reliability import rate_of, wilson_lower_bound

Kind = Literal["seen", "outcome", "feedback"]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class OccurrenceFacts:
    """One observation about one ticket of the pattern.

    Observations are only ever added, so the latest wins: per ticket for an outcome, per ticket and person for feedback.
    `id` is the order of arrival and settles observations of the same moment. An outcome sets `succeeded` (None: nothing
    was executed); feedback sets `person`, `is_positive`, `rating` (1 to 5) and `reliability`, the ticket's score after it.
    """

    id: int
    ticket: str
    kind: Kind
    at: datetime
    succeeded: bool | None = None
    person: str | None = None
    is_positive: bool = False
    rating: int | None = None
    reliability: float | None = None


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a pattern must reach; rates and scores from 0 to 100."""

    min_occurrences: int = 5
    min_positive_rate: float = 85.0
    min_reliability: float = 85.0
    min_success_rate: float = 85.0
    reliability_window: int = 20


@dataclass(frozen=True, slots=True)
class Standing:
    """The numbers of a pattern. A rate without observations is None; `reasons` say what is missing, none if eligible.

    The lower bounds are Wilson's, at 95%: 5 of 5 is only 57.
    """

    occurrences: int
    feedback_count: int
    positive_count: int
    positive_rate: float | None
    positive_lower_bound: float
    average_rating: float | None
    mean_reliability: float | None
    executed: int
    succeeded: int
    success_rate: float | None
    success_lower_bound: float
    eligible: bool
    reasons: tuple[str, ...]


DEFAULTS = Thresholds()


def standing_of(occurrences: Iterable[OccurrenceFacts], thresholds: Thresholds = DEFAULTS) -> Standing:
    """The standing that the observations of one pattern add up to; the same observation twice counts once."""
    seen = list(occurrences)
    tickets = len({one.ticket for one in seen})
    feedback = list(_latest((o for o in seen if o.kind == "feedback"), lambda o: (o.ticket, o.person)).values())
    outcomes = [o.succeeded for o in _latest((o for o in seen if o.kind == "outcome"), lambda o: o.ticket).values()]
    executed, succeeded = len([o for o in outcomes if o is not None]), outcomes.count(True)
    positive = sum(one.is_positive for one in feedback)
    rates = (
        rate_of(positive, len(feedback)),
        _mean_reliability(feedback, thresholds.reliability_window),
        rate_of(succeeded, executed),
    )
    reasons = _missing(tickets, rates, thresholds)
    return Standing(
        occurrences=tickets,
        feedback_count=len(feedback),
        positive_count=positive,
        positive_rate=rates[0],
        positive_lower_bound=wilson_lower_bound(positive, len(feedback)),
        average_rating=_mean([one.rating for one in feedback if one.rating is not None]),
        mean_reliability=rates[1],
        executed=executed,
        succeeded=succeeded,
        success_rate=rates[2],
        success_lower_bound=wilson_lower_bound(succeeded, executed),
        eligible=not reasons,
        reasons=reasons,
    )


def _latest(
    observations: Iterable[OccurrenceFacts], key: Callable[[OccurrenceFacts], Key]
) -> dict[Key, OccurrenceFacts]:
    latest: dict[Key, OccurrenceFacts] = {}
    for one in observations:
        known = latest.get(key(one))
        if known is None or (known.at, known.id) < (one.at, one.id):
            latest[key(one)] = one
    return latest


def _mean_reliability(feedback: Iterable[OccurrenceFacts], window: int) -> float | None:
    """Mean of the scores after feedback, over the tickets that got feedback most recently."""
    scored = _latest((one for one in feedback if one.reliability is not None), lambda one: one.ticket)
    recent = sorted(scored.values(), key=lambda one: (one.at, one.id), reverse=True)[:window]
    return _mean([one.reliability for one in recent if one.reliability is not None])


def _mean(values: list[int] | list[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _missing(tickets: int, rates: tuple[float | None, float | None, float | None], asked: Thresholds) -> tuple[str, ...]:
    too_few = f"Seen in {tickets} tickets, at least {asked.min_occurrences} asked for."
    criteria = zip(
        ("of the feedback is positive", "mean reliability after feedback", "of the executed remediations succeeded"),
        ("No feedback yet.", "No reliability after feedback yet.", "Nothing was executed yet."),
        rates,
        (asked.min_positive_rate, asked.min_reliability, asked.min_success_rate),
        strict=True,
    )
    reasons = [too_few] if tickets < asked.min_occurrences else []
    for name, none, rate, least in criteria:
        if rate is None:
            reasons.append(none)
        elif rate < least:
            reasons.append(f"{rate:.1f} {name}, at least {least:g} asked for.")
    return tuple(reasons)
