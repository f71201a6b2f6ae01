"""The certificate pages and the API: what is lacking stands there, two grant, one revokes, strangers see none."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from patterns.models import Occurrence
from portal.access.models import Person
from portal.access.testing import caller, person
from portal.estate.models import Category
from portal.jobs.testing import drain
from portal.kit.testing.queries import statements
from portal.signoff.models import Certificate
from remediation.autonomy import testing
from remediation.autonomy.testing import ACTION, ENVIRONMENT, Earned
from remediation.desk.testing import V1, as_

ASKED = {"action": ACTION, "environment": ENVIRONMENT}


def words(client: Client, url: str, *, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


def question(earned: Earned) -> str:
    return f"/patterns/{earned.pattern.pk}/certificate?action={ACTION}&environment={ENVIRONMENT}"


# --- pages


def test_the_page_of_a_pattern_says_what_each_fix_lacks(earned: Earned) -> None:
    page = words(as_(earned.cast["auditor"]), f"/patterns/{earned.pattern.pk}")
    assert "22 of 22 tickets" in page
    assert "Nothing</span>" in page
    assert "0 different tickets, at least 20 asked for." in page  # in staging
    assert question(earned).replace("&", "&amp;") in page


def test_one_asks_on_a_page_another_grants_on_a_page_and_one_revokes(earned: Earned) -> None:
    asker, granter = (as_(earned.cast[role]) for role in ("policy admin", "second policy admin"))
    page = words(asker, question(earned))
    for text in ("85.1 %", "22 of 22, with 95 % confidence", "exercised", "Everything asked for is there."):
        assert text in page
    answer = asker.post(question(earned), {"days": 14}, follow=True)
    assert "Asked for" in answer.content.decode()
    made = Certificate.objects.get()
    assert "You asked for this" in words(asker, f"/certificates/{made.pk}")
    form = granter.get(f"/certificates/{made.pk}").context["sign"]
    signed = {"digest": form["digest"].value(), "comment": "Read it."}
    assert granter.post(f"/certificates/{made.pk}/sign", signed).status_code == 302
    assert "In force" in words(granter, f"/certificates/{made.pk}")
    assert asker.post(f"/certificates/{made.pk}/revoke", {"reason": ""}).status_code == 422
    assert asker.post(f"/certificates/{made.pk}/revoke", {"reason": "Too early."}).status_code == 302
    page = words(asker, f"/certificates/{made.pk}")
    assert "Revoked by policy-admin" in page
    assert "Too early." in page
    assert asker.post(f"/certificates/{made.pk}/revoke", {"reason": "Again."}).status_code == 409


def test_what_is_lacking_disables_the_question_and_the_service_refuses_it(earned: Earned) -> None:
    Occurrence.objects.filter(source=f"run:{testing.PAST + 1}").update(succeeded=False)
    asker = as_(earned.cast["policy admin"])
    page = words(asker, question(earned))
    assert "21 of 22 succeeded" in page
    assert "disabled" in page
    assert asker.post(question(earned), {"days": 30}).status_code == 422
    assert not Certificate.objects.exists()


def test_a_granter_sees_what_the_record_lacks_by_now(earned: Earned) -> None:
    made = testing.asked(earned)
    Occurrence.objects.filter(source=f"run:{testing.PAST + 1}").update(succeeded=False)
    granter = as_(earned.cast["second policy admin"])
    assert "21 of 22 succeeded" in words(granter, f"/certificates/{made.pk}")
    digest = made.plan.digest if made.plan else ""
    answer = granter.post(f"/certificates/{made.pk}/sign", {"digest": digest})
    assert answer.status_code == 422
    assert "21 of 22 succeeded" in answer.content.decode()


def test_who_does_not_configure_sees_why_and_is_refused(earned: Earned) -> None:
    approver = as_(earned.cast["approver"])
    assert "You need the grant" in words(approver, question(earned))
    assert approver.post(question(earned), {"days": 30}).status_code == 403


@pytest.mark.parametrize("address", ["/certificates/999999", "/patterns/999999/certificate", "/certificates/{pk}"])
def test_what_one_may_not_see_does_not_exist(earned: Earned, address: str) -> None:
    made = testing.asked(earned)
    stranger = as_(person("olga", sees=[Category.objects.get(slug="network")]))
    words(stranger, address.format(pk=made.pk), status=404)
    assert "#" + str(made.pk) not in words(stranger, "/certificates")
    assert stranger.post(f"/certificates/{made.pk}/revoke", {"reason": "x"}).status_code == 404
    assert Client().get("/certificates").status_code == 302


def test_a_page_says_what_a_certificate_allowed_with_outcomes(
    earned: Earned, lab_connectors: Any, settings: Any
) -> None:
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    settings.AUTO_REMEDIATION_REQUIRE_APPROVAL = False
    made = testing.granted(earned)
    testing.drafted(earned.cast, "INC-1")
    drain()
    answer = as_(earned.cast["auditor"]).get(f"/certificates/{made.pk}")
    outcomes = answer.context["outcomes"]
    assert outcomes == {"signatures": 2, "tickets": 1, "runs": 1, "verified": 1, "rolled_back": 0, "failed": 0}
    assert sum(value or 0 for value in answer.context["chart"].series[0].values) == 1
    page = answer.content.decode()
    assert 'href="/tickets/INC-1"' in page
    assert "Succeeded" in page


def test_lists_are_narrowed_paged_and_ask_a_constant_number_of_questions(earned: Earned) -> None:
    auditor = as_(earned.cast["auditor"])
    testing.granted(earned)
    with statements() as few:
        words(auditor, "/certificates")
    for _ in range(6):
        testing.granted(earned)
    with statements() as many:
        words(auditor, "/certificates")
    assert len(many) <= len(few) <= 15
    states = {state: len(auditor.get(f"/certificates?state={state}").context["rows"]) for state in ("live", "revoked")}
    assert states == {"live": 1, "revoked": 6}
    assert auditor.get("/certificates?state=strange").status_code == 422
    assert auditor.get("/certificates?after=strange").status_code == 422


def test_the_page_of_a_pattern_asks_a_constant_number_of_questions(earned: Earned) -> None:
    auditor = as_(earned.cast["auditor"])
    with statements() as few:
        words(auditor, f"/patterns/{earned.pattern.pk}")
    rows = [testing.ran(earned, number, at=timezone.now()) for number in range(100, 130)]
    for number, row in enumerate(rows):
        row.action = f"restart_{number}"
    Occurrence.objects.bulk_create(rows)
    with statements() as many:
        words(auditor, f"/patterns/{earned.pattern.pk}")
    assert len(many) <= len(few) <= 25


# --- REST


def test_a_certificate_is_asked_for_granted_and_revoked_by_api(earned: Earned) -> None:
    asker, granter = (caller(earned.cast[role]) for role in ("policy admin", "second policy admin"))
    body = {"pattern_id": earned.pattern.pk, **ASKED}
    made = asker.post(f"{V1}/certificates", body, format="json")
    assert made.status_code == 201, made.content
    shown = made.json()
    assert (shown["state"], shown["missing"]) == ("asked", ["1 grant sign-off"])
    assert shown["figures"]["lower_bound"] == 0.851
    address = made.headers["Location"]
    stale = granter.post(f"{address}/sign", {"digest": "0" * 64}, format="json")
    assert (stale.status_code, stale.headers["Content-Type"]) == (409, "application/problem+json")
    own = asker.post(f"{address}/sign", {"digest": shown["plan"]["digest"]}, format="json")
    assert own.status_code == 403
    signed = granter.post(f"{address}/sign", {"digest": shown["plan"]["digest"]}, format="json")
    assert (signed.status_code, signed.json()["state"]) == (200, "live")
    assert signed.json()["granted_by"] == ["second-policy-admin"]
    assert asker.get(f"{V1}/certificates?state=live").json()["items"][0]["id"] == shown["id"]
    ended = granter.post(f"{address}/revoke", {"reason": "Too early."}, format="json")
    assert (ended.json()["state"], ended.json()["revoke_reason"]) == ("revoked", "Too early.")
    assert granter.post(f"{address}/revoke", {"reason": "Again."}, format="json").status_code == 409
    assert asker.get(address).json()["outcomes"]["signatures"] == 0


def test_the_api_refuses_with_every_reason(earned: Earned) -> None:
    Occurrence.objects.filter(kind="executed").delete()
    refused = caller(earned.cast["policy admin"]).post(
        f"{V1}/certificates", {"pattern_id": earned.pattern.pk, **ASKED}, format="json"
    )
    assert refused.status_code == 422
    assert [error["code"] for error in refused.json()["errors"]] == ["lacking"] * 2


@pytest.mark.parametrize(
    ("role", "path", "body", "status"),
    [
        ("engineer", "", {"pattern_id": "own", **ASKED}, 403),
        ("policy admin", "", {"pattern_id": 999_999, **ASKED}, 404),
        ("policy admin", "", {"pattern_id": "own", **ASKED, "days": 91}, 400),
        ("policy admin", "", {"pattern_id": "own", **ASKED, "action": ""}, 400),
        ("policy admin", "/999999", None, 404),
        ("policy admin", "/999999/sign", {"digest": "0"}, 404),
        ("policy admin", "/999999/revoke", {"reason": "x"}, 404),
        ("auditor", "?state=strange", None, 400),
        ("auditor", "?after=strange", None, 422),
    ],
)
def test_the_api_answers_with_problems(
    earned: Earned, role: str, path: str, body: dict[str, Any] | None, status: int
) -> None:
    if body and body.get("pattern_id") == "own":
        body = body | {"pattern_id": earned.pattern.pk}
    client = caller(earned.cast[role])
    address = f"{V1}/certificates{path}"
    answer = client.get(address) if body is None else client.post(address, body, format="json")
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_token_without_the_scope_does_nothing(earned: Earned) -> None:
    narrow = caller(earned.cast["policy admin"], "stats:read")
    assert narrow.get(f"{V1}/certificates").status_code == 200
    body = {"pattern_id": earned.pattern.pk, **ASKED}
    assert narrow.post(f"{V1}/certificates", body, format="json").status_code == 403
    assert Person.objects.filter(username="autonomy").exists()
