"""Who is asked to sign what waits, when, and who is not: with the clock as a parameter."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from hypothesis import given
from hypothesis import strategies as st

from portal.access.models import Person
from portal.jobs.testing import drain
from portal.kit.actors import Ref
from portal.notices.models import Message, Notice
from portal.signoff import duties, pacing, reminding
from portal.signoff import services as signoffs
from portal.signoff.models import Duty, Plan, Watch
from portal.signoff.pacing import Step
from portal.signoff.testing import AT, ask, give, kubernetes, open_plan, open_rollout, person

MINUTE = timedelta(minutes=1)
Heard = list[tuple[str, str]]


@pytest.fixture
def cast(db: None) -> dict[str, Person]:
    """Erin asks for things; Ana is on duty for sev1, with Ben behind her; Cleo may sign as well."""
    names = ("ana", "ben", "cleo")
    people = {"erin": person("erin", "engineer"), **{name: person(name) for name in names}}
    Duty.objects.create(
        severity="sev1",
        approver=people["ana"],
        backup=people["ben"],
        remind_after_minutes=15,
        escalate_after_minutes=30,
    )
    return people


def waiting(cast: dict[str, Person], **changes: Any) -> Plan:
    return open_plan(cast["erin"], **{"severity": "sev1", "valid_until": AT + timedelta(hours=4), **changes})


def heard(*minutes: float) -> Heard:
    """Who heard what, when the clock comes by at these minutes: (person, kind), in order."""
    for each in minutes:
        reminding.remind(at=AT + each * MINUTE)
    told = Notice.objects.order_by("message_id", "person__username")
    return list(told.values_list("person__username", "message__kind"))


def test_the_one_on_duty_is_asked_and_reminded_then_the_backup_then_both_are_warned(cast: dict[str, Person]) -> None:
    waiting(cast)
    assert heard(0) == [("ana", "reminder")]
    assert heard(14) == [("ana", "reminder")]
    assert heard(15) == [("ana", "reminder")] * 2
    assert heard(30)[2:] == [("ben", "escalation")]
    assert heard(209)[3:] == []
    assert heard(210)[3:] == [("ana", "expiry"), ("ben", "expiry")]
    assert heard(239)[5:] == []


def test_each_step_is_said_once_however_often_the_job_is_delivered(cast: dict[str, Person]) -> None:
    waiting(cast)
    heard(*[each / 2 for each in range(480)])
    Watch.objects.update(looked_at=AT - MINUTE, next_at=AT)  # as if nothing had been written down
    assert len(heard(215)) == 5
    assert sorted(Message.objects.values_list("key", flat=True)) == sorted(
        f"plan:{Plan.objects.get().pk}:{step}" for step in Step
    )


def test_however_many_opened_together_each_is_looked_at_once(
    cast: dict[str, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminding, "AT_ONCE", 1)
    waiting(cast), waiting(cast, subject=Ref("drafting.remediation", 8, "INC-8 remediation 1"))
    assert reminding.remind(at=AT) == 2
    assert reminding.remind(at=AT) == 0
    assert Notice.objects.filter(person=cast["ana"]).count() == 2


def test_after_a_silence_nobody_is_told_everything_at_once(cast: dict[str, Person]) -> None:
    waiting(cast)
    assert heard(45) == [("ana", "reminder"), ("ben", "escalation")]


def test_a_plan_that_was_signed_or_ended_is_not_mentioned(cast: dict[str, Person]) -> None:
    give(waiting(cast), cast["cleo"])
    assert heard(0, 60, 210) == []
    waiting(cast)
    assert heard(241) == []


def test_a_duty_for_the_category_wins_over_one_for_all(cast: dict[str, Person]) -> None:
    plan = waiting(cast)
    Duty.objects.create(severity="sev1", category=plan.category, approver=cast["cleo"], backup=cast["ben"])
    assert heard(0) == [("cleo", "reminder")]


def test_makers_are_not_asked_and_the_backup_takes_their_place(cast: dict[str, Person]) -> None:
    plan = open_plan(cast["ana"], severity="sev1")
    on_duty = duties.of(plan, at=AT)
    assert on_duty
    assert on_duty.first.why_not == "asked for it or wrote part of it"
    assert heard(0) == [("ben", "reminder")]


def test_who_signed_merge_is_not_asked_for_the_rollout(cast: dict[str, Person]) -> None:
    plan = open_rollout(cast["erin"], severity="sev1", excluded=[cast["ana"].pk])
    assert plan.stage == "rollout"
    assert heard(0) == [("ben", "reminder")]


def test_who_signed_is_not_asked_again_and_the_next_one_is(cast: dict[str, Person]) -> None:
    plan = waiting(cast, needed=2)
    assert heard(0) == [("ana", "reminder")]
    give(plan, cast["ana"], at=AT + MINUTE)
    assert heard(15)[1:] == [("ben", "reminder")]


def test_somebody_without_the_grant_is_not_asked(cast: dict[str, Person]) -> None:
    cast["ana"].groups.set([Group.objects.get(name="engineer")])
    plan = waiting(cast)
    on_duty = duties.of(plan, at=AT)
    assert on_duty
    assert "may not sign the merge stage" in on_duty.first.why_not
    assert heard(0) == [("ben", "reminder")]


def test_whoever_delegated_is_asked_through_their_delegate(cast: dict[str, Person]) -> None:
    signoffs.delegate(
        person=cast["ana"],
        to=cast["cleo"],
        category=None,
        starts_at=AT,
        ends_at=AT + 20 * MINUTE,
        reason="Away",
        door="page",
        at=AT,
    )
    waiting(cast)
    assert heard(0) == [("cleo", "reminder")]
    assert "in the place of ana" in Message.objects.get().text
    assert heard(25)[1:] == [("ana", "reminder")]  # the delegation is over


def test_a_delegation_to_a_maker_asks_nobody_the_wrong_thing(cast: dict[str, Person]) -> None:
    signoffs.delegate(
        person=cast["ana"],
        to=cast["cleo"],
        category=None,
        starts_at=AT,
        ends_at=AT + timedelta(days=1),
        reason="Away",
        door="page",
        at=AT,
    )
    open_plan(cast["cleo"], severity="sev1")
    assert heard(0) == [("ana", "reminder")]


@pytest.mark.parametrize("severity", ["sev3", ""])
def test_where_nobody_is_on_duty_everybody_who_may_sign_is_asked_and_warned(
    cast: dict[str, Person], severity: str
) -> None:
    waiting(cast, severity=severity)
    asked = [(name, "reminder") for name in ("ana", "ben", "cleo")]
    assert heard(0) == asked
    assert heard(15, 30) == asked
    assert heard(210) == asked + [(name, "expiry") for name in ("ana", "ben", "cleo")]


def test_where_neither_of_the_two_can_sign_the_others_are_asked(cast: dict[str, Person]) -> None:
    open_plan(cast["ana"], severity="sev1", makers=[cast["ana"].pk, cast["ben"].pk])
    assert heard(0) == [("cleo", "reminder")]


def test_owners_who_have_to_be_among_the_signers_are_asked_as_well(cast: dict[str, Person]) -> None:
    owners = Group.objects.create(name="payments owners")
    cast["cleo"].groups.add(owners)
    waiting(cast, needed=2, needed_groups=[owners.pk])
    assert heard(0) == [("ana", "reminder"), ("cleo", "reminder")]


def test_a_certificate_asks_for_itself(db: None) -> None:
    ask(person("petra", "policy admin"))
    assert reminding.remind(at=AT) == 0


def test_another_duty_is_heard_of_at_once(cast: dict[str, Person]) -> None:
    waiting(cast)
    heard(0)
    petra = person("petra", "policy admin")
    duty = Duty.objects.get()
    duty.remind_after_minutes = 5
    duties.keep(duty, person=petra, door="page", at=AT + 6 * MINUTE)
    assert heard(6) == [("ana", "reminder")] * 2


def test_what_waits_is_looked_at_when_it_has_something_to_say_and_not_before(cast: dict[str, Person]) -> None:
    waiting(cast)
    assert reminding.remind(at=AT) == 1
    assert reminding.remind(at=AT + 14 * MINUTE) == 0
    assert reminding.remind(at=AT + 15 * MINUTE) == 1


def test_a_plan_is_asked_about_when_it_is_opened_under_the_rights_of_the_general_cluster(
    committed_db: str, running_as: Callable[[str], AbstractContextManager[None]]
) -> None:
    people = {name: person(name) for name in ("erin", "ana", "ben")}
    Duty.objects.create(severity="sev1", category=kubernetes(), approver=people["ana"], backup=people["ben"])
    with running_as("probe"):
        open_plan(people["erin"], severity="sev1", valid_until=datetime(2100, 1, 1, tzinfo=UTC))
    with running_as("general"):
        assert "signoff.remind: Looked at 1 plans." in drain("general")
    assert set(Notice.objects.values_list("person__username", flat=True)) == {"ana", "ben"}


@given(
    life=st.integers(min_value=4, max_value=10_000),
    remind=st.integers(min_value=1, max_value=10_000),
    wait=st.integers(min_value=0, max_value=10_000),
)
def test_the_steps_of_a_plan_are_in_order_and_within_its_life(life: int, remind: int, wait: int) -> None:
    end = AT + life * MINUTE
    pace = pacing.pace(
        opened_at=AT, valid_until=end, remind_after=remind * MINUTE, escalate_after=(remind + wait) * MINUTE
    )
    times = [when for when, _ in pace.steps]
    steps = [step for _, step in pace.steps]
    assert times == sorted(times)
    assert steps[0] == Step.ASKED
    assert steps[-1] == Step.WARNED
    assert all(AT <= when < end for when in times)
    assert pace.due(since=None, at=end) == steps
    assert [step for when in times for step in pace.due(since=when - MINUTE / 10**6, at=when)] != []
    assert pace.next_after(end) is None
