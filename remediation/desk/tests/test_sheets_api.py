"""Programs that sign are shown the whole text, and what they were shown is kept."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from rest_framework.test import APIClient

from portal.kit import canonical
from portal.signoff.models import Vote
from remediation.desk.testing import V1, callers, in_review
from remediation.review import testing as review
from remediation.review.models import Sheet
from remediation.review.sheets import API_VERSION

TICKET = f"{V1}/tickets/INC-1"


@pytest.fixture
def api(lab_connectors: Any) -> dict[str, APIClient]:
    review.world()
    found = callers(review.people())
    in_review(found["engineer"])
    return found


def sign(client: APIClient, **more: str) -> Any:
    plan = client.get(TICKET).json()["plan"]
    body = {"approve": True, "stage": plan["stage"], "digest": plan["digest"], **more}
    return client.post(f"{TICKET}/approve-remediation", body, format="json")


def test_the_plan_is_shown_to_the_letter(api: dict[str, APIClient]) -> None:
    plan = api["reviewer"].get(TICKET).json()["plan"]
    assert hashlib.sha256(plan["content"].encode()).hexdigest() == plan["digest"]
    kept = Sheet.objects.get(pk=plan["sheet"])
    assert kept.kind == "api"
    assert canonical.parse(kept.text, version=API_VERSION) == {each: plan[each] for each in plan if each != "sheet"}
    assert api["engineer"].get(TICKET).json()["plan"]["sheet"] is None, "who may not sign is shown nothing to sign"


def test_a_vote_names_the_sheet_that_was_read(api: dict[str, APIClient]) -> None:
    sheet = api["reviewer"].get(TICKET).json()["plan"]["sheet"]
    assert sign(api["reviewer"], sheet=sheet).status_code == 200
    assert Vote.objects.get().sheet == sheet


def test_who_names_no_sheet_signs_what_is_shown_now(api: dict[str, APIClient]) -> None:
    assert sign(api["reviewer"]).status_code == 200
    vote = Vote.objects.get()
    assert vote.plan.content in canonical.parse(Sheet.objects.get(pk=vote.sheet).text, version=API_VERSION)["content"]


@pytest.mark.parametrize(("sheet", "status"), [("0" * 64, 409), ("nonsense", 400)])
def test_an_unknown_sheet_is_refused(api: dict[str, APIClient], sheet: str, status: int) -> None:
    answer = sign(api["reviewer"], sheet=sheet)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, "sheet")
    assert not Vote.objects.exists()
