"""How far an answer can be trusted, 0 to 100, from what happened before. A score can only be earned.

    overall = 0.25 ai_confidence + 0.30 human_validation + 0.25 success_history + 0.20 pattern_recognition

A component without data scores 0 and is named in `no_data`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

FeedbackType = Literal["positive", "negative", "neutral"]
Level = Literal["very_high", "high", "medium", "low"]

WEIGHTS = {"ai_confidence": 0.25, "human_validation": 0.30, "success_history": 0.25, "pattern_recognition": 0.20}
HALF_LIFE = timedelta(days=30)
MIN_SIMILAR_TICKETS = 3
LEVELS: tuple[tuple[float, Level], ...] = ((90.0, "very_high"), (75.0, "high"), (60.0, "medium"))
Z_95 = 1.959963984540054


class Opinion(Protocol):
    """The part of a feedback that tells whether it is positive."""

    @property
    def feedback_type(self) -> FeedbackType | None: ...
    @property
    def resolution_accurate(self) -> bool | None: ...
    @property
    def actions_worked(self) -> bool | None: ...


@dataclass(frozen=True, slots=True)
class FeedbackFacts:
    """One person's feedback; `rating` is 1 to 5, None in the two answers means the person did not say."""

    feedback_type: FeedbackType
    rating: int
    at: datetime
    resolution_accurate: bool | None = None
    actions_worked: bool | None = None


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the four components are computed from.

    `ai_confidence` is 0 to 100, `similarity` the calibrated similarity (0 to 100) to the nearest exemplar. The
    category's feedback counts only where the pattern has none. `resolved` of `finished` are the category's tickets of
    the last six months. `similar_tickets` are the earlier tickets of the pattern, or those found similar.
    """

    at: datetime
    ai_confidence: float | None = None
    pattern_feedback: Sequence[FeedbackFacts] = ()
    category_feedback: Sequence[FeedbackFacts] = ()
    resolved: int = 0
    finished: int = 0
    is_same_pattern: bool = False
    similarity: float | None = None
    similar_tickets: int = 0


@dataclass(frozen=True, slots=True)
class Reliability:
    """The score with its parts; all numbers are exact, whoever shows them rounds them."""

    overall: float
    level: Level
    breakdown: dict[str, float]
    no_data: tuple[str, ...]


def reliability_of(inputs: Inputs) -> Reliability:
    """The reliability of an answer, with its breakdown and the components that nothing is known about."""
    parts = {
        "ai_confidence": inputs.ai_confidence,
        "human_validation": human_validation(inputs.pattern_feedback or inputs.category_feedback, inputs.at),
        "success_history": rate_of(inputs.resolved, inputs.finished),
        "pattern_recognition": _pattern_recognition(inputs),
    }
    breakdown = {name: part or 0.0 for name, part in parts.items()}
    overall = math.fsum(WEIGHTS[name] * score for name, score in breakdown.items())
    return Reliability(overall, level_of(overall), breakdown, tuple(n for n, part in parts.items() if part is None))


def level_of(overall: float) -> Level:
    """The word for a score."""
    return next((level for least, level in LEVELS if overall >= least), "low")


def is_positive(feedback: Opinion) -> bool:
    """Positive by its type, unless it says that the resolution was inaccurate or that the actions did not work."""
    return feedback.feedback_type == "positive" and not _says_it_did_not_help(feedback)


def is_negative(feedback: Opinion) -> bool:
    """Negative by its type, or it says that the resolution was inaccurate or that the actions did not work."""
    return feedback.feedback_type == "negative" or _says_it_did_not_help(feedback)


def human_validation(feedback: Sequence[FeedbackFacts], at: datetime) -> float | None:
    """The mean of the positive rate and the average rating, both in percent; None without feedback.

    Both are weighted by recency: 0.5 ** (age / 30 days).
    """
    if not feedback:
        return None
    ages = [max(at - given.at, timedelta()) for given in feedback]
    newest = min(ages)  # relative ages: the same ratios, and very old feedback alone cannot underflow to nothing
    weights = [0.5 ** ((age - newest) / HALF_LIFE) for age in ages]
    total = math.fsum(weights)
    positive = math.fsum(w for w, given in zip(weights, feedback, strict=True) if is_positive(given)) / total
    rating = math.fsum(w * given.rating for w, given in zip(weights, feedback, strict=True)) / total
    return (positive * 100 + rating / 5 * 100) / 2


def rate_of(part: int, whole: int) -> float | None:
    """Percent, or None where there is nothing to divide."""
    return part / whole * 100 if whole else None


def wilson_lower_bound(successes: int, n: int) -> float:
    """Lower end of the Wilson score interval at 95% confidence, in percent; 0 without observations.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927), 209-212:
    (p + z²/2n - z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), p = successes / n, z = 1.96.
    """
    if n == 0:
        return 0.0
    p, z2 = successes / n, Z_95 * Z_95
    spread = Z_95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return max(0.0, (p + z2 / (2 * n) - spread) / (1 + z2 / n)) * 100


def permille(score: float) -> int:
    """A score of 0 to 100 as an integer of 0 to 1000, for signed text, which holds no floats (law 3)."""
    return round(score * 10)


def _says_it_did_not_help(feedback: Opinion) -> bool:
    return feedback.resolution_accurate is False or feedback.actions_worked is False


def _pattern_recognition(inputs: Inputs) -> float | None:
    if inputs.similar_tickets < MIN_SIMILAR_TICKETS:
        return None
    return 100.0 if inputs.is_same_pattern else inputs.similarity
