"""A run by API: where it stands, its steps, and the same verbs and refusals as its page."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from portal.access.models import Scope
from portal.access.testing import caller
from portal.jobs.testing import drain
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess, lab, lab_connectors, lab_process
from remediation.desk.testing import V1, callers
from remediation.execution import claiming, driving, stepping
from remediation.execution.testing import PRIMARY, SECONDARY, Signed, draft, scaling, signed

__all__ = ["lab", "lab_connectors", "lab_process"]

pytestmark = pytest.mark.django_db

RUN = f"{V1}/tickets/INC-1/run"
TWO_STEPS = draft(scaling(SECONDARY, 2, 4), scaling(PRIMARY, 3, 4), systems=(first_day.SECONDARY, first_day.PRIMARY))


@pytest.fixture
def made(lab: LabProcess, settings: Settings) -> Signed:
    """A run whose first step has acted; the job that drives it on waits."""
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    settings.RUN_SETTLE_SECONDS = 0.7
    made = signed(TWO_STEPS)
    assert caller(made.operator).get(RUN).status_code == 404
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    shift = driving.take_over(made.run.pk, clock=timezone.now, keeps_lease=lambda: True)
    assert shift
    stepping.take_step(shift, 1)
    return made


def allowed(run: dict[str, Any]) -> set[str]:
    return {each["control"] for each in run["controls"] if each["is_allowed"]}


def send(client: APIClient, verb: str, **body: Any) -> Any:
    return client.post(f"{RUN}/{verb}", body, format="json")


def test_a_run_is_held_changed_by_two_people_and_let_go_on(made: Signed) -> None:
    api = callers(made.cast)
    operator, approver = api["operator"], api["approver"]
    run = operator.get(RUN).json()
    assert (run["status"], run["steps"], run["steps_done"], run["current_step"]) == ("running", 2, 0, 1)
    assert allowed(run) == {"pause", "stop_after_step", "stop_now"}
    assert api["auditor"].get(RUN).json()["controls"] == []
    assert send(operator, "resume").status_code == 409
    assert send(api["engineer"], "pause").status_code == 403
    asked = send(operator, "pause").json()
    assert (asked["asked"], asked["asked_by"]) == ("pause", "operator")
    drain("execution")
    assert send(operator, "retry", step=2, reason="So.").status_code == 409
    assert send(operator, "skip", step=2, reason=" ").status_code == 422
    (question,) = send(operator, "skip", step=2, reason="Relieved by now.").json()["questions"]
    assert (question["step"], question["asked_by"], question["reason"]) == (2, "operator", "Relieved by now.")
    assert send(operator, "skip/sign", digest=question["digest"]).status_code == 403
    signed_off = send(approver, "skip/sign", digest=question["digest"]).json()
    assert (signed_off["status"], signed_off["questions"]) == ("paused", [])
    assert (signed_off["steps_done"], signed_off["steps_skipped"]) == (1, 1)
    assert send(operator, "resume").json()["status"] == "running"
    drain("execution")
    run = operator.get(RUN).json()
    assert (run["status"], run["current_step"], allowed(run)) == ("succeeded", None, set())
    assert run["outcome"] == "succeeded, 1 step skipped"
    ticket = operator.get(f"{V1}/tickets/INC-1").json()
    assert ticket["remediation_results"]["outcome"] == "succeeded, 1 step skipped"
    assert ticket["remediation_decision"]["at"]
    assert {each["refusal"] for each in run["controls"]} == {"The run is over: it has succeeded."}


def test_the_steps_come_page_by_page_with_what_the_plan_says_of_them(made: Signed) -> None:
    client = caller(made.cast["auditor"])
    first = client.get(f"{RUN}/steps?size=1").json()
    (step,) = first["items"]
    assert (step["step"], step["status"], step["target"]) == (1, "acted", first_day.SECONDARY)
    (step,) = client.get(f"{RUN}/steps?size=1&after={first['next']}").json()["items"]
    assert (step["step"], step["title"], step["status"]) == (2, "Scale payments-primary", "pending")
    assert client.get(f"{RUN}/steps?after=nonsense").status_code == 422


def test_steering_takes_its_own_scope(made: Signed) -> None:
    reads = caller(made.operator, Scope.TICKETS_READ, Scope.SIGNOFFS_WRITE)
    assert reads.get(RUN).status_code == 200
    assert send(reads, "stop-now").status_code == 403
    assert send(caller(made.operator, Scope.RUNS_WRITE, Scope.TICKETS_READ), "stop-now").status_code == 200


def test_the_log_is_narrowed_like_the_page_and_read_page_by_page(made: Signed, lab: LabProcess) -> None:
    lab.fault("scale_deployment", "lies")
    drain("execution")
    auditor = callers(made.cast)["auditor"]
    log = f"{V1}/tickets/INC-1/remediation-logs"

    def told(**query: str | int) -> list[tuple[int, str, str]]:
        items = auditor.get(log, query).json()["items"]
        return [(line["step"], line["phase"], line["outcome"]) for line in items]

    every = told()
    assert {step for step, _, _ in every} == {1, 2}
    assert told(step=2) == [line for line in every if line[0] == 2]
    assert told(phase="action") == [line for line in every if line[1] == "action"]
    failures = [line for line in every if line[2] != "good"]
    assert failures
    assert told(only_failures="true") == failures
    assert told(step=1, only_failures="true") == [line for line in failures if line[0] == 1]
    first = auditor.get(log, {"step": 2, "size": 1}).json()
    second = auditor.get(log, {"step": 2, "size": 1, "after": first["next"]}).json()
    assert [page["items"][0]["phase"] for page in (first, second)] == [phase for _, phase, _ in told(step=2)[:2]]
    assert auditor.get(log, {"phase": "dance"}).status_code == 400
    assert auditor.get(log, {"step": 0}).status_code == 400
