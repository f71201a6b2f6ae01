"""Crashes, redeliveries and second workers: no action is repeated, none is lost (law 7). Real commits, real rights."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection, connections
from django.utils import timezone

from portal.estate.models import TargetLock
from portal.jobs.models import Job
from portal.jobs.testing import drain
from portal.kit.refusals import StaleTransition
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.execution import advancing, claiming, driving, resolving, stepping, undoing
from remediation.execution import services as runs
from remediation.execution.models import StepRun
from remediation.execution.shift import Shift
from remediation.execution.testing import PRIMARY, SECONDARY, Signed, command, draft, scaling, signed

ONE_STEP = draft(scaling(SECONDARY, 2, 6), systems=(first_day.SECONDARY,))
TWO_STEPS = draft(scaling(SECONDARY, 2, 4), scaling(PRIMARY, 3, 4), systems=(first_day.SECONDARY, first_day.PRIMARY))


RunningAs = Callable[[str], AbstractContextManager[None]]


@pytest.fixture
def here(committed_db: str, workers: LabProcess) -> Iterator[LabProcess]:
    """The lab and workers, on a database of their own."""
    yield workers
    connection.close()


def shift_of(made: Signed) -> Shift:
    """The turn of the next worker at a claimed run."""
    shift = driving.take_over(made.run.pk, clock=timezone.now, keeps_lease=lambda: True)
    assert shift
    return shift


def claimed(made: Signed) -> Shift:
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    return shift_of(made)


def test_a_crash_between_intent_and_write_is_found_out_and_the_write_made_once(here: LabProcess) -> None:
    made = signed(ONE_STEP)
    shift = claimed(made)
    assert stepping.intend(shift, 1, stepping.preflight(shift, 1))
    drain("execution")
    assert made.run.status == "succeeded"
    phases = ["preflight", "probe", "preflight", "action", "verify"]
    assert [phase for phase, _ in made.said()] == phases
    assert len(here.ledger()) == 1


def test_a_crash_between_write_and_outcome_is_found_out_and_the_write_not_repeated(here: LabProcess) -> None:
    made = signed(ONE_STEP)
    shift = claimed(made)
    planned = shift.planned(1)
    key = stepping.intend(shift, 1, stepping.preflight(shift, 1))
    shift.write(planned.connector, planned.call, key=key)
    drain("execution")
    assert made.run.status == "succeeded"
    assert [phase for phase, _ in made.said()] == ["preflight", "probe", "verify"]
    assert len(here.ledger()) == 1


def test_a_crash_in_the_way_back_is_found_out_and_it_is_not_taken_twice(here: LabProcess) -> None:
    made = signed(ONE_STEP)
    here.fault("scale_deployment", "lies")
    shift = claimed(made)
    stepping.take_step(shift, 1)
    stepping.verify(shift, 1)
    undoing.turn_back(shift, 1)
    assert undoing._intend(shift, 1)
    step = StepRun.objects.get(run=made.run)
    planned, way_back = undoing._way_back(shift, 1)
    shift.write(planned.connector, way_back.call, key=undoing._key(step))
    drain("execution")
    assert made.run.status == "rolled_back"
    assert len(here.ledger()) == 2


def test_a_worker_that_wakes_up_late_changes_nothing(here: LabProcess) -> None:
    """It was stopped between intent and write; another one has finished the run since."""
    made = signed(ONE_STEP)
    late = claimed(made)
    key = stepping.intend(late, 1, stepping.preflight(late, 1))
    drain("execution")
    planned = late.planned(1)
    outcome = late.write(planned.connector, planned.call, key=key)
    with pytest.raises(StaleTransition, match="Somebody else holds"):
        stepping.keep_outcome(late, 1, outcome)
    assert made.run.status == "succeeded"
    assert [each["replicas"] for each in here.estate()["deployments"] if each["name"] == SECONDARY["deployment"]] == [6]


def test_a_write_that_arrives_after_it_was_found_never_to_have_begun_is_refused(here: LabProcess) -> None:
    """Its worker was stopped after it had asked for its lease; the next one says that nothing was done."""
    made = signed(ONE_STEP)
    late = claimed(made)
    key = stepping.intend(late, 1, stepping.preflight(late, 1))
    resolving.resolve(shift_of(made), 1)
    assert made.steps() == ["pending"]
    planned = late.planned(1)
    outcome = late.write(planned.connector, planned.call, key=key)
    assert not outcome.ok
    assert "is older than" in outcome.error
    assert [each["replicas"] for each in here.estate()["deployments"] if each["name"] == SECONDARY["deployment"]] == [2]


def test_a_worker_without_its_lease_does_not_write(here: LabProcess) -> None:
    made = signed(ONE_STEP)
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    with pytest.raises(StaleTransition, match="Another worker"):
        driving.drive(made.run.pk, clock=timezone.now, keeps_lease=lambda: False)
    assert here.ledger() == []
    drain("execution")
    assert made.run.status == "succeeded"
    assert len(here.ledger()) == 1


def test_when_nobody_can_be_asked_a_person_is_and_the_run_goes_on_from_there(here: LabProcess) -> None:
    made = signed(ONE_STEP)
    shift = claimed(made)
    planned = shift.planned(1)
    key = stepping.intend(shift, 1, stepping.preflight(shift, 1))
    shift.write(planned.connector, planned.call, key=key)
    here.kill()
    drain("execution")
    assert made.run.status == "needs_person"
    assert made.steps() == ["unknown"]
    assert "Nobody can tell whether it was done" in made.run.status_reason
    here.start()
    runs.resume(made.run.pk, person=made.operator, door="page", at=timezone.now())
    drain("execution")
    assert made.run.status == "succeeded"
    assert len(here.ledger()) == 1


def test_a_server_that_is_away_when_it_shall_write_fails_no_step(here: LabProcess) -> None:
    made = signed(ONE_STEP)
    shift = claimed(made)
    key = stepping.intend(shift, 1, stepping.preflight(shift, 1))
    here.kill()
    planned = shift.planned(1)
    stepping.keep_outcome(shift, 1, shift.write(planned.connector, planned.call, key=key))
    assert made.steps() == ["unknown"]
    here.start()
    drain("execution")
    assert made.run.status == "succeeded"
    assert len(here.ledger()) == 1


def test_a_run_that_takes_long_goes_on_in_another_job(here: LabProcess) -> None:
    made = signed(TWO_STEPS)
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    hours = (timezone.now() + timedelta(hours=n) for n in itertools.count())
    told = driving.drive(made.run.pk, clock=lambda: next(hours), keeps_lease=lambda: True)
    assert told.endswith("goes on in another job.")
    drain("execution")
    assert made.run.status == "succeeded"


def test_fences_grow_from_run_to_run_because_targets_remember_them(here: LabProcess) -> None:
    first = signed(ONE_STEP)
    drain("execution")
    second = signed(draft(scaling(SECONDARY, 6, 5), systems=(first_day.SECONDARY,)), key="INC-2", cast=first.cast)
    drain("execution")
    assert second.run.status == "succeeded"
    assert [each["fence"] for each in here.ledger()] == [first.run.fence, second.run.fence]
    assert first.run.fence < second.run.fence


def test_a_job_delivered_twice_at_once_writes_once(here: LabProcess) -> None:
    made = signed(TWO_STEPS)
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    start, told = threading.Barrier(2), []

    def deliver() -> None:
        start.wait()
        try:
            told.append(driving.drive(made.run.pk, clock=timezone.now, keeps_lease=lambda: True))
        except StaleTransition as stale:
            told.append(str(stale))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=deliver) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drain("execution")
    assert made.run.status == "succeeded", told
    effects = {each["idempotency_key"] for each in here.ledger()}
    assert len(effects) == 2
    sizes = {each["name"]: each["replicas"] for each in here.estate()["deployments"]}
    assert (sizes["payments-secondary"], sizes["payments-primary"]) == (4, 4)


def test_a_plan_delivered_twice_is_claimed_once(here: LabProcess) -> None:
    made = signed(ONE_STEP)
    start, told = threading.Barrier(2), []

    def deliver() -> None:
        start.wait()
        try:
            told.append(claiming.start(made.plan.pk, tries=0, at=timezone.now()))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=deliver) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line.partition(" ")[0] for line in told) == ["Claimed", "Nothing"]
    assert TargetLock.objects.count() == 1


def test_a_run_whose_job_died_is_handed_to_a_person_who_resumes_it(here: LabProcess) -> None:
    made = signed(ONE_STEP)
    shift = claimed(made)
    seen = stepping.preflight(shift, 1)
    assert advancing.give_up_on_lost(at=timezone.now()) == 0
    Job.objects.filter(kind="execution.advance").delete()
    assert advancing.give_up_on_lost(at=timezone.now()) == 1
    assert made.remediation.status == "needs_person"
    with pytest.raises(StaleTransition):
        stepping.intend(shift, 1, seen)
    runs.resume(made.run.pk, person=made.operator, door="page", at=timezone.now())
    drain("execution")
    assert made.run.status == "succeeded"


def test_a_write_that_never_arrives_is_not_asked_for_again_for_ever(here: LabProcess) -> None:
    made = signed(ONE_STEP)
    shift = claimed(made)
    while made.steps() == ["pending"]:
        stepping.intend(shift, 1, stepping.preflight(shift, 1))
        resolving.resolve(shift, 1)
    assert made.steps() == ["failed"]
    drain("execution")
    assert made.run.status == "failed"
    assert here.ledger() == []
    assert made.remediation.has_written is False


def test_the_execution_role_can_do_all_of_it_and_the_others_their_part(here: LabProcess, running_as: RunningAs) -> None:
    made = signed(TWO_STEPS)
    with running_as("execution"):
        claiming.start(made.plan.pk, tries=0, at=timezone.now())
    here.change(first_day.PRIMARY, "replicas", 5)
    with running_as("execution"):
        drain("execution")
    assert made.run.status == "rolled_back"
    with running_as("general"):
        drain("general")
        assert advancing.give_up_on_lost(at=timezone.now()) == 0


def test_the_general_role_can_hand_a_lost_run_to_a_person(here: LabProcess, running_as: RunningAs) -> None:
    made = signed(ONE_STEP)
    claimed(made)
    Job.objects.filter(kind="execution.advance").delete()
    with running_as("general"):
        assert advancing.give_up_on_lost(at=timezone.now()) == 1
    with running_as("web"):
        runs.resume(made.run.pk, person=made.operator, door="page", at=timezone.now())
    assert made.run.status == "running"


def test_the_web_role_can_run_by_hand_and_cannot_change_an_output(here: LabProcess, running_as: RunningAs) -> None:
    whole = draft(command("Cap", "journalctl --vacuum-size=1G"), systems=("log-ship-1",))
    made = signed(whole, category_slug="storage")
    with running_as("web"):
        at = timezone.now()
        run = runs.start_by_hand(made.remediation.pk, digest=made.plan.digest, person=made.operator, door="page", at=at)
        reports = [runs.Report(1, "preflight", "yes", "seen"), runs.Report(1, "action", "yes", "seen")]
        for told in (*reports, runs.Report(1, "verify", "no", "seen")):
            runs.report(run.pk, fence=run.fence, told=told, person=made.operator, door="page", at=at)
        told = runs.Report(1, "rollback", "yes", "seen", "as before")
        runs.report(run.pk, fence=run.fence, told=told, person=made.operator, door="page", at=at)
        assert made.run.status == "rolled_back"
        with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
            cursor.execute("UPDATE execution_stepoutput SET text = ''")
