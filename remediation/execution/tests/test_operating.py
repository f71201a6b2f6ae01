"""People's hands on a run of workers: held before the next write, gone on with, tried again, a step left out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from portal.access.models import Person
from portal.audit.models import Event
from portal.estate.models import TargetLock
from portal.jobs.testing import drain
from portal.kit.refusals import NotAllowed, Refused, StaleTransition
from portal.notices.models import Notice
from portal.signoff.models import Plan
from portal.signoff.services import Ballot
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.execution import claiming, driving, records, skipping, stepping, undoing
from remediation.execution import services as runs
from remediation.execution.models import StepRun
from remediation.execution.shift import Shift
from remediation.execution.states import RunStatus, StepStatus
from remediation.execution.testing import PRIMARY, SECONDARY, Signed, draft, operation, scaling, signed

BOTH = (first_day.SECONDARY, first_day.PRIMARY)
TWO_STEPS = draft(scaling(SECONDARY, 2, 4), scaling(PRIMARY, 3, 4), systems=BOTH)
PRIMARY_FIRST = draft(scaling(PRIMARY, 3, 2), scaling(SECONDARY, 2, 4), systems=BOTH)
RunningAs = Callable[[str], AbstractContextManager[None]]


def claimed(made: Signed) -> Shift:
    """A worker's turn at the run; the job that drives it on still waits."""
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    shift = driving.take_over(made.run.pk, clock=timezone.now, keeps_lease=lambda: True)
    assert shift
    return shift


def ask(made: Signed, verb: str, person: Person | None = None, **fields: Any) -> Any:
    who = person or made.operator
    return getattr(runs, verb)(made.run.pk, person=who, door="page", at=timezone.now(), **fields)


def replicas(lab: LabProcess, name: str) -> Any:
    return next(each["replicas"] for each in lab.estate()["deployments"] if each["name"] == name)


@pytest.mark.django_db
def test_a_pause_holds_the_next_write_keeps_the_targets_and_is_resumed(workers: LabProcess) -> None:
    made = signed(TWO_STEPS)
    stepping.take_step(claimed(made), 1)
    ask(made, "pause")
    with pytest.raises(StaleTransition, match="has been asked for"):
        ask(made, "pause")
    drain("execution")
    assert (made.run.status, made.remediation.status) == ("paused", "paused")
    assert made.steps() == ["verified", "pending"]
    assert "operator asked for it: pause. It stands at step 2" in made.run.status_reason
    assert (made.run.asked, made.run.asked_by) == ("", None)
    assert TargetLock.objects.filter(run_id=made.run.pk, released_at=None).count() == 2
    assert Event.objects.filter(kind="run.asked", actor_name="operator").count() == 1
    ask(made, "resume")
    drain("execution")
    assert made.run.status == "succeeded"
    assert len(workers.ledger()) == 2


@pytest.mark.django_db
@pytest.mark.parametrize("verb", ["pause", "stop_now"])
def test_between_preflight_and_intent_no_write_is_begun(workers: LabProcess, verb: str) -> None:
    made = signed(TWO_STEPS)
    shift = claimed(made)
    seen = stepping.preflight(shift, 1)
    ask(made, verb)
    assert stepping.intend(shift, 1, seen) == ""
    drain("execution")
    assert made.run.status == {"pause": "paused", "stop_now": "needs_person"}[verb]
    assert made.steps() == ["preflight", "pending"]
    assert workers.ledger() == []


@pytest.mark.django_db
def test_stop_now_finds_out_what_became_of_a_write_in_flight_and_goes_no_further(workers: LabProcess) -> None:
    made = signed(TWO_STEPS)
    shift = claimed(made)
    planned = shift.planned(1)
    key = stepping.intend(shift, 1, stepping.preflight(shift, 1))
    shift.write(planned.connector, planned.call, key=key)
    ask(made, "stop_now")
    drain("execution")
    assert (made.run.status, made.steps()) == ("needs_person", ["acted", "pending"])
    assert [phase for phase, _ in made.said()] == ["preflight", "probe"]
    ask(made, "roll_back")
    drain("execution")
    assert made.run.status == "rolled_back"
    assert replicas(workers, "payments-secondary") == 2


