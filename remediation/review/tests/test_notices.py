"""A notice leads to the plan as it stands now, and opening it decides nothing."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from portal.access.models import Person
from portal.audit.models import Event
from portal.jobs.models import Job
from portal.jobs.testing import drain
from portal.notices.models import Notice
from portal.signoff import reminding
from portal.signoff import services as signoffs
from portal.signoff.models import Duty, Plan, Vote
from portal.signoff.testing import ask
from remediation.drafting.models import Remediation
from remediation.policy.models import CategoryPolicy
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


@pytest.fixture
def owned(db: None) -> dict[str, Person]:
    """Only the owners of payments sign in the category, and a plan waits there."""
    world()
    cast = people()
    CategoryPolicy.objects.get(category__slug="kubernetes").approvers.set(Group.objects.filter(name="payments owners"))
    drafted(ticket(cast["engineer"]))
    drain("probe")
    return cast


def _told() -> set[str]:
    reminding.remind(at=timezone.now())
    return set(Notice.objects.filter(message__kind="reminder").values_list("person__username", flat=True))


def test_only_those_are_asked_whose_signature_the_policy_counts(owned: dict[str, Person]) -> None:
    plan = Plan.objects.get()
    assert not signoffs.lacking(plan, owned["approver"])
    assert [each.code for each in signoffs.lacking(plan, owned["reviewer"])] == ["approvers"]
    assert _told() == {"approver", "second-approver"}


def test_on_duty_or_not_nobody_is_asked_for_a_signature_that_does_not_count(owned: dict[str, Person]) -> None:
    severity = Plan.objects.get().severity
    Duty.objects.create(severity=severity, approver=owned["reviewer"], backup=owned["second approver"])
    assert _told() == {"second-approver"}


def test_a_certificate_is_granted_by_policy_admins_whoever_signs_the_plans(owned: dict[str, Person]) -> None:
    plan = Plan.objects.get(certificate=ask(owned["policy admin"]))
    Person.objects.create_user("pablo").groups.set(owned["policy admin"].groups.all())
    assert not signoffs.lacking(plan, Person.objects.get(username="pablo"))


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
