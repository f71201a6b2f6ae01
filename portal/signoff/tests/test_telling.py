"""Whom stops, delegations and ended plans are told to, once, after the fact."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.access.models import Person
from portal.jobs.models import Job
from portal.jobs.testing import drain
from portal.notices.models import Message, Notice
from portal.signoff import brakes, telling
from portal.signoff import services as signoffs
from portal.signoff.models import Delegation, Plan, Stop
from portal.signoff.testing import AT, give, open_plan, person

pytestmark = pytest.mark.django_db


def told(kind: str) -> set[str]:
    return set(Notice.objects.filter(message__kind=kind).values_list("person__username", flat=True))


def test_an_emergency_stop_is_told_to_all_who_could_have_pressed_it_and_cannot_be_missed() -> None:
    people = [person("ana"), person("omar", "operator"), person("petra", "policy admin")]
    person("erin", "engineer")
    person("gone", "operator", is_active=False)
    Person.objects.create_user("root", is_superuser=True)
    Person.objects.create_user("robot", kind=Person.Kind.MACHINE).groups.set(people[1].groups.all())
    stop = brakes.engage(scope="all", reason="Alarms everywhere", person=people[1], door="page", at=AT)
    assert not Notice.objects.exists()  # the stop waits for nobody
    drain("general")
    assert told("stop") == {"ana", "omar", "petra", "root"}
    assert Message.objects.get().text == "omar stopped everything: Alarms everywhere"

    brakes.release(stop.pk, person=people[0], door="page", at=AT + timedelta(minutes=5))
    drain("general")
    assert Message.objects.filter(kind="stop").count() == 2
    telling.of_stop(stop.pk, at=AT)
    telling.of_release(stop.pk, at=AT)
    assert Message.objects.filter(kind="stop").count() == 2


def test_a_stop_and_its_notice_stand_or_fall_together() -> None:
    brakes.engage(scope="all", reason="x", person=person("omar", "operator"), door="page", at=AT)
    assert Job.objects.get(kind="signoff.tell_engaged").subject_id == Stop.objects.get().pk


def test_a_delegate_hears_for_whom_they_sign() -> None:
    ana, ben = person("ana"), person("ben")
    signoffs.delegate(
        person=ana,
        to=ben,
        category=None,
        starts_at=AT,
        ends_at=AT + timedelta(days=2),
        reason="Holiday",
        door="page",
        at=AT,
    )
    drain("general")
    assert told("delegation") == {"ben"}
    assert telling.of_delegation(Delegation.objects.get().pk, at=AT) == 0


def test_makers_and_signers_hear_that_a_plan_ended() -> None:
    erin, ana = person("erin", "engineer"), person("ana")
    plan = open_plan(erin, needed=2)
    give(plan, ana)
    signoffs.sweep(at=AT + timedelta(hours=5))
    drain("general")
    assert told("review") == {"erin", "ana"}
    assert telling.of_expiry(Plan.objects.get().pk, at=AT) == 0
