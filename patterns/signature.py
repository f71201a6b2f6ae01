"""What kind of incident a ticket speaks of: its wording without particulars, its key terms, how close two are."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from patterns.vocabulary import COMMON, OWN_WORDS, STOP_WORDS, SYNONYMS

# In this order: what is taken out first cannot be mistaken for something else.
_MASKS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), f" {mask} ")
    for pattern, mask in (
        (r"\b[a-z][a-z0-9+.-]*://\S+", "<url>"),
        (r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "<mail>"),
        (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<uuid>"),
        (r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b", "<date>"),
        (r"\b\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?\b", "<time>"),
        (r"\b(?:\d{1,3}\.){3}\d{1,3}(?:[/:]\d+)?\b", "<ip>"),
        (r"(?<![\w:])(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}(?![\w:])", "<ip>"),
        (r"\b(?:0x[0-9a-f]+|(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64})\b", "<hex>"),
        (r"""(?<!\w)(?:"[^"\n]{1,60}"|'[^'\n]{1,60}'|`[^`\n]{1,60}`)(?!\w)""", "<name>"),
        (r"(?<!\w)/(?:[\w.+-]+/?)*[\w+-]", "<path>"),
        (r"\b\d+(?:[.,]\d+)?\s*%|%", "<percent>"),
        (
            r"\b\d+(?:\.\d+)?\s*(?:ms|s|sec|secs|seconds?|m|min|mins|minutes?|h|hrs?|hours?|d|days?|weeks?)\b",
            "<duration>",
        ),
        (r"\b\d+(?:[.,]\d+)?\s*[kmgtp]i?b?\b", "<size>"),
        (r"\b(?=[a-z0-9.-]*[a-z])(?=[a-z0-9-]*\d|[a-z0-9-]+\.[a-z0-9-]+\.)[a-z0-9-]+(?:[.-][a-z0-9]+)+\b", "<host>"),
        (r"\b(?:gi|te|fa|eth|gigabitethernet|tengigabitethernet)\d[\d/.]*", "<port>"),
        (r"\b[a-z]+\d[a-z0-9]*\b", "<host>"),
        (r"\b\d[\d.,]*[a-z]?\b", "<n>"),
    )
)
_WORD = re.compile(r"[a-z]+")
_MASK = re.compile(r"<[a-z]+>")
_SPACE = re.compile(r"\s+")


# Chosen on the labelled wordings of the tests, where precision and recall are measured. Of pairs with a raw similarity
# below 0.08 hardly any are of one kind, between 0.08 and 0.165 about a quarter, above it nineteen of twenty.
COMMON_WEIGHT, KNOWN_WEIGHT, UNKNOWN_WEIGHT = 0.4, 1.0, 0.8
TRIGRAM_SHARE = 0.3
CALIBRATION = ((0.0, 0.0), (0.08, 20.0), (0.165, 60.0), (0.3, 90.0), (0.6, 100.0))
SIMILAR = 60.0
SHORTEST_STEM = 3
_KNOWN = frozenset(SYNONYMS.values())


@dataclass(frozen=True, slots=True)
class Signature:
    """`masked` is the wording in lower case without its particulars, `key_terms` its sorted words of meaning."""

    digest: str
    key_terms: tuple[str, ...]
    masked: str

    @property
    def terms(self) -> str:
        """The key terms as one text: what an exemplar keeps, and what similarity compares."""
        return " ".join(self.key_terms)


def signature_of(category: str, title: str, description: str) -> Signature:
    """The signature of a ticket: the same for tickets that differ only in numbers, names, dates and the like."""
    masked = masked_text(f"{title}\n{description}")
    terms = key_terms(category, masked)
    content = "\n".join((category, " ".join(terms), hashlib.sha256(masked.encode()).hexdigest()))
    return Signature(hashlib.sha256(content.encode()).hexdigest(), terms, masked)


def masked_text(text: str) -> str:
    """Lower case, one space between words, and a mask such as <host> for every particular."""
    masked = text.lower()
    for pattern, mask in _MASKS:
        masked = pattern.sub(mask, masked)
    return _SPACE.sub(" ", masked).strip()


def key_terms(category: str, masked: str) -> tuple[str, ...]:
    """The words that carry meaning, sorted: one form for all forms of a word, one word for all its synonyms.

    Stop words are left out, and so are words that every ticket of the category has, unless nothing else is there.
    """
    words = _WORD.findall(_MASK.sub(" ", masked))
    terms = {term for word in words for term in _terms_of(word)}
    return tuple(sorted(terms - OWN_WORDS.get(category, frozenset()) or terms))


def _terms_of(word: str) -> Iterable[str]:
    if word in SYNONYMS:
        return (SYNONYMS[word],)
    stem = stem_of(word)
    if word in STOP_WORDS or stem in STOP_WORDS or len(stem) <= 1:
        return ()
    return (SYNONYMS.get(stem, stem),)


def stem_of(word: str) -> str:
    """The word without the endings of plural and verb forms: interfaces, growing, failed, retries."""
    stem = _without_ending(word)
    if len(stem) > SHORTEST_STEM and stem[-1] == stem[-2] and stem[-1] in "bdgmnprt":
        stem = stem[:-1]
    return stem.removesuffix("e") if len(stem) > SHORTEST_STEM else stem


def _without_ending(word: str) -> str:
    if word.endswith(("ss", "us", "is")):
        return word
    for ending, replacement in (("ies", "y"), ("ing", ""), ("ed", ""), ("es", "e"), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            return word.removesuffix(ending) + replacement
    return word


def trigrams(text: str) -> frozenset[str]:
    """The trigrams of a text as pg_trgm defines them: per word of letters and digits, two spaces before, one after."""
    words = re.findall(r"[^\W_]+", text.lower())
    return frozenset(f"  {word} "[i : i + 3] for word in words for i in range(len(word) + 1))


def trigram_similarity(one: str, other: str) -> float:
    """What pg_trgm's `similarity(one, other)` returns: shared trigrams by all trigrams, 0 to 1."""
    a, b = trigrams(one), trigrams(other)
    return len(a & b) / len(a | b) if a and b else 0.0


def shared_meaning(one: str, other: str) -> float:
    """Weight of the shared key terms by weight of all key terms, 0 to 1: words of the trade count most."""
    a, b = frozenset(one.split()), frozenset(other.split())
    return _weight(a & b) / _weight(a | b) if a and b else 0.0


def _weight(terms: Iterable[str]) -> float:
    return sum(COMMON_WEIGHT if t in COMMON else KNOWN_WEIGHT if t in _KNOWN else UNKNOWN_WEIGHT for t in terms)


def similarity(one: str, other: str) -> float:
    """How alike two tickets of one category are, given by their `Signature.terms`, 0 to 100; from SIMILAR on, alike."""
    raw = TRIGRAM_SHARE * trigram_similarity(one, other) + (1 - TRIGRAM_SHARE) * shared_meaning(one, other)
    return calibrated(raw)


def calibrated(raw: float) -> float:
    """The raw similarity on a scale that means something: straight lines between the points of CALIBRATION."""
    for (left, low), (right, high) in pairwise(CALIBRATION):
        if raw <= right:
            return low + (high - low) * (raw - left) / (right - left)
    return CALIBRATION[-1][1]
