"""What keeps workers from a signed plan, or holds them in the middle of it (laws 1, 3 and 9)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from portal.audit.models import Event
from portal.estate.models import Category
from portal.jobs.testing import drain
from portal.kit.refusals import NotAllowed, Refused, StaleTransition
from portal.notices.models import Notice
from portal.signoff import brakes
from portal.signoff.models import Freeze, Plan, Stop
from remediation.connectors.lab import first_day
from remediation.connectors.models import Connector
from remediation.connectors.testing import LabProcess
from remediation.drafting import services as remediations
from remediation.execution import claiming, driving, records, stepping
from remediation.execution import services as runs
from remediation.execution.models import Run
from remediation.execution.shift import Shift
from remediation.execution.states import RunStatus
from remediation.execution.testing import PRIMARY, SECONDARY, Signed, draft, scaling, signed
from remediation.policy.models import CategoryPolicy, Decision

pytestmark = pytest.mark.django_db

ONE_STEP = draft(scaling(SECONDARY, 2, 6), systems=(first_day.SECONDARY,))
TWO_STEPS = draft(scaling(SECONDARY, 2, 4), scaling(PRIMARY, 3, 4), systems=(first_day.SECONDARY, first_day.PRIMARY))
LATER = timedelta(minutes=1)


def untouched(made: Signed, lab: LabProcess) -> bool:
    return not Run.objects.exists() and lab.ledger() == [] and made.remediation.status == "approved_for_rollout"


def stop(made: Signed, scope: str = "all") -> Stop:
    return brakes.engage(scope=scope, reason="smoke", person=made.operator, door="page", at=timezone.now())


def release(made: Signed, engaged: Stop) -> None:
    brakes.release(engaged.pk, person=made.cast["approver"], door="page", at=timezone.now())


def test_off_by_default_workers_execute_nothing(lab: LabProcess) -> None:
    """Law 1: nothing is configured here, and the ticket opted in."""
    made = signed(ONE_STEP)
    assert drain("execution") == [
        "execution.start: Left to people: Auto-remediation is switched off for this site, so workers execute nothing."
    ]
    assert untouched(made, lab)


def test_a_ticket_that_did_not_opt_in_is_left_to_people(workers: LabProcess) -> None:
    made = signed(ONE_STEP, enable_auto_remediation=False)
    assert "did not opt in" in drain("execution")[0]
    assert untouched(made, workers)


@pytest.mark.parametrize("moved", ["target", "connector"])
def test_lab_mode_touches_nothing_outside_the_lab(workers: LabProcess, moved: str) -> None:
    """Also when the connector left the lab only after the plan was signed."""
    if moved == "connector":
        made = signed(ONE_STEP)
        Connector.objects.filter(slug="lab-kubernetes").update(is_lab=False)
    else:
        made = signed(ONE_STEP, outside=first_day.SECONDARY)
    assert "for the lab only" in drain("execution")[0]
    assert untouched(made, workers)


def test_switching_off_in_the_middle_pauses_before_the_next_write(workers: LabProcess, settings: Settings) -> None:
    made = signed(TWO_STEPS)
    shift = claimed(made)
    stepping.take_step(shift, 1)
    settings.AUTO_REMEDIATION_ENABLED = "false"
    drain("execution")
    assert made.run.status == "paused"
    assert made.steps() == ["verified", "preflight"]
    with pytest.raises(Refused, match="by hand"):
        runs.resume(made.run.pk, person=made.operator, door="page", at=timezone.now())


def claimed(made: Signed) -> Shift:
    """A worker's turn at the run, the job that would drive it still waiting."""
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    shift = driving.take_over(made.run.pk, clock=timezone.now, keeps_lease=lambda: True)
    assert shift
    return shift


