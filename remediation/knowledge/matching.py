"""How well a runbook answers a ticket's wording, 0 to 100. Pure.

A word weighs the more the fewer runbooks use it. The best symptom decides most of the score; the breadth of shared
vocabulary and the category add the rest. The weights and the threshold were calibrated on differently worded tickets of
one kind, see the tests. Whether the runbook applies is for its signs to say.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from remediation.knowledge.procedures import FrontMatter, Procedure
from remediation.knowledge.words import stems

FITS_FROM = 45
BEST_SYMPTOM, BREADTH, CATEGORY = 65, 20, 15
BROAD_ENOUGH = 5  # shared stems that count as full breadth


@dataclass(frozen=True, slots=True)
class Match:
    """A runbook and how well it answers, in percent."""

    procedure: Procedure
    percent: int


def matching(*, wording: str, category: str, procedures: Sequence[Procedure]) -> list[Match]:
    """The runbooks that answer the wording well enough, the best first; `wording` is the title and the description."""
    said = stems(wording)
    weights = _weights(tuple(procedure.front.vocabulary for procedure in procedures))
    scored = [Match(procedure, _percent(procedure.front, said, category, weights)) for procedure in procedures]
    fitting = [match for match in scored if match.percent >= FITS_FROM]
    return sorted(fitting, key=lambda match: (-match.percent, match.procedure.front.slug))


def _percent(front: FrontMatter, said: frozenset[str], category: str, weights: dict[str, float]) -> int:
    best = max(_share(symptom, said, weights) for symptom in front.symptom_stems)
    breadth = min(1.0, len(said & front.vocabulary) / BROAD_ENOUGH)
    return round(BEST_SYMPTOM * best + BREADTH * breadth + (CATEGORY if front.category == category else 0))


def _share(symptom: frozenset[str], said: frozenset[str], weights: dict[str, float]) -> float:
    if symptom.isdisjoint(said):
        return 0.0
    return sum(weights[stem] for stem in symptom & said) / sum(weights[stem] for stem in symptom)


@lru_cache(maxsize=8)
def _weights(vocabularies: tuple[frozenset[str], ...]) -> dict[str, float]:
    """By stem; counted once for each state of the library."""
    uses = Counter(stem for vocabulary in vocabularies for stem in vocabulary)
    return {stem: 1.0 + math.log(len(vocabularies) / count) for stem, count in uses.items()}
