"""Rehearsals: every step done and undone in the lab before anybody signs the rollout, and kept for those who do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portal.access.testing import caller
from portal.audit.models import Event
from portal.estate.models import Target, TargetLock
from portal.jobs.models import Job
from portal.jobs.testing import drain
from portal.kit.refusals import NotAllowed, Refused, StaleTransition
from portal.kit.testing.queries import statements
from portal.notices.models import Notice
from portal.signoff import brakes
from remediation.connectors.lab import first_day
from remediation.connectors.models import Connector
from remediation.connectors.testing import LabProcess
from remediation.desk.testing import V1
from remediation.execution import claiming, rehearsal, rehearsing
from remediation.execution import services as runs
from remediation.execution.testing import PRIMARY, SECONDARY, Signed, command, draft, scaling, signed
from remediation.review import plans
from remediation.review import services as reviews
from remediation.review.models import Sheet
from remediation.wayback import services as waysback
from remediation.wayback.models import Rehearsal, RehearsalStep, Taken
from remediation.wayback.states import StepStatus

pytestmark = pytest.mark.django_db

ONE_STEP = draft(scaling(SECONDARY, 2, 6), systems=(first_day.SECONDARY,))
TWO_STEPS = draft(scaling(SECONDARY, 2, 4), scaling(SECONDARY, 4, 5), systems=(first_day.SECONDARY,))
ELSEWHERE = draft(scaling(PRIMARY, 3, 4), systems=(first_day.PRIMARY,))


def ask(made: Signed, who: str = "operator") -> Rehearsal:
    return runs.ask_to_rehearse(
        made.remediation.pk, digest=made.plan.digest, person=made.cast[who], door="page", at=timezone.now()
    )


def reject(made: Signed) -> None:
    person, at = made.cast["reviewer"], timezone.now()
    reviews.reject(made.remediation.pk, reason="unsafe", comment="No.", person=person, door="page", at=at)


def rehearsed(made: Signed) -> Rehearsal:
    drain("execution")
    return made.plan.rehearsals.latest("id")


def replicas(lab: LabProcess) -> int:
    (found,) = [each for each in lab.estate()["deployments"] if each["name"] == "payments-secondary"]
    return int(found["replicas"])


def known(operation: str = "scale_deployment") -> str:
    return waysback.records_of([operation])[operation].says


def test_every_step_is_done_and_undone_in_reverse_and_the_lab_is_as_before(workers: LabProcess) -> None:
    made = signed(TWO_STEPS, is_open=True)
    with statements() as asked:
        assert [len(each) for each in rehearsing.candidates(plans.read(made.plan.content).steps)] == [1, 1]
    assert len(asked) == 1, "however many steps there are"
    ask(made, "reviewer")
    found = rehearsed(made)
    assert (found.status, found.says) == ("worked", "Step 1: done and undone. Step 2: done and undone.")
    assert [each["arguments"]["replicas"] for each in workers.ledger()] == [4, 5, 4, 2]
    assert replicas(workers) == 2
    assert [each.phase for each in found.steps.get(number=2).outputs.all()] == [
        "preflight",
        "action",
        "verify",
        "rollback",
        "rollback_verify",
    ]
    assert not TargetLock.objects.filter(released_at=None).exists()
    assert Taken.objects.filter(is_rehearsal=True, has_worked=True, is_lab=True, stands_in_for="").count() == 2
    assert made.remediation.status == "approved_for_merge", "nothing was signed and nothing ran"
    assert Notice.objects.filter(person=made.cast["reviewer"], message__text__contains="worked").exists()
    kinds = set(Event.objects.filter(kind__startswith="rehearsal.").values_list("kind", flat=True))
    assert kinds == {"rehearsal.asked", "rehearsal.ended"}


def test_the_signer_is_shown_what_came_of_it_and_the_kept_sheet_says_so(workers: LabProcess) -> None:
    made = signed(ONE_STEP, is_open=True)
    page, address = Client(), f"/tickets/{made.ticket.key}/review"
    page.force_login(made.cast["approver"])
    before = page.get(address).content.decode()
    assert "Rollback unproven: it was never taken." in before
    assert "Not rehearsed for this plan." in before
    page.force_login(made.operator)
    assert page.post(f"{address}/rehearse", {"digest": made.plan.digest}).status_code == 302
    rehearsed(made)
    page.force_login(made.cast["approver"])
    after = page.get(address).content.decode()
    assert "Rollback unproven: it was never taken. No machine signs this" not in after
    assert "1 of 1 worked, last on" in after
    assert "and again with every signature." in after, "what the policy said was said before that"
    said = list(Sheet.objects.filter(plan=made.plan, kind="page").order_by("created_at").values_list("text", flat=True))
    assert "Not rehearsed" in said[0]
    assert "UTC: worked." in said[-1]


def test_a_plan_outside_the_lab_is_rehearsed_on_a_stand_in_and_says_so(workers: LabProcess) -> None:
    made = signed(ELSEWHERE, outside=first_day.PRIMARY, is_open=True)
    ask(made)
    found = rehearsed(made)
    step = found.steps.get()
    assert found.status == "worked"
    assert (step.target, step.stands_in_for) == (first_day.SECONDARY, first_day.PRIMARY)
    assert {each["target"] for each in workers.ledger()} == {first_day.SECONDARY}
    assert "in a rehearsal on a stand-in." in known()
    assert "a stand-in for" in found.says


def test_where_the_lab_has_no_stand_in_it_stays_unproven(workers: LabProcess) -> None:
    made = signed(ONE_STEP, outside=first_day.SECONDARY, is_open=True)
    with pytest.raises(Refused, match="The lab has nothing to rehearse"):
        ask(made)
    assert known() == "Rollback unproven: it was never taken."


def test_a_way_back_that_does_not_work_is_on_record_and_stays_unproven(workers: LabProcess) -> None:
    made = signed(ONE_STEP, is_open=True)
    ask(made)
    rehearsal_id = made.plan.rehearsals.get().pk
    workers.fault("scale_deployment", "lies", times=None)
    drain("execution")
    assert Rehearsal.objects.get(pk=rehearsal_id).status == "inconclusive", "nothing was seen to be done"
    assert not Taken.objects.exists()
    workers.reset()
    workers.fault("scale_deployment", "lies", times=None)
    ask(made)
    turn = rehearsal._begin(made.plan.rehearsals.latest("id").pk, timezone.now, lambda: True)
    assert turn
    workers.change(first_day.SECONDARY, "replicas", 6)
    (step,) = turn.steps()
    for to in (StepStatus.INTENDED, StepStatus.ACTED):
        turn.move(step, to)
    found = rehearsed(made)
    assert found.status == "failed"
    told = Notice.objects.filter(message__kind="partial").values_list("person__username", flat=True)
    assert {"operator", "policy-admin"} <= set(told)
    assert "0 of 1 worked, and the last time" in known()
    assert not TargetLock.objects.filter(released_at=None).exists()


@pytest.mark.parametrize("after", ["intent", "action", "way back"])
def test_a_worker_that_dies_leaves_nothing_done_twice_and_nothing_behind(workers: LabProcess, after: str) -> None:
    made = signed(ONE_STEP, is_open=True)
    found = ask(made)
    turn = rehearsal._begin(found.pk, timezone.now, lambda: True)
    assert turn
    (step,) = turn.steps()
    planned = plans.read_step(step.content)
    turn.move(step, StepStatus.INTENDED)
    if after != "intent":
        turn.write(planned, planned.call, key=step.key)
    if after == "way back" and planned.way_back:
        for to in (StepStatus.ACTED, StepStatus.RETURNING):
            turn.move(step, to)
        turn.write(planned, planned.way_back.call, key=f"{step.key}-back")
    assert rehearsed(made).status == "worked"
    assert {each["idempotency_key"] for each in workers.ledger()} == {step.key, f"{step.key}-back"}
    assert replicas(workers) == 2
    with pytest.raises(StaleTransition):
        turn.move(RehearsalStep.objects.get(pk=step.pk), StepStatus.RETURNING)


def test_a_server_that_could_not_be_asked_is_not_said_to_have_refused(workers: LabProcess) -> None:
    made = signed(ONE_STEP, is_open=True)
    found = ask(made)

    def lab_goes_away() -> bool:
        """Between the pre-flight and the write, and again before the way back."""
        workers.kill()
        return True

    rehearsal.rehearse(found.pk, clock=timezone.now, keeps_lease=lab_goes_away)
    workers.start()
    (step,) = found.steps.all()
    writes = step.outputs.filter(phase__in=["action", "rollback"])
    assert [(each.is_good, "nothing was sent" in each.text) for each in writes] == [(None, True)] * 2


def test_a_stop_in_the_middle_holds_the_way_back_until_it_is_released(workers: LabProcess) -> None:
    made = signed(ONE_STEP, is_open=True)
    found = ask(made)
    turn = rehearsal._begin(found.pk, timezone.now, lambda: True)
    assert turn
    (step,) = turn.steps()
    rehearsal._forward(turn, step)
    stop = brakes.engage(scope="all", reason="smoke", person=made.operator, door="page", at=timezone.now())
    assert "waits" in drain("execution")[0]
    assert replicas(workers) == 6
    assert TargetLock.objects.filter(rehearsal_id=found.pk, released_at=None).exists()
    brakes.release(stop.pk, person=made.cast["approver"], door="page", at=timezone.now())
    drain("execution", at=timezone.now() + timedelta(minutes=1))
    assert made.plan.rehearsals.get().status == "worked"
    assert replicas(workers) == 2


def test_a_worker_that_is_told_to_stop_leaves_the_rest_to_another(workers: LabProcess) -> None:
    made = signed(TWO_STEPS, is_open=True)
    found = ask(made)
    told = iter([False, True])
    said = rehearsal.rehearse(found.pk, clock=timezone.now, keeps_lease=lambda: True, is_stopping=lambda: next(told))
    assert "goes on in another job" in said
    assert [each["arguments"]["replicas"] for each in workers.ledger()] == [4]
    assert rehearsed(made).status == "worked"
    assert [each["arguments"]["replicas"] for each in workers.ledger()] == [4, 5, 4, 2]


def test_a_write_that_comes_after_the_way_back_comes_too_late(workers: LabProcess) -> None:
    made = signed(ONE_STEP, is_open=True)
    turn = rehearsal._begin(ask(made).pk, timezone.now, lambda: True)
    assert turn
    (step,) = turn.steps()
    turn.move(step, StepStatus.INTENDED)
    turn.move(step, StepStatus.SPOILED, detail="The answer did not come.")
    assert rehearsed(made).status == "inconclusive"
    planned = plans.read_step(step.content)
    late = turn.write(planned, planned.call, key=step.key)
    assert not late.ok
    assert replicas(workers) == 2


def test_a_target_that_a_run_holds_is_not_rehearsed_on_and_the_other_way_round(workers: LabProcess) -> None:
    first = signed(ONE_STEP)
    second = signed(TWO_STEPS, key="INC-2", cast=first.cast, is_open=True)
    third = signed(ONE_STEP, key="INC-3", cast=first.cast)
    claiming.start(first.plan.pk, tries=0, at=timezone.now())
    assert first.run.status == "running"
    found = ask(second)
    Job.objects.filter(kind="execution.advance").update(due_at=timezone.now() + timedelta(hours=1))
    told = rehearsal.rehearse(found.pk, clock=timezone.now, keeps_lease=lambda: True)
    assert "is held by the run of INC-1." in told
    TargetLock.objects.update(released_at=timezone.now())
    turn = rehearsal._begin(ask(second).pk, timezone.now, lambda: True)
    assert turn
    assert "is held by the rehearsal of INC-2." in claiming.start(third.plan.pk, tries=0, at=timezone.now())


def test_a_plan_that_fell_meanwhile_is_not_rehearsed_on(workers: LabProcess) -> None:
    """The merge signatures are what lets workers touch the lab for it: without them no step is begun."""
    made = signed(TWO_STEPS, is_open=True)
    ask(made)
    reject(made)
    assert "It could not begin. The plan is" in rehearsed(made).says
    assert workers.ledger() == []


def test_a_plan_that_falls_in_the_middle_is_taken_back(workers: LabProcess) -> None:
    made = signed(TWO_STEPS, is_open=True)
    turn = rehearsal._begin(ask(made).pk, timezone.now, lambda: True)
    assert turn
    assert rehearsal._forward(turn, turn.steps()[0])
    reject(made)
    assert rehearsed(made).status == "inconclusive"
    assert [each["arguments"]["replicas"] for each in workers.ledger()] == [4, 2]


def test_the_api_asks_for_it_and_its_sheet_says_what_came_of_it(workers: LabProcess) -> None:
    made = signed(ONE_STEP, is_open=True)
    address = f"{V1}/tickets/{made.ticket.key}"
    asked = caller(made.cast["reviewer"]).post(f"{address}/rehearsals", {"digest": made.plan.digest}, format="json")
    assert asked.status_code == 202
    before = caller(made.cast["approver"]).get(address).json()["plan"]
    assert (before["rehearsed"], before["ways_back"][0]["is_proven"]) == ("The way back is being rehearsed.", False)
    rehearsed(made)
    after = caller(made.cast["approver"]).get(address).json()["plan"]
    assert "UTC: worked." in after["rehearsed"]
    assert after["ways_back"][0] | {"says": ""} == {
        "operation": "scale_deployment",
        "is_proven": True,
        "taken": 1,
        "worked": 1,
        "says": "",
    }
    assert after["sheet"] != before["sheet"]
    assert "UTC: worked." in Sheet.objects.get(pk=after["sheet"]).text


def test_off_by_default_nothing_is_rehearsed(lab: LabProcess) -> None:
    made = signed(ONE_STEP, is_open=True)
    with pytest.raises(Refused, match="switched off for this site"):
        ask(made)
    assert lab.ledger() == []


def test_what_left_the_lab_after_it_was_asked_for_is_not_touched(workers: LabProcess) -> None:
    made = signed(ONE_STEP, is_open=True)
    ask(made)
    Connector.objects.filter(slug="lab-kubernetes").update(is_lab=False)
    assert rehearsed(made).status == "inconclusive"
    assert workers.ledger() == []


def test_nor_is_what_leaves_it_in_the_middle(workers: LabProcess) -> None:
    made = signed(ONE_STEP, is_open=True)
    assert rehearsal._begin(ask(made).pk, timezone.now, lambda: True)
    Target.objects.filter(identity=first_day.SECONDARY).update(is_lab=False)
    assert rehearsed(made).status == "inconclusive"
    assert workers.ledger() == []


def test_switching_off_before_it_begins_ends_it(workers: LabProcess, settings: Settings) -> None:
    made = signed(ONE_STEP, is_open=True)
    ask(made)
    settings.AUTO_REMEDIATION_ENABLED = "false"
    assert "switched off" in rehearsed(made).says
    assert workers.ledger() == []


def test_who_may_ask_for_what(workers: LabProcess) -> None:
    made = signed(ONE_STEP, is_open=True)
    with pytest.raises(NotAllowed, match="neither run nor review"):
        ask(made, "engineer")
    with pytest.raises(StaleTransition, match="not the open one"):
        runs.ask_to_rehearse(made.remediation.pk, digest="0" * 64, person=made.operator, door="api", at=timezone.now())
    ask(made)
    with pytest.raises(StaleTransition, match="being rehearsed already"):
        ask(made)
    done = signed(ONE_STEP, key="INC-2", cast=made.cast)
    with pytest.raises(StaleTransition, match="while its rollout waits"):
        ask(done)


def test_commands_are_rehearsed_by_nobody(workers: LabProcess) -> None:
    whole = draft(command("Start the shipper", "systemctl restart shipper"), systems=("log-ship-1",))
    made = signed(whole, is_open=True)
    with pytest.raises(Refused, match="contains commands"):
        ask(made)


def test_a_rehearsal_whose_worker_was_lost_ends_and_people_are_told_to_look(workers: LabProcess) -> None:
    made = signed(ONE_STEP, is_open=True)
    found = ask(made)
    rehearsal._begin(found.pk, timezone.now, lambda: True)
    assert rehearsing.give_up_on_lost(at=timezone.now()) == 0, "its job is waiting"
    Job.objects.filter(kind=rehearsing.KIND).delete()
    assert rehearsing.give_up_on_lost(at=timezone.now()) == 1
    found.refresh_from_db()
    assert "look at its targets" in found.says
    assert not TargetLock.objects.filter(released_at=None).exists()