def test_a_stop_in_the_middle_pauses_before_the_next_write_and_a_person_resumes(workers: LabProcess) -> None:
    made = signed(TWO_STEPS)
    stepping.take_step(claimed(made), 1)
    engaged = stop(made, "connector:lab-kubernetes")
    drain("execution")
    assert made.run.status == "paused"
    assert made.remediation.status == "paused"
    assert len(workers.ledger()) == 1
    with pytest.raises(Refused, match="Nothing goes on before that is released"):
        runs.resume(made.run.pk, person=made.operator, door="page", at=timezone.now())
    release(made, engaged)
    runs.resume(made.run.pk, person=made.operator, door="page", at=timezone.now())
    drain("execution")
    assert made.run.status == "succeeded"
    assert len(workers.ledger()) == 2


def test_a_rollback_under_the_stop_waits_for_a_person_who_releases_it(workers: LabProcess) -> None:
    made = signed(ONE_STEP)
    workers.fault("scale_deployment", "lies")
    stepping.take_step(claimed(made), 1)
    stop(made)
    drain("execution")
    assert made.run.status == "needs_person"
    assert "waits until a person releases it" in made.run.status_reason
    assert len(workers.ledger()) == 1
    runs.roll_back(made.run.pk, person=made.operator, door="page", at=timezone.now())
    drain("execution")
    assert made.run.status == "rolled_back"
    assert len(workers.ledger()) == 2


def test_a_stop_engaged_after_the_release_holds_again(workers: LabProcess) -> None:
    made = signed(ONE_STEP)
    workers.fault("scale_deployment", "lies")
    stepping.take_step(claimed(made), 1)
    first = stop(made)
    drain("execution")
    runs.roll_back(made.run.pk, person=made.operator, door="page", at=timezone.now())
    release(made, first)
    stop(made, "category:kubernetes")
    drain("execution")
    assert made.run.status == "needs_person"
    assert len(workers.ledger()) == 1


@pytest.mark.parametrize("verb", ["resume", "roll_back"])
def test_only_who_may_run_has_a_say(workers: LabProcess, verb: str) -> None:
    made = signed(TWO_STEPS)
    stepping.take_step(claimed(made), 1)
    stop(made)
    drain("execution")
    with pytest.raises(NotAllowed):
        getattr(runs, verb)(made.run.pk, person=made.cast["engineer"], door="page", at=timezone.now())


def test_a_run_that_workers_drive_is_not_taken_from_them(workers: LabProcess) -> None:
    made = signed(ONE_STEP)
    claimed(made)
    for verb in (runs.resume, runs.roll_back, runs.take_over):
        with pytest.raises(StaleTransition):
            verb(made.run.pk, person=made.operator, door="page", at=timezone.now())


def test_nobody_drafts_anew_while_a_run_waits_for_a_person(workers: LabProcess) -> None:
    made = signed(ONE_STEP)
    workers.fault("scale_deployment", "lies")
    shift = claimed(made)
    stepping.take_step(shift, 1)
    with shift.writing() as run:
        records.move_run(run, RunStatus.NEEDS_PERSON, actor=records.WORKERS, at=timezone.now())
    with pytest.raises(StaleTransition, match="A run of this ticket waits for a person"):
        remediations.redraft(made.remediation.pk, person=made.cast["reviewer"], door="page", at=timezone.now())
    runs.roll_back(made.run.pk, person=made.operator, door="page", at=timezone.now())
    drain("execution")
    assert made.run.status == "rolled_back"
    assert made.remediation.status == "rolled_back"


def test_a_paused_run_can_be_finished_by_hand(workers: LabProcess) -> None:
    made = signed(TWO_STEPS)
    stepping.take_step(claimed(made), 1)
    engaged = stop(made)
    drain("execution")
    release(made, engaged)
    runs.take_over(made.run.pk, person=made.operator, door="page", at=timezone.now())
    for phase in ("preflight", "action", "verify"):
        told = runs.Report(2, phase, "yes", "seen")
        fence = made.run.fence
        runs.report(made.run.pk, fence=fence, told=told, person=made.operator, door="page", at=timezone.now())
    assert made.run.status == "succeeded"
    assert drain("execution") == []
    assert len(workers.ledger()) == 1


