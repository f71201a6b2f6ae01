"""Whether a pattern has earned trust: a fold over its observations that gives the same numbers in every order."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from patterns.reliability import FeedbackType, is_positive, rate_of, wilson_lower_bound

Kind = Literal["seen", "executed", "feedback"]


@dataclass(frozen=True, slots=True)
class OccurrenceFacts:
    """One observation about one ticket of the pattern.

    Observations are only ever added: every finished run is an `executed` of its own, and of one person's feedback on
    one ticket the latest counts. `id` is the order of arrival and settles observations of the same moment. `executed`
    sets `succeeded`; `feedback` sets the fields below it, `reliability` (0 to 100) being the ticket's score after it.
    """

    id: int
    kind: Kind
    at: datetime
    ticket_id: int
    succeeded: bool | None = None
    person_id: int | None = None
    feedback_type: FeedbackType | None = None
    rating: int | None = None
    resolution_accurate: bool | None = None
    actions_worked: bool | None = None
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
    seen = {one.id: one for one in occurrences}.values()
    tickets = len({one.ticket_id for one in seen})
    feedback = _latest((one for one in seen if one.kind == "feedback"), lambda one: (one.ticket_id, one.person_id))
    positive = sum(map(is_positive, feedback))
    runs = [one.succeeded is True for one in seen if one.kind == "executed"]
    positive_rate, success_rate = rate_of(positive, len(feedback)), rate_of(sum(runs), len(runs))
    mean_reliability = _mean_reliability(feedback, thresholds.reliability_window)
    reasons = _missing(tickets, positive_rate, mean_reliability, success_rate, thresholds)
    return Standing(
        occurrences=tickets,
        feedback_count=len(feedback),
        positive_count=positive,
        positive_rate=positive_rate,
        positive_lower_bound=wilson_lower_bound(positive, len(feedback)),
        average_rating=_mean([one.rating for one in feedback if one.rating is not None]),
        mean_reliability=mean_reliability,
        executed=len(runs),
        succeeded=sum(runs),
        success_rate=success_rate,
        success_lower_bound=wilson_lower_bound(sum(runs), len(runs)),
        eligible=not reasons,
        reasons=reasons,
    )


def _latest(
    observations: Iterable[OccurrenceFacts], key: Callable[[OccurrenceFacts], Hashable]
) -> list[OccurrenceFacts]:
    latest: dict[Hashable, OccurrenceFacts] = {}
    for one in observations:
        known = latest.get(key(one))
        if known is None or (known.at, known.id) < (one.at, one.id):
            latest[key(one)] = one
    return list(latest.values())


def _mean_reliability(feedback: Iterable[OccurrenceFacts], window: int) -> float | None:
    """Mean of the scores after feedback, over the tickets that got feedback most recently."""
    scored = _latest((one for one in feedback if one.reliability is not None), lambda one: one.ticket_id)
    recent = sorted(scored, key=lambda one: (one.at, one.id), reverse=True)[:window]
    return _mean([one.reliability for one in recent if one.reliability is not None])


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _missing(
    tickets: int,
    positive_rate: float | None,
    mean_reliability: float | None,
    success_rate: float | None,
    asked: Thresholds,
) -> tuple[str, ...]:
    of_tickets = "ticket of this pattern" if tickets == 1 else "tickets of this pattern"
    reasons = (
        _short_of(tickets, asked.min_occurrences, of_tickets),
        _short_of(positive_rate, asked.min_positive_rate, "positive feedback", unit="%"),
        _short_of(mean_reliability, asked.min_reliability, "mean reliability after feedback"),
        _short_of(success_rate, asked.min_success_rate, "success of executed remediations", unit="%"),
    )
    return tuple(reason for reason in reasons if reason)


def _short_of(value: float | None, least: float, what: str, *, unit: str = "") -> str | None:
    """A sentence if the value is missing or too low; shown rounded down, so that it never looks high enough."""
    if value is None:
        return f"No data yet: {what}, at least {least:g}{unit} asked for."
    if value < least:
        return f"{math.floor(value * 10) / 10:g}{unit} {what}, at least {least:g}{unit} asked for."
    return None
