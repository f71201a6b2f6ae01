"""The page that says who is on duty: everybody reads it, policy admins change it, and it refuses what cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from portal.access.models import Person
from portal.audit.models import Event
from portal.signoff.models import Duty
from portal.signoff.testing import kubernetes, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> dict[str, Person]:
    return {
        "petra": person("petra", "policy admin"),
        "erin": person("erin", "engineer"),
        "ana": person("ana"),
        "ben": person("ben"),
    }


def as_(who: Person) -> Client:
    client = Client()
    client.force_login(who)
    return client


def typed(cast: dict[str, Person], **changes: Any) -> dict[str, Any]:
    fields = {
        "severity": "sev1",
        "category": "",
        "approver": cast["ana"].pk,
        "backup": cast["ben"].pk,
        "remind_after_minutes": 15,
        "escalate_after_minutes": 30,
    }
    return {**fields, **changes}


def test_a_policy_admin_sets_changes_and_removes_a_duty_and_each_is_recorded(cast: dict[str, Person]) -> None:
    petra = as_(cast["petra"])
    assert petra.post("/duties/add", typed(cast)).status_code == 302
    duty = Duty.objects.get()
    assert (
        petra.post(f"/duties/{duty.pk}", typed(cast, backup=cast["ana"].pk, approver=cast["ben"].pk)).status_code == 302
    )
    assert Duty.objects.get().approver == cast["ben"]
    assert petra.post(f"/duties/{duty.pk}/remove").status_code == 302
    assert petra.post(f"/duties/{duty.pk}/remove").status_code == 409
    kinds = Event.objects.filter(kind__startswith="duty.").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["duty.added", "duty.changed", "duty.removed"]


def test_everybody_reads_who_is_on_duty_and_only_policy_admins_change_it(cast: dict[str, Person]) -> None:
    Duty.objects.create(severity="sev1", approver=cast["ana"], backup=cast["ben"])
    erin = as_(cast["erin"])
    page = erin.get("/duties").content.decode()
    assert "ana" in page
    assert "New duty" not in page
    assert erin.post("/duties/add", typed(cast, severity="sev2")).status_code == 403
    assert erin.post(f"/duties/{Duty.objects.get().pk}/remove").status_code == 403
    assert Duty.objects.count() == 1
    assert Client().get("/duties").status_code == 302


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"backup": "ana"}, "The backup is somebody else."),
        ({"backup": "erin"}, "erin may not sign any rollout there."),
        ({"escalate_after_minutes": 5}, "The backup is asked when or after"),
        ({"escalate_after_minutes": 10**6}, "all within a week"),
        ({"severity": "sev9"}, "Select a valid choice"),
        ({"remind_after_minutes": 0}, "greater than or equal to 1"),
    ],
)
def test_a_duty_that_cannot_be_is_refused_with_the_reason(
    cast: dict[str, Person], changes: dict[str, Any], words: str
) -> None:
    named = {name: cast[value].pk if value in cast else value for name, value in changes.items()}
    answer = as_(cast["petra"]).post("/duties/add", typed(cast, **named))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Duty.objects.exists()


def test_there_is_one_duty_for_each_case(cast: dict[str, Person]) -> None:
    petra = as_(cast["petra"])
    assert petra.post("/duties/add", typed(cast)).status_code == 302
    assert petra.post("/duties/add", typed(cast)).status_code in {409, 422}
    assert petra.post("/duties/add", typed(cast, category=kubernetes().pk)).status_code == 302
    assert Duty.objects.count() == 2