def test_a_freeze_holds_the_claim_and_the_workers_try_again_later(workers: LabProcess) -> None:
    made = signed(ONE_STEP)
    now = timezone.now()
    frozen = Freeze.objects.create(
        reason="Black Friday", starts_at=now - LATER, ends_at=now + timedelta(hours=1), created_by=made.operator
    )
    assert "Black Friday" in drain("execution")[0]
    assert untouched(made, workers)
    assert Decision.objects.filter(moment="claim").latest("id").hard_stops
    assert drain("execution") == []
    frozen.delete()
    drain("execution", at=now + LATER)
    assert made.run.status == "succeeded"


def test_a_target_that_another_run_holds_is_waited_for_and_its_holder_is_named(workers: LabProcess) -> None:
    first = signed(TWO_STEPS)
    second = signed(ONE_STEP, key="INC-2", cast=first.cast)
    claimed(first)
    told = [claiming.start(second.plan.pk, tries=0, at=timezone.now())]
    assert any("INC-1" in line and "Waits" in line for line in told)
    assert second.remediation.status == "approved_for_rollout"


def test_the_hourly_limit_is_used_up_by_steps_and_holds_the_next_run(workers: LabProcess) -> None:
    first = signed(draft(scaling(PRIMARY, 3, 4), systems=(first_day.PRIMARY,)), policy={"max_actions_per_hour": 1})
    second = signed(ONE_STEP, key="INC-2", cast=first.cast)
    told = drain("execution")
    assert "used in the last hour: 1" in told[1]
    assert second.remediation.status == "approved_for_rollout"
    assert [each["target"] for each in workers.ledger()] == [first_day.PRIMARY] * len(workers.ledger())


def test_an_expired_plan_goes_back_to_review(workers: LabProcess) -> None:
    made = signed(ONE_STEP)
    claiming.start(made.plan.pk, tries=0, at=made.plan.valid_until)
    assert made.remediation.status == "in_review"
    assert Plan.objects.get(pk=made.plan.pk).status == "void"
    assert workers.ledger() == []


def test_a_forged_plan_is_refused_at_the_claim_and_people_hear_of_it(workers: LabProcess) -> None:
    """The owner of the tables can change the text behind everybody's back; the claim computes the digest again."""
    made = signed(ONE_STEP)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE signoff_plan DROP CONSTRAINT signoff_plan_digest_is_of_content")
        cursor.execute("ALTER TABLE signoff_plan DISABLE TRIGGER USER")
        cursor.execute("UPDATE signoff_plan SET content = replace(content, '\"replicas\":6', '\"replicas\":0')")
        cursor.execute("ALTER TABLE signoff_plan ENABLE TRIGGER USER")
    (told,) = drain("execution")
    assert "does not match the digest" in told
    assert untouched(made, workers)
    assert Event.objects.filter(kind="run.held", ticket_key="INC-1").exists()
    with pytest.raises(Refused, match="digest"):
        runs.start_by_hand(
            made.remediation.pk, digest=made.plan.digest, person=made.operator, door="page", at=timezone.now()
        )


def test_a_draft_that_changed_after_the_signature_is_not_run(workers: LabProcess) -> None:
    made = signed(ONE_STEP)
    revision = made.remediation.revisions.get()
    type(revision).objects.create(
        remediation=made.remediation,
        number=2,
        drafter=revision.drafter,
        content=revision.content,
        digest="0" * 64,
        created_at=revision.created_at,
    )
    assert "text of the draft was" in drain("execution")[0]
    assert workers.ledger() == []
    assert Plan.objects.get(pk=made.plan.pk).status == "void"


def test_the_policy_may_forbid_today_what_it_allowed_yesterday(workers: LabProcess) -> None:
    made = signed(ONE_STEP)
    category = Category.objects.get(slug="kubernetes")
    CategoryPolicy.objects.filter(category=category).update(allowed_action_types=["restart_pod"])
    assert "allowed action types was" in drain("execution")[0]
    assert workers.ledger() == []
    assert made.remediation.status == "in_review"


def _told(made: Signed) -> set[int]:
    heard = Notice.objects.filter(message__ticket_key=made.ticket.key, message__kind="run")
    return set(heard.values_list("person_id", flat=True))