@pytest.mark.django_db
def test_stop_now_waits_for_nothing_to_settle_and_the_verify_is_made_up_for(workers: LabProcess) -> None:
    made = signed(TWO_STEPS)
    workers.fault("scale_deployment", "lies")
    shift = claimed(made)
    stepping.take_step(shift, 1)
    ask(made, "stop_now")
    stepping.verify(shift, 1)
    drain("execution")
    assert (made.run.status, made.steps()) == ("needs_person", ["acted", "pending"])
    ask(made, "resume")
    drain("execution")
    assert (made.run.status, made.steps()) == ("rolled_back", ["rolled_back", "skipped"])


@pytest.mark.django_db
def test_stop_after_this_step_finishes_the_step_in_hand_and_begins_no_other(workers: LabProcess) -> None:
    made = signed(TWO_STEPS)
    stepping.preflight(claimed(made), 1)
    ask(made, "stop_after_step")
    drain("execution")
    assert (made.run.status, made.steps()) == ("needs_person", ["verified", "pending"])
    assert replicas(workers, "payments-secondary") == 4


@pytest.mark.django_db
def test_a_rollback_is_stopped_between_two_ways_back_and_gone_on_with(workers: LabProcess) -> None:
    made = signed(TWO_STEPS)
    shift = claimed(made)
    for number in (1, 2):
        stepping.take_step(shift, number)
        stepping.verify(shift, number)
    undoing.turn_back(shift, 2)
    with pytest.raises(StaleTransition, match="not paused"):
        ask(made, "pause")
    undoing.undo(shift, 2)
    ask(made, "stop_now")
    undoing.undo(shift, 1)
    drain("execution")
    assert (made.run.status, made.steps()) == ("needs_person", ["verified", "rolled_back"])
    with pytest.raises(StaleTransition, match="only go back"):
        ask(made, "resume")
    ask(made, "roll_back")
    drain("execution")
    assert made.run.status == "rolled_back"
    assert len(workers.ledger()) == 4


@pytest.mark.django_db
def test_only_who_may_run_has_a_hand_on_it(workers: LabProcess) -> None:
    made = signed(TWO_STEPS)
    claimed(made)
    about_step = {"number": 1, "reason": "So."}
    verbs: dict[str, dict[str, Any]] = {"pause": {}, "stop_after_step": {}, "stop_now": {}}
    for verb, fields in {**verbs, "retry": about_step, "ask_to_skip": about_step}.items():
        with pytest.raises(NotAllowed):
            ask(made, verb, made.cast["engineer"], **fields)


def failed_preflight(made: Signed, lab: LabProcess) -> None:
    """Step 1 was in hand when somebody said stop after it, and its target was no longer as expected."""
    stepping.preflight(claimed(made), 1)
    ask(made, "stop_after_step")
    lab.change(first_day.PRIMARY, "replicas", 5)
    drain("execution")
    assert (made.run.status, made.steps()) == ("needs_person", ["failed", "pending"])


