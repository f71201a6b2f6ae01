"""Freezes, delegations and rules of quorum through the browser's door, and delegations through the API's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.access.models import Person
from portal.access.testing import caller
from portal.access.testing import person as somebody
from portal.audit.models import Event
from portal.estate import seed as estate
from portal.estate.models import Category
from portal.signoff import brakes
from portal.signoff.models import Delegation, Freeze, QuorumRule

pytestmark = pytest.mark.django_db
API = "/api/v1/delegations"


@pytest.fixture(autouse=True)
def world() -> None:
    estate.load_categories()


def as_(name: str, *roles: str) -> Client:
    client = Client()
    client.force_login(somebody(name, *roles))
    return client


def hours(from_now: float) -> str:
    return (timezone.now() + timedelta(hours=from_now)).strftime("%Y-%m-%dT%H:%M")


def frozen(**changes: Any) -> dict[str, Any]:
    return {"category": "", "starts_at": hours(-1), "ends_at": hours(4), "reason": "Year's end", **changes}


def test_a_freeze_is_planned_shown_and_ended_on_its_page() -> None:
    petra, erin = as_("petra", "policy admin"), as_("erin", "engineer")
    network = Category.objects.get(slug="network")
    assert petra.post("/freezes/add", frozen(category=network.pk)).status_code == 302
    freeze = Freeze.objects.get()
    assert brakes.frozen(network.pk, timezone.now()) == freeze
    assert "Year&#x27;s end" in erin.get("/freezes").content.decode()
    assert erin.post(f"/freezes/{freeze.pk}/end").status_code == 403
    assert petra.post(f"/freezes/{freeze.pk}/end").status_code == 302
    assert brakes.frozen(network.pk, timezone.now()) is None
    assert petra.post(f"/freezes/{freeze.pk}/end").status_code == 409
    page = erin.get("/freezes").content.decode()
    assert "Nothing is frozen" in page
    assert "Ended early" in page
    assert [*Event.objects.filter(subject_kind="signoff.freeze").order_by("id").values_list("kind", "door")] == [
        ("freeze.added", "page"),
        ("freeze.ended", "page"),
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"ends_at": hours(-2)}, "A freeze ends after it starts"),
        ({"starts_at": hours(-5), "ends_at": hours(-4)}, "not in the past"),
        ({"reason": " "}, "This field is required"),
    ],
)
def test_a_freeze_that_makes_no_sense_keeps_what_was_typed(changes: dict[str, Any], says: str) -> None:
    answer = as_("petra", "policy admin").post("/freezes/add", frozen(**changes))
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not Freeze.objects.exists()


@pytest.mark.parametrize("address", ["/duties/add", "/quorum/add", "/freezes/add", "/stop/engage"])
def test_the_right_is_looked_at_before_the_form(address: str) -> None:
    assert as_("erin", "engineer").post(address, {}).status_code == 403
    assert as_("petra", "policy admin").post(address, {}).status_code == 422


def test_nobody_else_freezes() -> None:
    ana = as_("ana", "approver")
    assert ana.post("/freezes/add", frozen()).status_code == 403
    assert 'action="/freezes/add"' not in ana.get("/freezes").content.decode()


def delegation(to: Person, **changes: Any) -> dict[str, Any]:
    return {"to": to.pk, "category": "", "starts_at": hours(0), "ends_at": hours(48), "reason": "Holiday", **changes}


def test_a_delegation_is_given_and_ended_on_its_page() -> None:
    ana, erin = as_("ana", "approver"), somebody("erin", "engineer")
    assert ana.post("/delegations/add", delegation(erin, reason="")).status_code == 422
    assert ana.post("/delegations/add", delegation(erin)).status_code == 302
    given = Delegation.objects.get()
    borrower, outsider = as_("erin"), as_("omar", "operator")
    assert "Holiday" in borrower.get("/delegations").content.decode()
    assert "Holiday" not in outsider.get("/delegations").content.decode()
    assert outsider.post(f"/delegations/{given.pk}/end").status_code == 404
    assert borrower.post(f"/delegations/{given.pk}/end").status_code == 302
    assert ana.post(f"/delegations/{given.pk}/end").status_code == 409


def test_who_cannot_sign_has_nothing_to_delegate() -> None:
    omar = as_("omar", "operator")
    assert "no signing right" in omar.get("/delegations").content.decode()
    assert omar.post("/delegations/add", delegation(somebody("erin"))).status_code == 403
    assert not Delegation.objects.exists()


def test_delegations_by_api() -> None:
    ana, erin = somebody("ana", "approver"), somebody("erin", "engineer")
    client, outsider = caller(ana), caller(somebody("omar", "operator"))
    body = {"to": "erin", "starts_at": f"{hours(0)}Z", "ends_at": f"{hours(48)}Z", "reason": "Holiday"}
    made = client.post(API, body | {"category": "network"}, format="json")
    assert (made.status_code, made.json()["category"], made.json()["to_person"]) == (201, "network", "erin")
    assert [each["id"] for each in caller(erin).get(API).json()] == [made.json()["id"]]
    assert outsider.get(API).json() == []
    one = f"{API}/{made.json()['id']}"
    assert outsider.delete(one).status_code == 404
    assert caller(ana, "tickets:read").delete(one).status_code == 403
    assert client.delete(one).status_code == 204
    assert client.delete(one).status_code == 409
    assert outsider.post(API, body, format="json").status_code == 403


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"to": "nobody"}, "to"),
        ({"category": "unheard-of"}, "category"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "ends_at"),
        ({"ends_at": "2999-01-01T00:00:00Z"}, "ends_at"),
    ],
)
def test_a_delegation_by_api_says_what_is_wrong_with_it(changes: dict[str, str], field: str) -> None:
    somebody("erin", "engineer")
    body = {"to": "erin", "starts_at": f"{hours(0)}Z", "ends_at": f"{hours(48)}Z", "reason": "Holiday"}
    answer = caller(somebody("ana", "approver")).post(API, body | changes, format="json")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def rule(**changes: Any) -> dict[str, Any]:
    fields = {"stage": "rollout", "category": "", "risk": "", "severity": "sev1", "needed": 2, "group": ""}
    return {**fields, **changes}


def test_a_rule_s_form_speaks_of_risks_and_severities_as_pages_do() -> None:
    page = as_("petra", "policy admin").get("/quorum").content.decode()
    for value, words in (("critical_write", "Critical write"), ("sev1", "SEV1")):
        assert f'<option value="{value}">{words}</option>' in page


def test_rules_of_quorum_are_read_by_all_and_set_by_those_who_configure() -> None:
    petra, erin = as_("petra", "policy admin"), as_("erin", "engineer")
    assert erin.post("/quorum/add", rule()).status_code == 403
    assert petra.post("/quorum/add", rule()).status_code == 302
    assert petra.post("/quorum/add", rule(needed=3)).status_code == 422
    kept = QuorumRule.objects.get()
    page = erin.get(f"/quorum?rule={kept.pk}").content.decode()
    assert "SEV1" in page
    assert "/quorum/" not in page
    assert f'action="/quorum/{kept.pk}"' in petra.get(f"/quorum?rule={kept.pk}").content.decode()
    assert petra.post(f"/quorum/{kept.pk}", rule(needed=3)).status_code == 302
    kept.refresh_from_db()
    assert kept.needed == 3
    assert erin.post(f"/quorum/{kept.pk}/remove").status_code == 403
    assert petra.post(f"/quorum/{kept.pk}/remove").status_code == 302
    assert petra.post(f"/quorum/{kept.pk}/remove").status_code == 409
    assert "No rules" in erin.get("/quorum?rule=x").content.decode()
