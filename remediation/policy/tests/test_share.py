"""The gradual roll-out: stable, only ever growing, and as large as it says."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from remediation.policy.share import STEPS, is_within, place_of

keys = st.text(min_size=1, max_size=80)
slugs = st.from_regex(r"[a-z][a-z0-9-]{0,30}", fullmatch=True)


@given(slugs, keys)
def test_a_ticket_has_one_place_for_good(category: str, key: str) -> None:
    place = place_of(category, key)
    assert 0 <= place <= 99
    assert place == place_of(category, key)


def test_the_places_are_written_down() -> None:
    """Another hash would move tickets in and out of a share that somebody turned on."""
    assert [place_of("kubernetes", f"INC-{number}") for number in range(1, 7)] == [47, 90, 35, 54, 37, 27]
    assert place_of("network", "INC-1") != place_of("kubernetes", "INC-1")


@given(slugs, keys)
def test_a_larger_share_keeps_every_ticket_of_a_smaller_one(category: str, key: str) -> None:
    within = [is_within(share, place_of(category, key)) for share in STEPS]
    assert all(after or not before for before, after in pairwise(within))
    assert within[0] is False
    assert within[-1] is True


@given(slugs, st.sampled_from(STEPS))
def test_a_share_is_as_large_as_it_says(category: str, share: int) -> None:
    inside = sum(is_within(share, place_of(category, f"INC-{number}")) for number in range(1_000))
    assert abs(inside - share * 10) < 100  # six standard deviations
