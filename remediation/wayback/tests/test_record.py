"""What is said of a way back, from the times it was taken: a table, and a rule that always holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediation.wayback.record import Record

AT = datetime(2026, 11, 21, 12, 3, tzinfo=UTC)


@dataclass(frozen=True)
class One:
    """One time that it was taken."""

    has_worked: bool
    is_rehearsal: bool = False
    stands_in_for: str = ""
    at: datetime = AT


GOOD, BAD = One(has_worked=True), One(has_worked=False)
ROWS: list[tuple[tuple[One, ...], str]] = [
    ((), "Rollback unproven: it was never taken."),
    ((GOOD,), "1 of 1 worked, last on 21 Nov 2026, 12:03 UTC in a run."),
    ((GOOD, BAD), "1 of 2 worked, last on 21 Nov 2026, 12:03 UTC in a run."),
    (
        (BAD, GOOD, GOOD),
        "Rollback unproven: 2 of 3 worked, and the last time, on 21 Nov 2026, 12:03 UTC in a run, it did not.",
    ),
    (
        (One(has_worked=True, is_rehearsal=True, stands_in_for="x"),),
        "1 of 1 worked, last on 21 Nov 2026, 12:03 UTC in a rehearsal on a stand-in.",
    ),
]


@pytest.mark.parametrize(("times", "says"), ROWS)
def test_what_is_known_is_said_with_counts(times: tuple[One, ...], says: str) -> None:
    assert Record("scale_deployment", times).says == says


def test_what_has_no_way_back_is_unproven() -> None:
    assert Record("expand_volume", missing="there is none.").says == "Rollback unproven: there is none."


@given(st.lists(st.booleans()))
def test_it_is_proven_exactly_if_it_worked_the_last_time(worked: list[bool]) -> None:
    record = Record("scale_deployment", tuple(One(has_worked=each) for each in worked))
    assert record.is_proven == (worked[:1] == [True])
    assert ("unproven" in record.says) != record.is_proven
    assert (record.bound or 0) <= (record.percent or 0)
