"""How well a runbook answers a ticket's wording, 0 to 100. Pure.

Words are reduced to stems and field synonyms, and weigh the more the fewer runbooks use them. The best symptom decides
most of the score; the breadth of shared vocabulary and the category add the rest. The weights and the threshold were
calibrated on differently worded tickets of one kind, see the tests. Whether the runbook applies is for its signs to say.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from remediation.knowledge.procedures import FrontMatter, Procedure

FITS_FROM = 45
BEST_SYMPTOM, BREADTH, CATEGORY = 65, 20, 15
BROAD_ENOUGH = 5  # shared stems that count as full breadth

WORDS = re.compile(r"[a-z][a-z0-9]+")
ENDINGS = ("ations", "ation", "ings", "ing", "edly", "ed", "ies", "es", "s", "ly")
SHORTEST_STEM = 3
STOP = frozenset(
    "a about after again all also an and any are as at be because been before but by can cannot could did do does down"
    " every for from had has have he her his how i if in into is it its just keep keeps more most my no not now of off"
    " on one only or other our out over own please same she since so some still such than that the their them then"
    " there these they this those to too under until up very was we were what when where which while who why will with"
    " would you your need needs needed".split()
)
SYNONYMS = {
    variant: words[0]
    for words in (
        "disk filesystem partition drive fs space storage".split(),
        "full fill exhaust enospc run left saturated".split(),
        "kubernetes k8s kube cluster".split(),
        "pod container replica replicas".split(),
        "unhealthy unready notready unavailable failing fail broken sick".split(),
        "slow sluggish latency delay degraded lag behind".split(),
        "machine vm guest vms virtual".split(),
        "memory ram oom heap mem".split(),
        "cpu processor vcpu core load".split(),
        "interface port link uplink".split(),
        "scale capacity undersize undersized undersc underscal size pool few small".split(),
        "hang freeze frozen stuck unresponsive hung unreachable dead wedged respond answer answering".split(),
        "release deploy deployment rollout version upgrade".split(),
        "crash crashloop crashloopbackoff crashing restart restarting".split(),
        "certificate cert tls ssl x509".split(),
        "expire expiry expiring expired renew lapse lapsed".split(),
        "clock time ntp chrony drift skew".split(),
        "replica_database standby follower secondary_database replication".split(),
        "log logs journal logging".split(),
        "instance server nova".split(),
        "ship shipper shipping forward forwarder".split(),
        "block ban banned lock locked".split(),
        "error errors crc".split(),
        "disable disabled shutdown err errdisabled".split(),
    )
    for variant in words
}


@dataclass(frozen=True, slots=True)
class Match:
    """A runbook and how well it answers, in percent."""

    procedure: Procedure
    percent: int


def stems(text: str) -> frozenset[str]:
    """The words of a text that carry meaning, in a form that unites their variants."""
    words = (word for word in WORDS.findall(text.lower()) if word not in STOP)
    return frozenset(_stem(word) for word in words)


def matching(*, wording: str, category: str, procedures: Sequence[Procedure]) -> list[Match]:
    """The runbooks that answer the wording well enough, the best first; `wording` is the title and the description."""
    said = stems(wording)
    weights = _weights(procedures)
    scored = [Match(procedure, _percent(procedure.front, said, category, weights)) for procedure in procedures]
    fitting = [match for match in scored if match.percent >= FITS_FROM]
    return sorted(fitting, key=lambda match: (-match.percent, match.procedure.front.slug))


def _percent(front: FrontMatter, said: frozenset[str], category: str, weights: dict[str, float]) -> int:
    symptoms = [stems(symptom) for symptom in front.symptoms]
    best = max(_share(symptom, said, weights) for symptom in symptoms)
    breadth = min(1.0, len(said & _vocabulary(front)) / BROAD_ENOUGH)
    return round(BEST_SYMPTOM * best + BREADTH * breadth + (CATEGORY if front.category == category else 0))


def _share(symptom: frozenset[str], said: frozenset[str], weights: dict[str, float]) -> float:
    whole = sum(weights[stem] for stem in symptom)
    return sum(weights[stem] for stem in symptom & said) / whole if whole else 0.0


def _weights(procedures: Sequence[Procedure]) -> dict[str, float]:
    uses = Counter(stem for procedure in procedures for stem in _vocabulary(procedure.front))
    return {stem: 1.0 + math.log(len(procedures) / count) for stem, count in uses.items()}


def _vocabulary(front: FrontMatter) -> frozenset[str]:
    return _united(stems(text) for text in [front.title, *front.symptoms])


def _united(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)


def _stem(word: str) -> str:
    if word in SYNONYMS:
        return SYNONYMS[word]
    ending = next((e for e in ENDINGS if word.endswith(e) and len(word) - len(e) >= SHORTEST_STEM), "")
    short = word.removesuffix(ending)
    return SYNONYMS.get(short, short)
