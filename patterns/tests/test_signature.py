"""Particulars do not change a signature, and differently worded tickets of one kind are found to be alike."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from patterns.signature import (
    CALIBRATION,
    SIMILAR,
    calibrated,
    masked_text,
    signature_of,
    similarity,
    stem_of,
    trigram_similarity,
    trigrams,
)
from patterns.tests.wordings import TUNED, Wording
from patterns.tests.wordings_held_out import COMPARED, HELD_OUT
from patterns.vocabulary import SYNONYMS

SAME = [
    ("Disk full on logship-03", "/var is at 98% since 09:12", "Disk full on logship-11", "/var is at 97% since 23:59"),
    ("Host 10.1.2.3 down", "since 2026-11-20", "Host 10.99.0.1 down", "since 2025-01-02"),
    ("Host fe80::1ff:fe23:1 down", "", "Host 2001:db8::8a2e:370 down", ""),
    (
        "Instance 7f3c9a52-11cd-4b8e-9d0b-5a2c1f3e4d5b error",
        "",
        "Instance 00000000-11cd-4b8e-9d0b-5a2c1f3e4d5c error",
        "",
    ),
    ("Commit 3f786850e387 broke it", "", "Commit a94a8fe5ccb1 broke it", ""),
    ("Pod orders-7d9c6b5f4-x2x9k crashes", "27 restarts", "Pod orders-5f7b8c9d6-a1b2c crashes", "31 restarts"),
    ("Latency 200ms for 5 minutes", "uses 4 GB", "Latency 1.5 s for 2 hours", "uses 800 MB"),
    ('Volume "vol_home" full', "", "Volume 'vol_data' full", ""),
    ("Certificate of api.example.com expired", "", "Certificate of shop.example.org expired", ""),
    ("See https://grafana/d/1?x=2 for host web-1", "", "See https://grafana/d/7 for host web-22", ""),
    ("Errors on Gi0/1", "mail bob@example.com", "Errors on Te1/1/4", "mail eve@example.org"),
    ("CPU  at 99%\n", "on web-1", "cpu at 100%", "on web-2"),
]


@pytest.mark.parametrize(
    ("title", "description", "other_title", "other_description"), SAME, ids=[row[0] for row in SAME]
)
def test_particulars_do_not_change_a_signature(
    title: str, description: str, other_title: str, other_description: str
) -> None:
    one = signature_of("server", title, description)
    other = signature_of("server", other_title, other_description)
    assert one == other


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Disk full on logship-03", "disk full on <host>"),
        ("used 98% of 16G for 5 min", "used <percent> of <size> for <duration>"),
        ("at 2026-11-21T09:12:44Z and 09:12", "at <date> and <time>"),
        ("10.1.2.3:5432 refused", "<ip> refused"),
        ("/var/log/app.log grows", "<path> grows"),
        ("exit code 137, 3 times", "exit code <n> , <n> times"),
        ("don't mask words", "don't mask words"),
        ("facade, decade, deadbeef", "facade, decade, deadbeef"),
    ],
)
def test_masks(text: str, masked: str) -> None:
    assert masked_text(text) == masked


def test_other_words_or_another_category_are_another_signature() -> None:
    digests = {
        signature_of("server", "Disk full", "").digest,
        signature_of("storage", "Disk full", "").digest,
        signature_of("server", "Disk broken", "").digest,
        signature_of("server", "Disk full", "since the deploy").digest,
    }
    assert len(digests) == 4
    assert all(len(digest) == 64 for digest in digests)


def test_key_terms_do_not_depend_on_the_order_of_words() -> None:
    one = signature_of("cache", "Redis evicting keys", "memory exhausted")
    other = signature_of("cache", "keys: memory exhausted", "evicting redis")
    assert one.key_terms == other.key_terms
    assert one.digest != other.digest


def test_a_ticket_of_nothing_but_particulars_still_has_a_signature() -> None:
    signature = signature_of("server", "10.1.2.3", "12:30")
    assert (signature.key_terms, signature.masked) == ((), "<ip> <time>")
    assert similarity(signature.terms, signature.terms) == 0.0


def test_words_of_the_category_count_when_there_are_no_others() -> None:
    assert signature_of("kubernetes", "pods", "").key_terms == ("pod",)
    assert signature_of("kubernetes", "pods crash", "").key_terms == ("crash",)


@pytest.mark.parametrize(
    "words",
    [
        "pod pods",
        "interface interfaces",
        "retry retries",
        "fail failed failing fails",
        "drop dropped dropping",
        "restart restarting",
    ],
)
def test_the_forms_of_a_word_have_one_stem(words: str) -> None:
    assert len({stem_of(word) for word in words.split()}) == 1


def test_a_synonym_stands_for_one_concept_only() -> None:
    assert all(SYNONYMS[concept] == concept for concept in SYNONYMS.values())


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_ticket_has_a_signature_and_masking_is_stable(title: str, description: str) -> None:
    signature = signature_of("server", title, description)
    assert signature == signature_of("server", title, description)
    assert list(signature.key_terms) == sorted(set(signature.key_terms))
    assert all(term.isascii() and term.isalpha() for term in signature.key_terms)


def test_trigrams_are_those_of_the_documentation() -> None:
    assert trigrams("cat") == {"  c", " ca", "cat", "at "}
    assert trigrams("foo|bar") == {"  f", " fo", "foo", "oo ", "  b", " ba", "bar", "ar "}


def test_trigram_similarity_is_that_of_the_database(db: None) -> None:
    terms = [signature_of(w.category, w.title, w.description).terms for w in (TUNED + COMPARED)[::7]]
    texts = [*terms, *(w.title for w in TUNED[::9]), "", "a", "ä ß 1-2_3"]
    with connection.cursor() as cursor:
        for one in texts:
            cursor.execute("SELECT other, similarity(%s, other) FROM unnest(%s::text[]) other", [one, texts])
            for other, expected in cursor.fetchall():
                assert trigram_similarity(one, other) == pytest.approx(expected, abs=1e-6), (one, other)


def _pairs(wordings: list[Wording], about: list[Wording]) -> list[tuple[float, bool]]:
    """Similarity and whether it is one kind, for all ordered pairs of a category with one of `about` among them."""
    terms = [
        (wording, signature_of(wording.category, wording.title, wording.description).terms) for wording in wordings
    ]
    return [
        (similarity(one_terms, other_terms), one.kind == other.kind)
        for (one, one_terms), (other, other_terms) in permutations(terms, 2)
        if one.category == other.category and (one in about or other in about)
    ]


@pytest.mark.parametrize(
    ("wordings", "about", "precision", "recall"),
    [
        (TUNED, TUNED, 0.98, 0.80),
        (TUNED + COMPARED, COMPARED, 0.95, 0.80),
        (TUNED + COMPARED + HELD_OUT, HELD_OUT, 0.95, 0.80),
    ],
    ids=["tuned", "compared", "held out"],
)
def test_wordings_of_one_kind_are_found_and_others_are_not(
    wordings: list[Wording], about: list[Wording], precision: float, recall: float
) -> None:
    pairs = _pairs(wordings, about)
    found = [same for score, same in pairs if score >= SIMILAR]
    assert len(pairs) >= 500
    assert sum(found) / len(found) >= precision
    assert sum(found) / sum(same for _, same in pairs) >= recall


def test_the_nearest_other_wording_is_nearly_always_of_the_same_kind() -> None:
    everything = TUNED + COMPARED + HELD_OUT
    terms = {
        wording: signature_of(wording.category, wording.title, wording.description).terms for wording in everything
    }
    nearest = {
        wording: max(
            (similarity(terms[wording], terms[other]), other.kind)
            for other in everything
            if other.category == wording.category and other != wording
        )[1]
        for wording in HELD_OUT
    }
    right = sum(kind == wording.kind for wording, kind in nearest.items())
    assert right / len(HELD_OUT) >= 0.95


def test_the_calibration_rises_from_nothing_to_a_hundred() -> None:
    assert (CALIBRATION[0], CALIBRATION[-1][1]) == ((0.0, 0.0), 100.0)
    assert all(left < right and low < high for (left, low), (right, high) in pairwise(CALIBRATION))
    assert [calibrated(raw) for raw, _ in CALIBRATION] == [score for _, score in CALIBRATION]
    assert calibrated(1.0) == 100.0


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_alike_is_never_less_similar(one: float, other: float) -> None:
    assert (one <= other) <= (calibrated(one) <= calibrated(other))
