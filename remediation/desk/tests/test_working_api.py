"""What a reviewer does beside signing, by API; and what a conflict says."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from portal.access.models import Person
from portal.jobs.testing import drain
from remediation.desk.testing import V1, callers, in_review
from remediation.review import testing as review

pytestmark = pytest.mark.usefixtures("lab_connectors")
TICKET = f"{V1}/tickets/INC-1"
SEEN_AT = "2026-05-04T10:00:00Z"


@pytest.fixture
def api(db: None) -> dict[str, APIClient]:
    review.world()
    cast: dict[str, Person] = review.people()
    clients = callers(cast)
    in_review(clients["engineer"])
    return clients


def shown(client: APIClient) -> dict[str, Any]:
    body: dict[str, Any] = client.get(TICKET).json()
    return body


def send(client: APIClient, path: str, **body: Any) -> Any:
    return client.post(f"{TICKET}/{path}", body, format="json")


def sign(client: APIClient, **changes: Any) -> Any:
    plan = shown(client)["plan"]
    body = {"approve": True, "stage": plan["stage"], "digest": plan["digest"], **changes}
    return send(client, "approve-remediation", **body)


def test_a_conflict_lists_what_changed_since_the_plan_was_read(api: dict[str, APIClient]) -> None:
    read = shown(api["approver"])
    draft = review.scale(rollback_minutes=15)
    send(api["reviewer"], "revisions", base_digest=read["revision"]["digest"], draft=draft)
    drain("probe")
    answer = sign(api["approver"], digest=read["plan"]["digest"])
    assert answer.status_code == 409
    told = {change["what"]: (change["before"], change["after"]) for change in answer.json()["changes"]}
    assert told["rollback minutes"] == ("5", "15")
    assert told["who asked for it or wrote it"] == ("engineer", "engineer, reviewer")


def test_a_conflict_about_another_text_tells_nothing_of_it(api: dict[str, APIClient]) -> None:
    answer = sign(api["approver"], digest="0" * 64)
    assert answer.status_code == 409
    assert "changes" not in answer.json()


def test_somebody_is_on_it_and_leaves_it(api: dict[str, APIClient]) -> None:
    assert send(api["reviewer"], "taken").json()["taken"]["person"] == "reviewer"
    assert send(api["approver"], "taken").status_code == 409
    assert api["reviewer"].delete(f"{TICKET}/taken").json()["taken"] is None
    assert api["reviewer"].delete(f"{TICKET}/taken").status_code == 409
    assert send(api["engineer"], "taken").status_code == 403


def test_comments_on_places_are_shown_with_the_text_they_are_about(api: dict[str, APIClient]) -> None:
    digest = shown(api["reviewer"])["revision"]["digest"]
    remark = {"place": "step 1, rollback", "comment": "Who does this at night?"}
    (objection,) = send(api["reviewer"], "request-changes", remarks=[remark], digest=digest).json()["objections"]
    assert objection["comment"] == "step 1, rollback: Who does this at night?"
    assert objection["remarks"] == [{**remark, "quote": "Back to two pods."}]
    nowhere = [{"place": "line 9999", "comment": "Why?"}]
    answer = send(api["approver"], "request-changes", remarks=nowhere, digest=digest)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "place")
    assert send(api["approver"], "request-changes", remarks=[remark], digest="0" * 64).status_code == 409
    assert send(api["approver"], "request-changes").status_code == 422


def test_a_step_is_cut_on_top_of_what_was_read(api: dict[str, APIClient]) -> None:
    digest = shown(api["reviewer"])["revision"]["digest"]
    answer = send(api["reviewer"], "cut", step=1, base_digest=digest)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "only_step")
    assert send(api["reviewer"], "cut", step=7, base_digest=digest).status_code == 409
    assert send(api["engineer"], "cut", step=1, base_digest=digest).status_code == 403


def test_a_signature_is_taken_back(api: dict[str, APIClient]) -> None:
    assert sign(api["reviewer"]).status_code == 200
    assert [part["by"] for part in shown(api["auditor"])["parts"]][:2] == [["Runbook drafter"], ["reviewer"]]
    assert send(api["approver"], "withdraw", reason="Wrong pool.").status_code == 409
    answer = send(api["reviewer"], "withdraw", reason="Wrong pool.")
    assert (answer.status_code, answer.json()["status"]) == (200, "awaiting_review")
    assert answer.json()["voided"] == "reviewer withdrew: Wrong pool."


def test_a_look_becomes_evidence_that_refreshes_what_the_draft_cites(api: dict[str, APIClient]) -> None:
    assert send(api["reviewer"], "look").status_code == 202
    drain("probe")
    first, second = shown(api["engineer"])["evidence"]
    assert (second["refreshes"], second["contradicts"]) == (first["ref"], False)
    assert send(api["engineer"], "look").status_code == 403


def test_evidence_against_the_draft_takes_its_plan_away(api: dict[str, APIClient]) -> None:
    sign(api["reviewer"])
    piece = {"kind": "metric", "text": "The queue is empty.", "observed_at": SEEN_AT, "contradicts": True}
    added = send(api["engineer"], "evidence", evidence=[piece]).json()["evidence"]
    assert added[0]["contradicts"] is True
    drain("probe")
    ticket = shown(api["approver"])
    assert "what contradicts the hypothesis was nothing, is E2" in ticket["voided"]
    assert ticket["plan"]["stage"] == "merge"
    answer = sign(api["approver"])
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "contradicted")
    piece = {**piece, "refreshes": "E9"}
    assert send(api["engineer"], "evidence", evidence=[piece]).status_code == 422
