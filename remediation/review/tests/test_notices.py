"""A notice leads to the plan as it stands now, and opening it decides nothing."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from portal.access.models import Person
from portal.audit.models import Event
from portal.jobs.models import Job
from portal.jobs.testing import drain
from portal.notices.models import Notice
from portal.signoff import reminding
from portal.signoff.models import Duty, Plan, Vote
from remediation.drafting.models import Remediation
from remediation.review.testing import drafted, people, ticket, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lab_connectors")]


@pytest.fixture
def asked(db: None) -> list[Notice]:
    """Everybody who was asked to sign a plan that waits."""
    world()
    drafted(ticket(people()["engineer"]))
    drain("probe")
    reminding.remind(at=timezone.now())
    return list(Notice.objects.filter(message__kind="reminder").select_related("person", "message"))


def _as(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_opening_a_notice_signs_nothing(asked: list[Notice]) -> None:
    before = _state()
    assert asked
    for each in asked:
        client = _as(each.person)
        for address in (each.message.path, f"{each.message.path}?approve=true&stage=merge&digest=x"):
            assert client.get(address).status_code == 200
            assert client.head(address).status_code == 200
    assert _state() == before


def test_a_notice_of_a_plan_that_changed_meanwhile_shows_it_as_it_is_now(asked: list[Notice]) -> None:
    each = asked[0]
    digest = Plan.objects.get().digest
    assert digest[:12] in _as(each.person).get(each.message.path).content.decode()
    Plan.objects.update(status="void", void_reason="Somebody changed it.")
    page = _as(each.person).get(each.message.path).content.decode()
    assert f'value="{digest}"' not in page


def test_the_page_says_who_is_on_duty_and_why_somebody_is_not_asked(asked: list[Notice]) -> None:
    plan, cast = Plan.objects.get(), {each.username: each for each in Person.objects.all()}
    assert "On duty: " not in _as(cast["reviewer"]).get(asked[0].message.path).content.decode()
    Duty.objects.create(severity=plan.severity, approver=cast["engineer"], backup=cast["approver"])
    page = _as(cast["reviewer"]).get(asked[0].message.path).content.decode()
    assert "On duty: " in page
    assert "not asked: asked for it or wrote part of it" in page
    assert "<strong>approver</strong>, the backup, asked" in page


def test_makers_are_not_asked(asked: list[Notice]) -> None:
    makers = set(Plan.objects.get().makers)
    assert not makers & {each.person_id for each in asked}


def _state() -> tuple[object, ...]:
    return (
        sorted(Plan.objects.values_list("pk", "status")),
        Vote.objects.count(),
        sorted(Remediation.objects.values_list("pk", "status")),
        Job.objects.count(),
        Event.objects.exclude(kind__startswith="person.").count(),
    )
