"""Guided manual mode through the page: one phase at a time, and nothing to copy before its pre-flight was seen."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from patterns.models import Pattern
from portal.access.models import Person
from portal.jobs.testing import drain
from portal.signoff import brakes
from portal.signoff.models import Plan
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.execution import services as runs
from remediation.execution.models import StepOutput
from remediation.execution.services import Report
from remediation.execution.testing import SECONDARY, Signed, command, draft, scaling, signed
from remediation.policy.models import CategoryPolicy
from remediation.tickets.models import Ticket

pytestmark = pytest.mark.django_db

CAP = command("Cap the journal", "journalctl --vacuum-size=1G", way_back="systemctl restart shipper-a")
ROTATE = command("Rotate now", "logrotate --force /etc/logrotate.d/shipper", way_back="systemctl restart shipper-b")
COMMANDS = draft(CAP, ROTATE, systems=("log-ship-1",))


class Hands:
    """A person at the run page of one ticket."""

    def __init__(self, made: Signed, person: Person) -> None:
        self.made = made
        self.client = Client()
        self.client.force_login(person)
        self.path = f"/tickets/{made.ticket.key}/run"

    def page(self) -> str:
        response = self.client.get(self.path)
        assert response.status_code == 200
        return html.unescape(response.content.decode())

    def post(self, verb: str, **data: Any) -> Any:
        return self.client.post(f"{self.path}/{verb}", data)

    def start(self) -> None:
        assert self.post("start", digest=self.made.plan.digest).status_code == 302

    def report(self, number: int, phase: str, said: str = "yes", **data: Any) -> Any:
        values = {
            "number": number,
            "phase": phase,
            "said": said,
            "output": "seen",
            "fence": self.made.run.fence,
            **data,
        }
        return self.post("report", **values)

    def reported(self, number: int, phase: str, *, minutes_ago: int) -> None:
        """The same as `report`, some time ago."""
        runs.report(
            self.made.run.pk,
            fence=self.made.run.fence,
            told=Report(number, phase, "yes", "seen"),
            person=self.made.operator,
            door="page",
            at=timezone.now() - timedelta(minutes=minutes_ago),
        )


@pytest.fixture
def made(lab: LabProcess) -> Signed:
    made = signed(COMMANDS, category_slug="storage")
    drain("execution")
    return made


@pytest.fixture
def hands(made: Signed) -> Hands:
    hands = Hands(made, made.operator)
    hands.start()
    return hands


def test_workers_leave_commands_to_people_and_the_page_says_why(made: Signed) -> None:
    page = Hands(made, made.operator).page()
    assert "The plan contains commands; people run those." in page
    assert "Run it by hand" in page
    assert "vacuum-size" not in page
    assert made.remediation.status == "approved_for_rollout"


def test_a_person_goes_through_every_phase_to_the_end(made: Signed, hands: Hands) -> None:
    for number in (1, 2):
        for phase in ("preflight", "action", "verify"):
            assert hands.report(number, phase).status_code == 302
    assert made.run.status == "succeeded"
    assert made.steps() == ["verified", "verified"]
    assert made.said() == [("preflight", True), ("action", True), ("verify", True)] * 2
    assert set(StepOutput.objects.values_list("by", flat=True)) == {"operator"}
    made.ticket.refresh_from_db()
    assert made.ticket.status == "resolved"


def test_the_action_is_in_the_page_only_after_its_preflight(hands: Hands) -> None:
    before = hands.page()
    assert "journalctl --disk-usage" in before
    assert "vacuum-size" not in before
    assert "shipper-a" not in before
    hands.report(1, "preflight")
    after = hands.page()
    assert "vacuum-size" in after
    assert "shipper-a" in after
    assert "logrotate" not in after


def test_an_action_is_off_the_page_once_its_preflight_is_too_old_until_somebody_looked_again(
    made: Signed, hands: Hands
) -> None:
    hands.reported(1, "preflight", minutes_ago=14)
    assert "vacuum-size" in hands.page()
    CategoryPolicy.objects.update(preflight_valid_minutes=10)
    stale = hands.page()
    assert "too long to act on" in stale
    assert "vacuum-size" not in stale
    assert "vacuum-size" not in hands.client.get(f"{hands.path}/steps/1").content.decode()
    hands.report(1, "preflight", output="seen again")
    assert "vacuum-size" in hands.page()
    assert made.said() == [("preflight", True), ("preflight", True)]
    assert hands.report(1, "action").status_code == 302


def test_what_was_run_on_an_old_preflight_is_taken_down_all_the_same(made: Signed, hands: Hands) -> None:
    hands.reported(1, "preflight", minutes_ago=16)
    assert "Was it run already?" in hands.page()
    assert hands.report(1, "action").status_code == 302
    assert made.steps() == ["acted", "pending"]


def test_a_second_look_that_is_not_as_the_first_one_asks_whether_the_action_was_run(made: Signed, hands: Hands) -> None:
    hands.reported(1, "preflight", minutes_ago=16)
    assert "No longer as expected" in hands.page()
    hands.report(1, "preflight", "no")
    assert made.steps() == ["unknown", "pending"]
    assert "Find out: was it done?" in hands.page()
    hands.report(1, "probe", "no")
    assert made.steps() == ["pending", "pending"]
    hands.report(1, "preflight", "no")
    assert (made.run.status, made.steps()) == ("failed", ["failed", "skipped"])
    assert made.remediation.has_written is False


def test_clocks_stand_beside_every_phase(made: Signed, hands: Hands) -> None:
    hands.reported(1, "preflight", minutes_ago=5)
    waiting = hands.page()
    assert re.search(r'Pre-flight seen <[^>]* data-counts="up" data-seconds="3\d\d\.\d"', waiting)
    assert re.search(r'look again in <[^>]* data-counts="down" data-seconds="[56]\d\d\.\d"', waiting)
    hands.reported(1, "action", minutes_ago=3)
    assert "Done <span" in hands.page()
    hands.report(1, "verify", "no")
    assert "Going back for <span" in hands.page()
    assert "the plan gives 5 min to all of it" in hands.page()


def test_the_steps_come_first_for_whoever_has_them_in_hand(made: Signed, hands: Hands) -> None:
    page = hands.page()
    assert page.index("Report on step 1") < page.index("What now?")
    watching = Hands(made, made.cast["auditor"]).page()
    assert watching.index("Targets") < watching.index('aria-label="Steps"')


def test_a_met_stop_rule_ends_the_run_with_nothing_changed(made: Signed, hands: Hands) -> None:
    hands.report(1, "preflight", "no")
    assert made.run.status == "failed"
    assert made.steps() == ["failed", "skipped"]
    assert made.remediation.has_written is False
    assert "vacuum-size" not in hands.page()


def test_a_failed_verify_offers_the_ways_back_in_reverse(made: Signed, hands: Hands) -> None:
    for phase in ("preflight", "action", "verify"):
        hands.report(1, phase)
    hands.report(2, "preflight")
    hands.report(2, "action")
    hands.report(2, "verify", "no")
    assert made.run.status == "rolling_back"
    assert made.steps() == ["verified", "rolling_back"]
    assert hands.report(1, "rollback", check="seen").status_code == 409
    hands.report(2, "rollback", check="as before")
    assert made.steps() == ["rolling_back", "rolled_back"]
    hands.report(1, "rollback", check="as before")
    assert made.run.status == "rolled_back"
    made.ticket.refresh_from_db()
    assert made.ticket.status == "partially_remediated"


def test_an_action_that_was_not_run_is_not_undone(made: Signed, hands: Hands) -> None:
    hands.report(1, "preflight")
    hands.report(1, "action", "not_run")
    assert made.run.status == "failed"
    assert made.remediation.has_written is False


def test_a_report_without_output_is_refused_and_what_was_typed_stays(hands: Hands) -> None:
    response = hands.report(1, "preflight", output="  ")
    assert response.status_code == 422
    assert "Paste what you saw" in response.content.decode()
    hands.report(1, "preflight")
    response = hands.report(1, "verify", output="typed in vain")
    assert response.status_code == 409
    assert "typed in vain" in response.content.decode()


def test_a_report_with_a_number_that_is_none_is_refused(hands: Hands) -> None:
    assert hands.report(1, "preflight", fence="many").status_code == 422
    assert hands.report(1, "nonsense").status_code == 422
    assert hands.report(1, "preflight", output="a\x00b").status_code == 422


def test_somebody_else_takes_over_and_the_first_pair_of_hands_is_out(made: Signed, hands: Hands) -> None:
    other = Person.objects.create_user("olga")
    other.groups.set(made.operator.groups.all())
    theirs = Hands(made, other)
    assert theirs.report(1, "preflight").status_code == 403
    stale = made.run.fence
    assert theirs.post("take-over").status_code == 302
    late = hands.report(1, "preflight", fence=stale, output="journal: 20.8G")
    assert late.status_code == 409
    assert late.context["kept"] == [("Output", "journal: 20.8G")]
    assert "journal: 20.8G</textarea>" in late.content.decode()
    assert hands.report(1, "preflight").status_code == 403
    assert theirs.report(1, "preflight").status_code == 302


def test_what_was_typed_for_one_phase_does_not_slip_into_the_box_of_the_next(hands: Hands) -> None:
    assert hands.report(1, "preflight", output="typed for the pre-flight").status_code == 302
    again = hands.report(1, "preflight", output="typed for the pre-flight")
    assert again.status_code == 409
    assert (again.context["typed"], again.context["kept"]) == ({}, [("Output", "typed for the pre-flight")])


def test_a_step_that_has_not_begun_waits_since_nothing(hands: Hands) -> None:
    assert hands.page().count("<dt>Since</dt>") == 0
    hands.report(1, "preflight")
    assert hands.page().count("<dt>Since</dt>") == 1


def test_without_the_grant_nobody_runs_and_without_any_nobody_sees(made: Signed) -> None:
    engineer = Hands(made, made.cast["engineer"])
    assert "Run it by hand" not in engineer.page()
    assert engineer.post("start", digest=made.plan.digest).status_code == 403
    stranger = Hands(made, Person.objects.create_user("stranger"))
    assert stranger.client.get(stranger.path).status_code == 404
    assert stranger.post("start", digest=made.plan.digest).status_code == 404


def test_a_plan_that_is_not_the_one_on_the_page_is_not_started(made: Signed) -> None:
    hands = Hands(made, made.operator)
    assert hands.post("start", digest="0" * 64).status_code == 409
    hands.start()
    assert hands.post("start", digest=made.plan.digest).status_code == 409


@pytest.mark.parametrize("scope", ["all", "category:storage", "connector:lab-hosts"])
def test_under_the_emergency_stop_no_action_is_shown_but_what_was_done_can_be_undone(
    made: Signed, hands: Hands, scope: str
) -> None:
    at = made.plan.status_at
    hands.report(1, "preflight")
    hands.report(1, "action")
    hands.report(1, "verify")
    brakes.engage(scope=scope, reason="smoke", person=made.operator, door="page", at=at)
    response = hands.report(2, "preflight")
    assert response.status_code == 422
    assert "smoke" in response.content.decode()
    assert "logrotate" not in hands.page()
    assert hands.post("roll-back").status_code == 302
    hands.report(1, "rollback", check="as before")
    assert made.run.status == "rolled_back"


def test_giving_up_keeps_the_reason_and_the_state_of_every_step(made: Signed, hands: Hands) -> None:
    assert hands.post("give-up", reason=" ").status_code == 422
    assert hands.post("give-up", reason="The host is gone.").status_code == 302
    assert made.run.status == "failed"
    assert "The host is gone." in made.run.status_reason
    assert "Step 2 (Rotate now): pending." in made.run.status_reason


def test_what_was_pasted_is_kept_without_secrets_and_cut(made: Signed, hands: Hands) -> None:
    hands.report(1, "preflight", output=f"password=hunter2hunter2\n{'x' * 70_000}")
    kept = StepOutput.objects.get().text
    assert "hunter2" not in kept
    assert len(kept.encode()) <= 64 * 1024
    assert "cut here" in kept


def test_a_step_by_hand_is_left_out_when_somebody_else_signs_and_its_action_is_never_shown(
    made: Signed, hands: Hands
) -> None:
    for phase in ("preflight", "action", "verify"):
        hands.report(1, phase)
    assert hands.post("skip", step="2", skip_reason="Rotated by cron.").status_code == 302
    plan = Plan.objects.get(stage="skip")
    other = Hands(made, made.cast["approver"])
    assert other.post("skip/sign", digest=plan.digest, confirm="INC-2").status_code == 422
    assert made.steps() == ["verified", "pending"]
    assert other.post("skip/sign", digest=plan.digest, confirm="INC-1").status_code == 302
    assert (made.run.status, made.steps()) == ("succeeded", ["verified", "skipped"])
    assert "logrotate" not in hands.page()


def test_an_operation_by_hand_is_shown_as_the_equivalent_call(lab: LabProcess) -> None:
    made = signed(draft(scaling(SECONDARY, 2, 6), systems=(first_day.SECONDARY,)))
    drain("execution")
    hands = Hands(made, made.operator)
    assert "switched off for this site" in hands.page()
    hands.start()
    assert "replicas should be 2" in hands.page()
    assert "replicas = 6" not in hands.page()
    hands.report(1, "preflight")
    assert "scale_deployment" in hands.page()
    assert "replicas = 6" in hands.page()
    assert lab.ledger() == []
    hands.report(1, "action")
    assert "Give it time to settle: <span" in hands.page()


def test_how_long_the_action_took_the_last_time_stands_beside_it(made: Signed, hands: Hands) -> None:
    hands.reported(1, "preflight", minutes_ago=9)
    hands.reported(1, "action", minutes_ago=7)
    hands.post("give-up", reason="Enough.")
    again = signed(COMMANDS, key="INC-2", cast=made.cast, category_slug="storage")
    pattern = Pattern.objects.create(
        category=made.ticket.category, signature="s", title="Journals", key_terms=["journal"], created_at=timezone.now()
    )
    Ticket.objects.update(pattern=pattern)
    drain("execution")
    second = Hands(again, again.operator)
    second.start()
    second.report(1, "preflight")
    assert "the last time its action took 2 min" in second.page()


def test_the_live_part_answers_204_until_something_moved(made: Signed, hands: Hands) -> None:
    watcher = Hands(made, made.cast["auditor"])
    text = watcher.page()
    seen = text.split("live?seen=")[1].split('"')[0]
    assert watcher.client.get(f"{watcher.path}/live?seen={seen}").status_code == 204
    hands.report(1, "preflight")
    assert watcher.client.get(f"{watcher.path}/live?seen={seen}").status_code == 200
    assert "live?seen=" not in hands.page()