@pytest.mark.django_db
def test_a_failed_step_is_tried_again_under_the_same_signature(workers: LabProcess) -> None:
    made = signed(PRIMARY_FIRST)
    failed_preflight(made, workers)
    key = StepRun.objects.get(run=made.run, number=1).idempotency_key
    with pytest.raises(StaleTransition, match="retry it"):
        ask(made, "resume")
    with pytest.raises(StaleTransition, match="is pending"):
        ask(made, "retry", number=2, reason="So.")
    with pytest.raises(Refused, match="no step 9"):
        ask(made, "retry", number=9, reason="So.")
    with pytest.raises(Refused, match="what you saw"):
        ask(made, "retry", number=1, reason=" ")
    with pytest.raises(Refused, match="only goes back"):
        runs.retry(made.run.pk, number=1, reason="So.", person=made.operator, door="page", at=made.plan.valid_until)
    workers.change(first_day.PRIMARY, "replicas", 3)
    ask(made, "retry", number=1, reason="A colleague had scaled it; it is back at 3.")
    assert "back at 3" in made.run.status_reason
    drain("execution")
    assert (made.run.status, made.steps()) == ("succeeded", ["verified", "verified"])
    assert StepRun.objects.get(run=made.run, number=1).idempotency_key == f"{key}.2"


@pytest.mark.django_db
def test_what_failed_after_a_change_is_tried_again_and_still_undone_if_that_fails_too(workers: LabProcess) -> None:
    made = signed(TWO_STEPS)
    workers.fault("scale_deployment", "lies")
    shift = claimed(made)
    stepping.take_step(shift, 1)
    ask(made, "stop_after_step")
    drain("execution")
    assert (made.run.status, made.steps()) == ("needs_person", ["failed", "pending"])
    with pytest.raises(StaleTransition, match="may have changed something"):
        ask(made, "ask_to_skip", number=1, reason="Not needed.")
    workers.change(first_day.SECONDARY, "replicas", 3)
    ask(made, "retry", number=1, reason="Looked: still at 2.")
    drain("execution")
    assert (made.run.status, made.steps()) == ("rolled_back", ["rolled_back", "skipped"])
    assert replicas(workers, "payments-secondary") == 2


@pytest.mark.django_db
def test_an_unknown_outcome_is_tried_again_at_a_persons_word_with_the_same_key(workers: LabProcess) -> None:
    """The person errs: the write had been made. Its pre-flight sees that, nothing is done twice, and it is undone."""
    made = signed(TWO_STEPS)
    shift = claimed(made)
    planned = shift.planned(1)
    key = stepping.intend(shift, 1, stepping.preflight(shift, 1))
    shift.write(planned.connector, planned.call, key=key)
    with shift.writing() as run:
        step = records.step_of(run, 1)
        records.move_step(run, step, StepStatus.UNKNOWN, actor=records.WORKERS, at=timezone.now())
        records.move_run(run, RunStatus.NEEDS_PERSON, actor=records.WORKERS, at=timezone.now())
    with pytest.raises(StaleTransition, match="find that out"):
        ask(made, "ask_to_skip", number=1, reason="Not needed.")
    ask(made, "retry", number=1, reason="I think it never began.")
    drain("execution")
    assert (made.run.status, made.steps()) == ("rolled_back", ["rolled_back", "skipped"])
    assert [each["idempotency_key"] for each in workers.ledger()] == [key, f"{key}-back"]
    assert replicas(workers, "payments-secondary") == 2


def sign(made: Signed, plan: Plan, person: str) -> Plan:
    ballot = Ballot(typed=made.ticket.key, authenticated_at=timezone.now())
    return runs.sign_skip(
        made.run.pk, digest=plan.digest, person=made.cast[person], ballot=ballot, door="page", at=timezone.now()
    )


