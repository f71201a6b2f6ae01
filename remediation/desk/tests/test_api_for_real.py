"""What only shows with real commits: the rights of the web process's role, and the same request many times at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from portal.access.testing import caller
from portal.audit.models import Event
from portal.jobs.models import Job
from portal.jobs.testing import drain
from remediation.connectors import seed
from remediation.connectors.testing import LabProcess
from remediation.desk.testing import V1, callers, in_review, incident
from remediation.review import testing as review
from remediation.tickets.models import Evidence, Ticket


def test_the_web_role_s_rights_are_enough_for_the_whole_api(
    committed_db: str, lab: LabProcess, running_as: Callable[[str], Any]
) -> None:
    review.world()
    api = callers(review.people())
    seed.load(review.AT)
    in_review(api["engineer"])
    with running_as("web"):
        repeated: dict[str, Any] = {"format": "json", "headers": {"Idempotency-Key": "k"}}
        body = incident("INC-2")
        for status in (201, 200):
            assert api["engineer"].post(f"{V1}/tickets", body, **repeated).status_code == status
        shown = api["reviewer"].get(f"{V1}/tickets/INC-1").json()
        edit = {"base_digest": shown["revision"]["digest"], "draft": review.scale(summary="Scale it to six.")}
        assert api["reviewer"].post(f"{V1}/tickets/INC-1/revisions", edit, format="json").status_code == 201
        more = {"evidence": incident()["evidence"]}
        assert api["engineer"].post(f"{V1}/tickets/INC-1/evidence", more, format="json").status_code == 201
    with running_as("probe"):
        drain("probe")
    with running_as("web"):
        for role in ("second approver", "approver"):
            plan = api[role].get(f"{V1}/tickets/INC-1").json()["plan"]
            signed = {"approve": True, "stage": plan["stage"], "digest": plan["digest"]}
            answer = api[role].post(f"{V1}/tickets/INC-1/approve-remediation", signed, format="json")
            assert answer.status_code == 200, answer.content
        said = {"ticket_id": "INC-1", "feedback_type": "neutral", "rating": 3}
        assert api["engineer"].post(f"{V1}/feedback", said, format="json").status_code == 201
        for path in ("/tickets?text=pods", "/tickets/INC-1/remediation-logs", "/stats/reliability", "/patterns"):
            assert api["auditor"].get(f"{V1}{path}").status_code == 200
        assert api["auditor"].get(f"{V1}/stats/auto-remediation").status_code == 200
        assert api["auditor"].delete(f"{V1}/tokens/current").status_code == 204


def test_the_same_request_many_times_at_once_opens_one_ticket(committed_db: str) -> None:
    review.world()
    client = caller(review.people()["engineer"])
    body = incident()

    def post(key: str | None) -> tuple[int, dict[str, Any]]:
        headers = {"Idempotency-Key": key} if key else {}
        try:
            answer = client.post(f"{V1}/tickets", body, format="json", headers=headers)
            return answer.status_code, answer.json()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=6) as pool:
        answers = list(pool.map(post, ["k"] * 6))
    assert sorted(status for status, _ in answers) == [200, 200, 200, 200, 200, 201]
    assert all(answer == answers[0][1] for _, answer in answers)
    with ThreadPoolExecutor(max_workers=6) as pool:
        assert {status for status, _ in pool.map(post, [None] * 6)} == {409}
    counts = [model.objects.count() for model in (Ticket, Evidence)]
    assert counts == [1, 1]
    assert Event.objects.filter(kind="ticket.opened").count() == Job.objects.filter(kind="drafting.draft").count() == 1
