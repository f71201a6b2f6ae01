"""Canonical text, refusals and actors: the values that every room uses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.kit import actors, canonical
from portal.kit.refusals import NotAllowed, Refusal, Refused, StaleTransition, because

VERSION = "test/1"
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcä", min_size=1), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcdef", min_size=1), plain))
def test_canonical_text_reads_back_and_is_its_own_canonical_text(data: dict[str, Any]) -> None:
    text = canonical.text_of(data, version=VERSION)
    assert canonical.text_of(canonical.parse(text, version=VERSION), version=VERSION) == text


@given(st.dictionaries(st.text("abcdef", min_size=1), st.integers(), min_size=2))
def test_the_order_of_keys_does_not_matter(data: dict[str, int]) -> None:
    turned = dict(reversed(data.items()))
    assert canonical.text_of(data, version=VERSION) == canonical.text_of(turned, version=VERSION)


def test_the_text_is_what_two_machines_would_both_write() -> None:
    text = canonical.text_of({"b": [1, True, None], "a": "e\u0301 ü\n", "c": {"z": (), "y": "x"}}, version=VERSION)
    assert text == 'test/1\n{"a":"é ü\\n","b":[1,true,null],"c":{"y":"x","z":[]}}'
    assert canonical.digest_of(text) == "91c413629241cf671d173639111bf32932d86c038a6fa5a24146361e2ee1b93c"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"a": 1.0}, r"\$\.a: float"),
        ({"a": [1, {"b": float("nan")}]}, r"\$\.a\[1\]\.b: float"),
        ({"a": b"x"}, r"\$\.a: bytes"),
        ({"a": {1}}, r"\$\.a: set"),
        ({1: "a"}, r"\$: key 1 is not a string"),
        ({"é": 1, "e\u0301": 2}, "two keys"),
    ],
)
def test_what_has_no_canonical_text_is_refused_by_its_place(data: dict[Any, Any], place: str) -> None:
    with pytest.raises(canonical.NotCanonical, match=place):
        canonical.text_of(data, version=VERSION)


def test_another_version_is_not_read() -> None:
    with pytest.raises(canonical.NotCanonical, match="expected test/1"):
        canonical.parse("test/2\n{}", version=VERSION)


def test_the_version_is_part_of_the_digest() -> None:
    one, two = (canonical.text_of({"a": 1}, version=version) for version in ("test/1", "test/2"))
    assert canonical.digest_of(one) != canonical.digest_of(two)
    assert json.loads(one.split("\n")[1]) == json.loads(two.split("\n")[1])


@pytest.mark.parametrize(("refusal", "status"), [(NotAllowed, 403), (StaleTransition, 409), (Refused, 422)])
def test_a_refusal_carries_every_reason_and_its_status(refusal: type[Refusal], status: int) -> None:
    error = refusal(because("a", "First.", "title"), because("b", "Second."), link="/tickets/1")
    assert error.status == status
    assert str(error) == "First.; Second."
    assert [(reason.code, reason.field) for reason in error.reasons] == [("a", "title"), ("b", None)]
    assert error.link == "/tickets/1"


def test_the_three_refusals_are_never_mixed() -> None:
    kinds = (NotAllowed, StaleTransition, Refused)
    assert [[issubclass(one, other) for other in kinds] for one in kinds] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]


def test_a_part_of_the_system_acts_by_its_own_name() -> None:
    actor = actors.system("drafting")
    assert (actor.kind, actor.id, actor.name, actor.door) == ("system", None, "drafting", "job")