@pytest.mark.django_db
def test_a_step_is_left_out_when_somebody_else_signs_that(workers: LabProcess) -> None:
    made = signed(PRIMARY_FIRST)
    failed_preflight(made, workers)
    with pytest.raises(Refused, match="right without this step"):
        ask(made, "ask_to_skip", number=1, reason=" ")
    plan = ask(made, "ask_to_skip", number=1, reason="Scaled by hand already.")
    about = (1, "Scale payments-primary", first_day.PRIMARY)
    assert skipping.asked(plan) == (*about, "operator", "Scaled by hand already.")
    for who in ("operator", "engineer", "reviewer", "auditor"):
        with pytest.raises(NotAllowed):
            sign(made, plan, who)
    assert made.steps() == ["failed", "pending"]
    sign(made, plan, "approver")
    assert (made.run.status, made.steps()) == ("needs_person", ["skipped", "pending"])
    with pytest.raises(StaleTransition):
        sign(made, plan, "approver")
    ask(made, "resume")
    drain("execution")
    assert made.run.status == "succeeded", made.run.status_reason
    assert "Step 1 (Scale payments-primary) was skipped. Every other step was verified." in made.run.status_reason
    client = Client()
    client.force_login(made.operator)
    for path in ("", "/run", "/run/log"):
        assert "1 step skipped" in client.get(f"/tickets/{made.ticket.key}{path}").content.decode()
    file = client.get(f"/tickets/{made.ticket.key}/run/log.txt")
    assert "succeeded, 1 step skipped." in file.getvalue().decode()
    told = Notice.objects.filter(person=made.operator, message__kind="run").values_list("message__text", flat=True)
    assert any("ended: succeeded, 1 step skipped." in text for text in told)
    assert [each["target"] for each in workers.ledger()] == [first_day.SECONDARY]


@pytest.mark.django_db
def test_a_question_that_the_run_left_behind_is_signed_by_nobody(workers: LabProcess) -> None:
    made = signed(TWO_STEPS)
    stepping.take_step(claimed(made), 1)
    ask(made, "pause")
    drain("execution")
    plan = ask(made, "ask_to_skip", number=2, reason="Not needed.")
    assert [each.pk for each in skipping.waiting(made.run)] == [plan.pk]
    ask(made, "resume")
    assert skipping.waiting(made.run) == []
    with pytest.raises(StaleTransition, match="The run went on without it"):
        sign(made, plan, "approver")
    drain("execution")
    assert made.steps() == ["verified", "verified"]


@pytest.mark.django_db
def test_later_steps_on_a_target_expect_what_the_earlier_ones_left(workers: LabProcess) -> None:
    pod = next(each for each in workers.estate()["deployments"] if each["name"] == "payments-secondary")["pods"][0]
    restart = operation("restart_pod", "Restart a pod", SECONDARY | {"pod": pod["name"]})
    whole = draft(scaling(SECONDARY, 2, 4), scaling(SECONDARY, 4, 6), restart, systems=(first_day.SECONDARY,))
    made = signed(whole)
    drain("execution")
    assert made.run.status == "succeeded", made.run.status_reason
    assert replicas(workers, "payments-secondary") == 6


@pytest.mark.django_db
def test_steps_on_one_target_are_undone_through_the_states_in_between(workers: LabProcess) -> None:
    made = signed(draft(scaling(SECONDARY, 2, 4), scaling(SECONDARY, 4, 6), systems=(first_day.SECONDARY,)))
    shift = claimed(made)
    stepping.take_step(shift, 1)
    stepping.verify(shift, 1)
    workers.fault("scale_deployment", "lies")
    drain("execution")
    assert (made.run.status, made.steps()) == ("rolled_back", ["rolled_back", "rolled_back"])
    assert [each["arguments"]["replicas"] for each in workers.ledger()][-2:] == [4, 2]
    assert replicas(workers, "payments-secondary") == 2


def test_each_process_has_the_rights_for_its_part(
    committed_db: str, workers: LabProcess, running_as: RunningAs
) -> None:
    made = signed(TWO_STEPS)
    stepping.preflight(claimed(made), 1)
    with running_as("web"):
        ask(made, "stop_after_step")
    with running_as("execution"):
        drain("execution")
    with running_as("web"):
        sign(made, ask(made, "ask_to_skip", number=2, reason="Not needed."), "approver")
        ask(made, "resume")
    with running_as("general"):
        drain("general")
    with running_as("execution"):
        drain("execution")
    assert (made.run.status, made.steps()) == ("succeeded", ["verified", "skipped"])
    connection.close()
