"""Review, sign-off and run by API, against the real lab."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from portal.access.models import Person
from portal.audit.models import Event
from portal.jobs.testing import drain
from portal.kit.testing.queries import statements
from portal.signoff.models import Vote
from remediation.connectors.testing import LabProcess
from remediation.desk.testing import V1, in_review, incident
from remediation.review import testing as review
from remediation.review.models import Objection
from remediation.tickets import services as tickets
from remediation.tickets.models import Ticket
from remediation.tickets.services import NewEvidence

pytestmark = pytest.mark.usefixtures("lab_connectors")
TICKET = f"{V1}/tickets/INC-1"
APPROVE = f"{TICKET}/approve-remediation"
MOST_QUERIES = 52
"""Of a merge signature that opens the rollout plan, transactions counted: a third of them write."""


def shown(client: APIClient) -> dict[str, Any]:
    answer = client.get(TICKET)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def sign(client: APIClient, **changes: Any) -> Any:
    plan = shown(client)["plan"]
    body = {"approve": True, "comment": "Read it.", "stage": plan["stage"], "digest": plan["digest"], **changes}
    return client.post(APPROVE, {name: value for name, value in body.items() if value is not None}, format="json")


def errors(answer: Any) -> list[tuple[str, str]]:
    return [(error["field"], error["code"]) for error in answer.json()["errors"]]


@pytest.fixture
def reviewed(api: dict[str, APIClient]) -> dict[str, APIClient]:
    in_review(api["engineer"])
    return api


def test_a_reviewed_ticket_shows_draft_decision_and_plan(reviewed: dict[str, APIClient]) -> None:
    ticket = shown(reviewed["reviewer"])
    assert ticket["status"] == "awaiting_review"
    assert ticket["suggested_actions"] == [{"action": "scale_deployment", "system": review.SECONDARY}]
    assert ticket["confidence_score"] == 0.92
    breakdown = ticket["reliability_breakdown"]
    assert breakdown["overall_score"] == ticket["reliability_score"] == 23.0
    assert breakdown["breakdown"] == {
        "ai_confidence": 92.0,
        "human_validation": None,
        "success_history": None,
        "pattern_recognition": None,
    }
    decision = ticket["remediation_decision"]
    assert (decision["allowed"], decision["action_type"], decision["risk_level"]) == (False, "SAFE_WRITE", "medium")
    assert {line["outcome"] for line in decision["reasoning"]} <= {"pass", "fail", "warn", "info"}
    assert set(decision["safety_checks"]) == {
        "time_window_ok",
        "rate_limit_ok",
        "targets_free",
        "backup_available",
        "system_healthy",
        "all_passed",
    }
    assert ticket["plan"]["stage"] == "merge"
    assert ticket["plan"]["missing"] == ["1 merge sign-off"]
    assert ticket["drafter"] == ticket["revision"]["drafter"] == "runbook"
    steps = [{**step, "only_if": None} for step in review.SCALE["steps"]]
    assert ticket["revision"]["draft"] == {**review.SCALE, "steps": steps, "role": None}


def test_two_people_sign_workers_run_and_the_logs_tell(
    reviewed: dict[str, APIClient], lab: LabProcess, settings: Settings
) -> None:
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    merge = sign(reviewed["reviewer"], ticket_id="INC-1", approver="reviewer")
    assert merge.json() == {
        "stage": "merge",
        "missing": ["1 rollout sign-off", "a rollout sign-off by payments owners"],
    }
    rollout = sign(reviewed["approver"])
    assert rollout.json() == {"stage": "rollout", "missing": []}
    assert shown(reviewed["engineer"])["remediation_results"] is None
    drain("execution")

    ticket = shown(reviewed["engineer"])
    assert ticket["status"] == "resolved"
    assert ticket["auto_remediation_executed"] is True
    assert ticket["remediation_results"]["success"] is True
    done = [
        (each["action"], each["system"], each["status"]) for each in ticket["remediation_results"]["executed_actions"]
    ]
    assert done == [("scale_deployment", review.SECONDARY, "verified")]

    logs = reviewed["auditor"].get(f"{TICKET}/remediation-logs").json()["items"]
    assert [line["phase"] for line in logs] == ["preflight", "action", "verify"]
    assert {line["outcome"] for line in logs} == {"good"}
    assert all(line["who"] and line["what"] and line["when"] and line["step"] == 1 for line in logs)
    doors = Event.objects.filter(kind="plan.signed").values_list("door", flat=True)
    assert list(doors) == ["api", "api"]


@pytest.mark.parametrize("absent", ["stage", "digest"])
def test_a_sign_off_that_does_not_name_what_was_read_is_told_where_it_stands(
    reviewed: dict[str, APIClient], absent: str
) -> None:
    answer = sign(reviewed["reviewer"], **{absent: None})
    assert answer.status_code == 422
    assert errors(answer) == [(absent, "required")]
    assert "`plan`" in answer.json()["detail"]
    assert answer.json()["link"] == TICKET
    assert not Vote.objects.exists()


def test_a_stale_digest_is_a_conflict(reviewed: dict[str, APIClient]) -> None:
    read = shown(reviewed["reviewer"])
    edit = {"base_digest": read["revision"]["digest"], "draft": review.scale(summary="Scale it, carefully.")}
    saved = reviewed["second approver"].post(f"{TICKET}/revisions", edit, format="json")
    assert saved.status_code == 201
    assert (saved.json()["number"], saved.json()["author"]) == (2, "second-approver")
    drain("probe")
    answer = sign(reviewed["reviewer"], digest=read["plan"]["digest"])
    assert answer.status_code == 409
    assert errors(answer) == [("digest", "changed")]
    again = reviewed["reviewer"].post(f"{TICKET}/revisions", edit, format="json")
    assert again.status_code == 409
    assert errors(again) == [("base_digest", "newer_revision")]


def test_a_plan_of_the_other_stage_is_a_conflict(reviewed: dict[str, APIClient]) -> None:
    assert sign(reviewed["approver"], stage="rollout").status_code == 409
    assert not Vote.objects.exists()


def test_nobody_signs_for_somebody_else(reviewed: dict[str, APIClient]) -> None:
    answer = sign(reviewed["reviewer"], approver="approver")
    assert answer.status_code == 403
    assert errors(answer) == [("approver", "foreign_approver")]
    assert not Vote.objects.exists()


def test_a_body_about_another_ticket_is_refused(reviewed: dict[str, APIClient]) -> None:
    answer = sign(reviewed["reviewer"], ticket_id="INC-2")
    assert answer.status_code == 422
    assert errors(answer) == [("ticket_id", "mismatch")]


def test_the_requester_and_the_merge_signer_cannot_sign_and_a_second_click_is_a_conflict(
    api: dict[str, APIClient], cast: dict[str, Person]
) -> None:
    approvers = api["approver"], api["second approver"]
    cast["approver"].groups.add(*cast["engineer"].groups.all())
    in_review(approvers[0])
    assert errors(sign(approvers[0])) == [("", "maker")]
    read = shown(approvers[1])["plan"]
    assert sign(approvers[1]).status_code == 200
    assert sign(approvers[1], stage=read["stage"], digest=read["digest"]).status_code == 409
    assert errors(sign(approvers[1])) == [("", "signed_merge")]


def test_an_engineer_has_no_vote(reviewed: dict[str, APIClient]) -> None:
    assert sign(reviewed["engineer"]).status_code == 403


def test_a_rejection_needs_words_and_ends_the_remediation(reviewed: dict[str, APIClient]) -> None:
    silent = reviewed["reviewer"].post(APPROVE, {"approve": False}, format="json")
    assert silent.status_code == 422
    assert errors(silent) == [("comment", "comment")]
    body = {"approve": False, "comment": "The cause is another.", "reason": "wrong_cause"}
    answer = reviewed["reviewer"].post(APPROVE, body, format="json")
    assert answer.json() == {"stage": None, "missing": []}
    assert Objection.objects.get().reason == "wrong_cause"
    ticket = shown(reviewed["engineer"])
    assert (ticket["status"], ticket["plan"]) == ("rejected", None)
    assert reviewed["reviewer"].post(APPROVE, body, format="json").status_code == 409


def test_review_notes_are_ticked_before_anything_is_signed(api: dict[str, APIClient]) -> None:
    draft = review.scale()
    draft["steps"][0]["review"] = "Is there quota for six pods?"
    in_review(api["engineer"], draft=draft)
    blocked = sign(api["reviewer"])
    assert blocked.status_code == 422
    assert errors(blocked) == [("", "checklist")]
    (item,) = shown(api["reviewer"])["checklist"]
    assert (item["text"], item["step"], item["confirmed_by"]) == ("Is there quota for six pods?", 1, None)
    ticked = api["reviewer"].post(f"{TICKET}/ticks", {"item": item["item"]}, format="json")
    assert ticked.json()["checklist"][0]["confirmed_by"] == "reviewer"
    assert sign(api["reviewer"]).status_code == 200


def test_a_request_for_changes_takes_the_plan_away_and_is_shown(reviewed: dict[str, APIClient]) -> None:
    plan = shown(reviewed["approver"])["plan"]
    answer = reviewed["reviewer"].post(f"{TICKET}/request-changes", {"comment": "Cite the load."}, format="json")
    assert answer.json()["plan"] is None
    (objection,) = answer.json()["objections"]
    assert (objection["kind"], objection["comment"], objection["person"]) == ("changes", "Cite the load.", "reviewer")
    body = {"approve": True, "stage": plan["stage"], "digest": plan["digest"]}
    assert reviewed["approver"].post(APPROVE, body, format="json").status_code == 409


def test_a_draft_that_does_not_fit_the_schema_names_every_place(reviewed: dict[str, APIClient]) -> None:
    draft = review.scale(confidence_percent=101, stepz=[])
    digest = shown(reviewed["reviewer"])["revision"]["digest"]
    answer = reviewed["reviewer"].post(f"{TICKET}/revisions", {"base_digest": digest, "draft": draft}, format="json")
    assert answer.status_code == 422
    assert {field for field, _ in errors(answer)} == {"draft.confidence_percent", "draft.stepz"}


def test_an_expired_plan_gives_way_to_a_fresh_one(reviewed: dict[str, APIClient]) -> None:
    old = shown(reviewed["reviewer"])["plan"]
    assert reviewed["engineer"].post(f"{TICKET}/fresh-plan").status_code == 403
    answer = reviewed["reviewer"].post(f"{TICKET}/fresh-plan")
    assert (answer.status_code, answer.json()["status"]) == (200, "awaiting_review")
    assert shown(reviewed["reviewer"])["plan"] is None
    drain("probe")
    new = shown(reviewed["reviewer"])["plan"]
    assert (new["digest"], new["stage"]) == (old["digest"], "merge")
    assert new["valid_until"] > old["valid_until"]


def test_there_is_no_fresh_plan_where_there_is_nothing_to_check(api: dict[str, APIClient]) -> None:
    opened = api["engineer"].post(f"{V1}/tickets", incident(), format="json")
    assert opened.status_code == 201
    assert api["reviewer"].post(f"{TICKET}/fresh-plan").status_code == 409


def test_the_drafter_tries_again_after_it_asked_for_a_person(api: dict[str, APIClient]) -> None:
    draft = review.scale()
    draft["facts"][0]["evidence"] = ["E99"]
    in_review(api["engineer"], draft=draft)
    assert shown(api["engineer"])["status"] == "needs_person"
    answer = api["reviewer"].post(f"{TICKET}/redraft")
    assert (answer.status_code, answer.json()["status"]) == (200, "processing")
    assert api["engineer"].post(f"{TICKET}/redraft").status_code == 403


def test_a_signature_takes_the_same_number_of_queries_however_much_was_said(
    api: dict[str, APIClient], cast: dict[str, Person]
) -> None:
    taken = []
    for key, evidence in (("INC-1", 1), ("INC-2", 1), ("INC-3", 40)):
        in_review(api["engineer"], key)
        ticket = Ticket.objects.get(key=key)
        new = [NewEvidence("log", f"line {number}", timezone.now()) for number in range(evidence)]
        tickets.add_evidence(ticket.pk, new=new, person=cast["engineer"], door="api", at=timezone.now())
        plan = api["reviewer"].get(f"{V1}/tickets/{key}").json()["plan"]
        body = {"approve": True, "stage": "merge", "digest": plan["digest"], "sheet": plan["sheet"]}
        with statements() as asked:
            answer = api["reviewer"].post(f"{V1}/tickets/{key}/approve-remediation", body, format="json")
        assert answer.status_code == 200, answer.content
        taken.append(len(asked))
    assert taken[1] == taken[2] <= MOST_QUERIES
