"""What rules add up to, and what votes add up to: tables and properties over pure functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.signoff import quorum
from portal.signoff.quorum import Case, Given, Requirement, Rule, Window

AT = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)
CASE = Case("rollout", 1, "critical_write", "sev1")
RULES = st.lists(
    st.builds(
        Rule,
        stage=st.sampled_from(["merge", "rollout"]),
        category_id=st.sampled_from([None, 1, 2]),
        risk=st.sampled_from(["", "safe_write", "critical_write"]),
        severity=st.sampled_from(["", "sev1", "sev2"]),
        needed=st.integers(1, 9),
        group_id=st.sampled_from([None, 10, 11]),
    ),
    max_size=6,
)


def vote(*groups: int, hours: int = 4, window: tuple[int, int] | None = None) -> Given:
    start, end = (AT + timedelta(hours=hour) for hour in window) if window else (None, None)
    return Given(frozenset(groups), AT + timedelta(hours=hours), start, end)


@pytest.mark.parametrize(
    ("rules", "owners", "wanted"),
    [
        ([], [], Requirement(1, ())),
        ([Rule("rollout", needed=2)], [], Requirement(2, ())),
        ([Rule("merge", needed=2)], [], Requirement(1, ())),
        ([Rule("rollout", category_id=2, needed=3)], [], Requirement(1, ())),
        ([Rule("rollout", risk="safe_write", needed=3)], [], Requirement(1, ())),
        ([Rule("rollout", severity="sev2", needed=3)], [], Requirement(1, ())),
        ([Rule("rollout", 1, "critical_write", "sev1", needed=3), Rule("rollout", needed=2)], [], Requirement(3, ())),
        ([Rule("rollout", group_id=11), Rule("rollout", needed=2, group_id=10)], [], Requirement(2, (10, 11))),
        ([Rule("rollout", group_id=11)], [11, 7], Requirement(1, (7, 11))),
    ],
)
def test_the_most_that_any_matching_rule_asks_for(rules: list[Rule], owners: list[int], wanted: Requirement) -> None:
    assert quorum.requirement(rules, CASE, owner_groups=owners) == wanted


@given(RULES, RULES)
def test_another_rule_never_asks_for_less(rules: list[Rule], more: list[Rule]) -> None:
    fewer, all_of_them = quorum.requirement(rules, CASE), quorum.requirement([*rules, *more], CASE)
    assert fewer.needed <= all_of_them.needed
    assert set(fewer.groups) <= set(all_of_them.groups)


@pytest.mark.parametrize(
    ("wanted", "votes", "short"),
    [
        (Requirement(1), [], Requirement(1)),
        (Requirement(1), [vote()], Requirement(0)),
        (Requirement(3), [vote(), vote()], Requirement(1)),
        (Requirement(1, (7,)), [vote()], Requirement(0, (7,))),
        (Requirement(1, (7,)), [vote(7)], Requirement(0)),
        (Requirement(2, (7, 8)), [vote(7, 8)], Requirement(1)),
        (Requirement(2, (7, 8)), [vote(7), vote(8), vote()], Requirement(0)),
    ],
)
def test_what_is_still_to_come(wanted: Requirement, votes: list[Given], short: Requirement) -> None:
    assert quorum.lacking(wanted, votes) == short
    assert quorum.is_met(wanted, votes) == (short == Requirement(0))


@pytest.mark.parametrize(
    ("votes", "hours"),
    [
        ([], None),
        ([vote()], None),
        ([vote(window=(1, 3))], (1, 3)),
        ([vote(), vote(window=(1, 3)), vote(window=(2, 5))], (2, 3)),
    ],
)
def test_a_run_starts_when_everybody_allows_it(votes: list[Given], hours: tuple[int, int] | None) -> None:
    wanted = Window(*(AT + timedelta(hours=hour) for hour in hours)) if hours else None
    assert quorum.window(votes) == wanted
