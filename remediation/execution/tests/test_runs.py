"""Whole runs by workers, from a signed plan to the end, against the lab."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.audit.models import Event
from portal.estate.models import TargetLock
from portal.jobs.models import Job
from portal.jobs.testing import drain
from portal.kit.refusals import Refused
from portal.notices.models import Notice
from portal.signoff.models import Plan
from portal.signoff.states import PlanStatus, Stage
from remediation.connectors import identities
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.execution import claiming
from remediation.execution.testing import PRIMARY, SECONDARY, Signed, draft, operation, scaling, sign_rollout, signed

pytestmark = pytest.mark.django_db

ONE_STEP = draft(scaling(SECONDARY, 2, 6), systems=(first_day.SECONDARY,))
TWO_STEPS = draft(scaling(SECONDARY, 2, 4), scaling(PRIMARY, 3, 4), systems=(first_day.SECONDARY, first_day.PRIMARY))
VM = {"vcenter": first_day.VCENTER, "vm": "app-07"}
PORT = {"switch": first_day.SWITCH, "interface": "Ethernet1/20"}
PORT_TARGET = identities.interface(*PORT.values())
DIRTY_PORT = {"switch": first_day.SWITCH, "interface": "Ethernet1/12"}


def replicas(lab: LabProcess, name: str) -> Any:
    return next(each["replicas"] for each in lab.estate()["deployments"] if each["name"] == name)


def ticket_status(made: Signed) -> str:
    made.ticket.refresh_from_db()
    return made.ticket.status


def test_a_signed_plan_runs_to_its_end_and_resolves_the_ticket(workers: LabProcess) -> None:
    made = signed(ONE_STEP)
    drain("execution")
    assert made.run.status == "succeeded"
    assert made.steps() == ["verified"]
    assert made.said() == [("preflight", True), ("action", True), ("verify", True)]
    assert replicas(workers, "payments-secondary") == 6
    assert ticket_status(made) == "resolved"
    assert "from 2 to 6 pods" in made.ticket.resolution
    assert set(Notice.objects.filter(message__kind="run").values_list("person__username", flat=True)) == {
        "engineer",
        "operator",
    }
    assert not TargetLock.objects.filter(released_at=None).exists()


def test_a_target_that_was_held_while_a_draft_was_checked_can_be_signed_for_once_it_is_free(
    workers: LabProcess,
) -> None:
    first = signed(ONE_STEP)
    claiming.start(first.plan.pk, tries=0, at=timezone.now())
    second = signed(ONE_STEP, key="INC-2", cast=first.cast, is_open=True)
    with pytest.raises(Refused, match="is held by the run of INC-1"):
        sign_rollout(second)
    drain("execution")
    assert first.run.status == "succeeded"
    sign_rollout(second)
    second.plan.refresh_from_db()
    assert second.plan.status == PlanStatus.SIGNED


def test_a_run_that_waits_for_a_target_begins_as_soon_as_the_other_one_ends(workers: LabProcess) -> None:
    drafts = [
        draft(operation("snapshot_vm", "Snapshot", VM | {"snapshot": name}), systems=(identities.vm(*VM.values()),))
        for name in ("before-one", "before-two")
    ]
    first = signed(drafts[0], category_slug="virtualization")
    second = signed(drafts[1], key="INC-2", cast=first.cast, category_slug="virtualization")
    claiming.start(first.plan.pk, tries=0, at=timezone.now())
    said = claiming.start(second.plan.pk, tries=9, at=timezone.now())
    assert said.startswith("Waits for 0:10:00: No: ")
    assert said.endswith("is held by the run of INC-1.")
    drain("execution")
    assert (first.run.status, second.run.status) == ("succeeded", "succeeded")


def test_every_move_of_run_and_steps_is_in_the_audit_trail(workers: LabProcess) -> None:
    made = signed(ONE_STEP)
    drain("execution")
    events = Event.objects.filter(ticket_key=made.ticket.key, actor_name="execution")
    assert list(events.values_list("kind", flat=True).order_by("id")) == [
        "decision.made",
        "plan.claimed",
        "remediation.moved",
        "run.started",
        "run.taken",
        *["step.moved"] * 4,
        "run.moved",
        "remediation.moved",
        "run.finished",
    ]


def test_who_wants_to_hear_of_the_end_is_told_by_an_event(workers: LabProcess) -> None:
    made = signed(TWO_STEPS)
    drain("execution")
    heard = Job.objects.filter(kind="feedback.learn_run")
    assert [(job.subject_id, job.payload) for job in heard] == [
        (made.run.pk, {"succeeded": True, "action": "scale_deployment"})
    ]


def test_a_met_stop_rule_stops_before_anything_is_changed(workers: LabProcess) -> None:
    made = signed(ONE_STEP)
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    workers.change(first_day.SECONDARY, "replicas", 3)
    drain("execution")
    assert made.run.status == "failed"
    assert "replicas should be 2 and is 3" in made.run.status_reason
    assert made.steps() == ["failed"]
    assert workers.ledger() == []
    drain("probe")
    assert ticket_status(made) == "awaiting_review", "the target drifted since the sign-off, and nothing was written"
    plan = Plan.objects.latest("id")
    assert (plan.stage, plan.status) == (Stage.MERGE, PlanStatus.OPEN)


def test_a_stop_rule_met_later_undoes_the_steps_before(workers: LabProcess) -> None:
    made = signed(TWO_STEPS)
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    workers.change(first_day.PRIMARY, "replicas", 5)
    drain("execution")
    assert made.run.status == "rolled_back"
    assert made.steps() == ["rolled_back", "failed"]
    assert replicas(workers, "payments-secondary") == 2
    assert ticket_status(made) == "partially_remediated"


def test_a_refused_first_write_fails_and_nothing_counts_as_written(workers: LabProcess) -> None:
    made = signed(ONE_STEP)
    workers.fault("scale_deployment", "fails")
    drain("execution")
    assert made.run.status == "failed"
    assert made.steps() == ["failed"]
    assert len(workers.ledger()) == 1
    assert ticket_status(made) == "failed"


def test_a_refused_later_write_undoes_the_steps_before(workers: LabProcess) -> None:
    made = signed(
        draft(
            scaling(SECONDARY, 2, 4),
            operation("restart_pod", "Restart a pod", PRIMARY | {"pod": _a_pod(workers, "payments-primary")}),
            systems=(first_day.SECONDARY, first_day.PRIMARY),
        )
    )
    workers.fault("delete_pod", "fails")
    drain("execution")
    assert made.steps() == ["rolled_back", "failed"]
    assert [each["tool"] for each in workers.ledger()] == ["scale_deployment", "delete_pod", "scale_deployment"]
    assert replicas(workers, "payments-secondary") == 2
    assert ticket_status(made) == "partially_remediated"


def _a_pod(lab: LabProcess, deployment: str) -> str:
    found = next(each for each in lab.estate()["deployments"] if each["name"] == deployment)
    name: str = found["pods"][0]["name"]
    return name


WRITES_THAT_LIE = [
    pytest.param("kubernetes", first_day.SECONDARY, scaling(SECONDARY, 2, 6), "scale_deployment", id="scale"),
    pytest.param(
        "virtualization",
        identities.vm(*VM.values()),
        operation("increase_memory", "More memory", {**VM, "from_mb": 4_096, "to_mb": 6_144}),
        "set_vm_memory",
        id="memory",
    ),
    pytest.param(
        "network",
        PORT_TARGET,
        operation("enable_port", "Enable the port", PORT),
        "enable_port",
        id="port",
    ),
]


@pytest.mark.parametrize(("category", "target", "step", "tool"), WRITES_THAT_LIE)
def test_a_write_that_only_says_it_worked_is_found_out_and_taken_back(
    workers: LabProcess, category: str, target: str, step: dict[str, Any], tool: str
) -> None:
    made = signed(draft(step, systems=(target,)), category_slug=category)
    before = workers.estate()
    workers.fault(tool, "lies")
    drain("execution")
    assert made.run.status == "rolled_back"
    assert made.steps() == ["rolled_back"]
    assert made.said() == [
        ("preflight", True),
        ("action", True),
        ("verify", False),
        ("rollback", True),
        ("rollback_verify", True),
    ]
    assert ticket_status(made) == "partially_remediated"
    kinds = ("deployments", "vms", "interfaces")
    assert [_sizes(workers.estate()[kind]) for kind in kinds] == [_sizes(before[kind]) for kind in kinds]


def _sizes(things: list[dict[str, Any]]) -> list[Any]:
    return [(each["name"], each.get("replicas"), each.get("memory_mb"), each.get("admin_up")) for each in things]


def test_a_way_back_that_does_not_work_needs_a_person(workers: LabProcess) -> None:
    """The port is enabled, its cable is gone, so the verify fails; and the way back only says that it worked."""
    made = signed(draft(operation("enable_port", "Enable", PORT), systems=(PORT_TARGET,)), category_slug="network")
    workers.change(PORT_TARGET, "has_cable", value=False)
    workers.fault("disable_port", "lies")
    drain("execution")
    assert made.steps() == ["rollback_failed"]
    assert made.run.status == "needs_person"
    assert "not what it was before" in made.run.status_reason
    assert ticket_status(made) == "needs_person"


def test_a_step_without_a_way_back_ends_a_rollback_at_a_person(workers: LabProcess) -> None:
    step = operation("clear_interface_errors", "Clear the counters", DIRTY_PORT, is_final=True)
    whole = draft(step, systems=(identities.interface(*DIRTY_PORT.values()),))
    made = signed(whole, category_slug="network", policy={"requires_rollback_plan": False})
    workers.fault("clear_interface_errors", "lies")
    drain("execution")
    assert made.run.status == "needs_person"
    assert "Step 1 (Clear the counters): failed." in made.run.status_reason
    assert ticket_status(made) == "needs_person"
    assert TargetLock.objects.filter(released_at=None).exists()


def test_a_write_whose_answer_was_lost_is_found_to_be_done_and_not_repeated(workers: LabProcess) -> None:
    made = signed(ONE_STEP)
    workers.fault("scale_deployment", "loses_connection")
    drain("execution")
    assert made.run.status == "succeeded"
    assert made.said() == [("preflight", True), ("action", None), ("probe", True), ("verify", True)]
    assert len(workers.ledger()) == 1


def test_a_write_that_hangs_is_waited_for_and_not_repeated(workers: LabProcess, settings: Settings) -> None:
    settings.RUN_WRITE_SECONDS = 0.3
    settings.RUN_SETTLE_SECONDS = 5.0
    made = signed(ONE_STEP)
    workers.fault("scale_deployment", "hangs", seconds=1.5)
    drain("execution")
    assert made.run.status == "succeeded", made.run.status_reason
    assert replicas(workers, "payments-secondary") == 6
    keys = {each["idempotency_key"] for each in workers.ledger()}
    assert len(keys) == 1
