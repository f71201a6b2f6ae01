"""The pages of a run through their doors: what it does, what can be done now, its log and files, and the last time."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from patterns.models import Pattern
from portal.access.models import Person
from portal.jobs.testing import drain
from portal.kit.durations import span
from portal.kit.testing.queries import statements
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.execution import claiming, driving, progress, stepping
from remediation.execution.models import StepOutput
from remediation.execution.states import RunStatus, StepStatus
from remediation.execution.testing import PRIMARY, SECONDARY, Signed, draft, scaling, signed
from remediation.tickets.models import Ticket

pytestmark = pytest.mark.django_db

TWO_STEPS = draft(scaling(SECONDARY, 2, 4), scaling(PRIMARY, 3, 4), systems=(first_day.SECONDARY, first_day.PRIMARY))


class Site:
    """A person at the pages of one run."""

    def __init__(self, made: Signed, person: Person) -> None:
        self.client = Client()
        self.client.force_login(person)
        self.path = f"/tickets/{made.ticket.key}/run"

    def get(self, more: str = "", status: int = 200) -> str:
        response = self.client.get(self.path + more)
        assert response.status_code == status
        body = b"".join(response) if response.streaming else response.content
        return html.unescape(body.decode())

    def post(self, verb: str, **data: Any) -> Any:
        return self.client.post(f"{self.path}/{verb}", data)


def begun(made: Signed) -> None:
    """Step 1 has acted; the job that drives the run on waits."""
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    shift = driving.take_over(made.run.pk, clock=timezone.now, keeps_lease=lambda: True)
    assert shift
    stepping.take_step(shift, 1)


def test_an_operator_sees_what_happens_where_and_what_each_button_will_do(workers: LabProcess) -> None:
    made = signed(TWO_STEPS)
    begun(made)
    site = Site(made, made.operator)
    page = site.get()
    assert "0 of 2 steps done" in page
    assert f'on <span class="mono">{first_day.SECONDARY}</span>' in page
    assert "No further write. What was done is still verified" in page
    assert 'id="control-resume"' not in page
    assert "The run is running: pause or stop it first." in page
    assert site.post("pause").status_code == 302
    assert "operator asked for it" in site.get()
    assert site.post("pause").status_code == 409
    drain("execution")
    page = site.get()
    assert "1 of 2 steps done" in page
    assert 'id="control-resume"' in page
    assert 'id="control-pause"' not in page
    watching = Site(made, made.cast["auditor"]).get()
    assert "What now?" not in watching


def test_a_step_is_left_out_through_the_page_and_what_was_typed_is_not_lost(workers: LabProcess) -> None:
    made = signed(TWO_STEPS)
    begun(made)
    mine, theirs = Site(made, made.operator), Site(made, made.cast["approver"])
    early = mine.post("skip", step="2", skip_reason="Relieved by now.")
    assert early.status_code == 409
    assert early.context["kept"] == [("Why the step is left out", "Relieved by now.")]
    mine.post("pause")
    drain("execution")
    assert mine.post("skip", step="nonsense", skip_reason="So.").status_code == 422
    assert mine.post("skip", step="2", skip_reason="Relieved by now.").status_code == 302
    assert "You asked for this or wrote part of it" in mine.get()
    page = theirs.get()
    assert "operator asks to leave it out: Relieved by now." in page
    digest = page.split('name="digest" value="')[1].split('"')[0]
    assert mine.post("skip/sign", digest=digest).status_code == 403
    assert theirs.post("skip/sign", digest="0" * 64).status_code == 409
    assert theirs.post("skip/sign", digest=digest).status_code == 302
    assert made.steps() == ["verified", "skipped"]
    assert "operator asked to leave it out, approver signed: Relieved by now." in mine.get("/steps/2")
    assert mine.post("resume").status_code == 302
    drain("execution")
    assert made.run.status == "succeeded"


def test_the_log_is_narrowed_paged_and_downloaded(workers: LabProcess) -> None:
    made = signed(TWO_STEPS)
    workers.fault("scale_deployment", "lies")
    drain("execution")
    site = Site(made, made.cast["auditor"])
    assert site.get("/log").count("<article") == StepOutput.objects.count()
    assert site.get("/log?step=1&phase=verify").count("<article") == 1
    failures = site.get("/log?only_failures=on")
    assert (failures.count("<article"), "replicas should be 4 and is 2" in failures) == (1, True)
    site.get("/log?step=x", status=422)
    text = site.get("/log.txt?step=1&phase=preflight")
    assert text.startswith(f"Run {made.run.pk} of INC-1: rolled back.")
    assert text.count("\n== ") == 1
    document = json.loads(site.get("/log.json"))
    assert document["run"]["status"] == "rolled_back"
    assert [step["status"] for step in document["steps"]] == ["rolled_back", "skipped"]
    assert {entry["outcome"] for entry in document["log"]} == {"good", "bad"}
    site.get("/log.exe", status=404)
    site.get("/steps/3", status=404)
    Site(made, Person.objects.create_user("stranger")).get("/log.json", status=404)


def test_a_long_output_is_cut_on_the_page_of_the_run_and_whole_on_the_steps_own(workers: LabProcess) -> None:
    made = signed(TWO_STEPS)
    drain("execution")
    step = made.run.steps.get(number=1)
    said = {"step_id": step.pk, "run_id": made.run.pk, "phase": "verify", "says": "", "by": "me", "at": timezone.now()}
    StepOutput.objects.create(text="a" * 5_000 + "the end", **said)
    site = Site(made, made.operator)
    assert "the end" not in site.get()
    assert "is on the step's own page" in site.get()
    assert "the end" in site.get("/steps/1")


def test_a_run_stands_beside_the_last_one_of_its_pattern(workers: LabProcess) -> None:
    first = signed(TWO_STEPS)
    drain("execution")
    assert "There was no last time" in Site(first, first.operator).get("/last-time")
    again = draft(scaling(SECONDARY, 4, 5), scaling(PRIMARY, 4, 5), systems=(first_day.SECONDARY, first_day.PRIMARY))
    second = signed(again, key="INC-2", cast=first.cast)
    ticket = first.ticket
    pattern = Pattern.objects.create(
        category=ticket.category, signature="s", title="Pods", key_terms=["pod"], created_at=timezone.now()
    )
    Ticket.objects.update(pattern=pattern)
    workers.fault("scale_deployment", "lies")
    drain("execution")
    page = Site(second, second.operator).get("/last-time")
    assert "INC-1" in page
    assert page.count(">differs<") == 2


def test_the_page_of_a_run_asks_as_much_for_many_steps_as_for_few(workers: LabProcess) -> None:
    few = signed(draft(scaling(PRIMARY, 3, 4), systems=(first_day.PRIMARY,)))
    steps = [scaling(SECONDARY, 2 + n % 2, 3 - n % 2) for n in range(8)]
    many = signed(draft(*steps, systems=(first_day.SECONDARY,)), key="INC-2", cast=few.cast)
    assert _queries(few) == _queries(many)


def _queries(made: Signed) -> int:
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    site = Site(made, made.operator)
    site.get()
    with statements() as queries:
        site.get()
    return len(queries)


S = StepStatus
CURRENT = [
    ([S.VERIFIED, S.INTENDED, S.PENDING], RunStatus.RUNNING, 2),
    ([S.VERIFIED, S.PENDING, S.PENDING], RunStatus.PAUSED, 2),
    ([S.VERIFIED, S.FAILED, S.PENDING], RunStatus.NEEDS_PERSON, 2),
    ([S.ROLLING_BACK, S.FAILED], RunStatus.ROLLING_BACK, 1),
    ([S.VERIFIED, S.VERIFIED], RunStatus.SUCCEEDED, 0),
    ([S.ROLLED_BACK, S.SKIPPED], RunStatus.ROLLED_BACK, 0),
]


@pytest.mark.parametrize(("statuses", "status", "number"), CURRENT)
def test_the_page_is_about_the_step_where_something_happens(
    statuses: list[StepStatus], status: RunStatus, number: int
) -> None:
    assert progress.current(dict(enumerate(statuses, start=1)), status) == number


WINDOWS = {
    (0, 5): (1, 5, None, None),
    (3, 60): (1, 25, None, 26),
    (26, 60): (26, 50, 1, 51),
    (60, 60): (51, 60, 26, None),
    (61, 60): (1, 25, None, 26),
}


@pytest.mark.parametrize(("asked", "shown"), WINDOWS.items())
def test_a_page_of_steps_holds_the_one_asked_for(
    asked: tuple[int, int], shown: tuple[int, int, int | None, int | None]
) -> None:
    window = progress.window(*asked, size=25)
    assert (window.first, window.last, window.before, window.after) == shown


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.84, "0.8 s"), (42, "42 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")]
)
def test_time_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words
