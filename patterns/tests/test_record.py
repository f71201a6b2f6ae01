"""What counts for a certificate: the machine's own text, run by workers, one ticket once, nobody unhappy with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patterns.record import Asked, Deed, Record, lacking, record_of
from patterns.reliability import wilson_lower_bound

MARK, OTHER = "a" * 64, "b" * 64


def deed(ticket: int, *, succeeded: bool = True, mark: str = MARK) -> Deed:
    return Deed(ticket, f"INC-{ticket}", succeeded, mark)


def good(count: int) -> list[Deed]:
    return [deed(ticket) for ticket in range(count)]


def record(deeds: list[Deed], *disliked: int) -> Record:
    return record_of(deeds, disliked=set(disliked), fingerprint=MARK)


@pytest.mark.parametrize(
    ("deeds", "disliked", "is_enough"),
    [
        (good(22), (), True),
        (good(21), (), False),
        ([*good(33), deed(33, succeeded=False)], (), True),
        ([*good(32), deed(32, succeeded=False)], (), False),
        (good(34), (3,), True),
        (good(33), (3,), False),
        (good(5), (), False),
        ([], (), False),
    ],
)
def test_twenty_two_of_twenty_two_or_thirty_three_of_thirty_four(
    deeds: list[Deed], disliked: tuple[int, ...], *, is_enough: bool
) -> None:
    assert (lacking(record(deeds, *disliked), Asked()) == []) is is_enough


def test_what_is_lacking_is_said_with_its_figures() -> None:
    assert lacking(record([*good(11), deed(11, succeeded=False)]), Asked()) == [
        "12 different tickets, at least 20 asked for.",
        "11 of 12 succeeded, which is at least 64.6 % with 95 % confidence; 85 % asked for.",
    ]


def test_ten_runs_of_one_ticket_are_one_ticket() -> None:
    assert record([deed(1)] * 10).tickets == ("INC-1",)


def test_one_failed_run_of_a_ticket_counts_against_it_whatever_the_others_did() -> None:
    assert record([deed(1), deed(1, succeeded=False), deed(1)]).failed == ("INC-1",)


def test_what_people_edited_ran_by_hand_or_another_model_did_is_shown_and_proves_nothing() -> None:
    found = record([*good(2), deed(7, mark=""), deed(8, mark=OTHER), deed(9, mark=OTHER, succeeded=False)])
    assert (found.tickets, found.failed, found.not_counted) == (("INC-0", "INC-1"), (), 3)


def test_without_a_fingerprint_nothing_counts() -> None:
    found = record_of([deed(1, mark="")], disliked=(), fingerprint="")
    assert (found.tickets, found.not_counted) == ((), 1)


deeds = st.lists(
    st.builds(deed, st.integers(1, 30), succeeded=st.booleans(), mark=st.sampled_from([MARK, OTHER, ""])), max_size=60
)


@given(deeds, st.sets(st.integers(1, 30)), st.randoms())
def test_the_figures_do_not_depend_on_the_order(rows: list[Deed], disliked: set[int], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a Random
    assert record(rows, *disliked) == record(shuffled, *disliked)


@given(deeds, st.sets(st.integers(1, 30)), st.integers(1, 30))
def test_nothing_bad_ever_raises_the_bound_or_keeps_a_way_open(
    rows: list[Deed], disliked: set[int], ticket: int
) -> None:
    before = record(rows, *disliked)
    for after in (record([*rows, deed(ticket, succeeded=False)], *disliked), record(rows, *disliked, ticket)):
        assert after.succeeded <= before.succeeded
        if before.tickets:
            assert after.bound_permille <= before.bound_permille
        if lacking(before, Asked(min_tickets=1)):
            assert lacking(after, Asked(min_tickets=1))


@given(st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_bound_is_rounded_down_and_below_the_rate(counted: tuple[int, int]) -> None:
    part, whole = counted
    rows = [deed(ticket, succeeded=ticket < part) for ticket in range(whole)]
    bound = record(rows).bound_permille
    exact = wilson_lower_bound(part, whole) * 10
    assert exact - 1 < bound <= exact
    assert bound <= (part / whole * 1000 if whole else 0)
