"""Feedback by API: one answer per person and ticket, edited by saying it again."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from feedback.models import Feedback
from portal.access.models import Person
from portal.access.testing import caller, person
from portal.audit import services as audit
from portal.audit.models import Event
from portal.jobs.models import Job
from remediation.desk.testing import V1, callers, incident
from remediation.review import testing as review
from remediation.tickets.models import Ticket

ANSWER: dict[str, Any] = {
    "ticket_id": "INC-1",
    "feedback_type": "positive",
    "rating": 5,
    "was_helpful": True,
    "resolution_accurate": True,
    "actions_worked": True,
    "comment": "Quick.",
    "what_worked": "Scaling.",
    "what_didnt_work": "",
    "suggestions": "Alert earlier.",
    "actual_resolution": "Six pods.",
    "actual_actions_taken": ["scaled the pool"],
    "time_to_resolve": 12,
}


@pytest.fixture
def api(db: None) -> dict[str, APIClient]:
    review.world()
    clients = callers(review.people())
    clients["engineer"].post(f"{V1}/tickets", incident(), format="json")
    Ticket.objects.update(status="resolved")
    return clients


def test_an_answer_is_kept_recorded_and_learned_from(api: dict[str, APIClient]) -> None:
    answer = api["engineer"].post(f"{V1}/feedback", ANSWER, format="json")
    assert answer.status_code == 201
    shown = answer.json()
    assert {name: shown[name] for name in ANSWER} == ANSWER
    assert shown["person"] == "engineer"
    assert Event.objects.get(kind="feedback.given").ticket_key == "INC-1"
    assert Job.objects.filter(subject_id=Feedback.objects.get().pk, kind__contains="feedback").count() == 1


@pytest.mark.parametrize("role", ["auditor", "policy admin"])
def test_who_only_reads_teaches_the_patterns_nothing(api: dict[str, APIClient], role: str) -> None:
    assert api[role].post(f"{V1}/feedback", ANSWER, format="json").status_code == 403
    assert not Feedback.objects.exists()


def test_a_second_answer_changes_the_first_and_the_trail_keeps_both(api: dict[str, APIClient]) -> None:
    api["engineer"].post(f"{V1}/feedback", ANSWER, format="json")
    changed = {"ticket_id": "INC-1", "feedback_type": "negative", "rating": 1, "actions_worked": False}
    answer = api["engineer"].post(f"{V1}/feedback", changed, format="json")
    assert answer.status_code == 200
    row = Feedback.objects.get()
    assert (row.rating, row.actions_worked, row.was_helpful, row.comment) == (1, False, None, "")
    body = audit.body_of(Event.objects.get(kind="feedback.changed"))
    assert (body["before"]["rating"], body["after"]["rating"]) == (5, 1)


def test_everybody_has_an_answer_of_their_own(api: dict[str, APIClient]) -> None:
    assert [
        api[role].post(f"{V1}/feedback", ANSWER, format="json").status_code for role in ("engineer", "operator")
    ] == [
        201,
        201,
    ]
    assert Feedback.objects.count() == 2


def test_there_is_nothing_to_judge_while_the_draft_is_on_its_way(api: dict[str, APIClient]) -> None:
    Ticket.objects.update(status="processing")
    assert api["engineer"].post(f"{V1}/feedback", ANSWER, format="json").status_code == 409


def test_a_ticket_one_may_not_see_gets_no_feedback(api: dict[str, APIClient]) -> None:
    assert caller(person("olga")).post(f"{V1}/feedback", ANSWER, format="json").status_code == 404
    assert not Feedback.objects.exists()
    assert Person.objects.filter(username="olga").exists()
