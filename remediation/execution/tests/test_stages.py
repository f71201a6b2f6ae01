"""Whole runs in waves by workers against the lab: what is watched, what halts them, what people do meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.audit.models import Event
from portal.estate import seed as estate
from portal.estate.models import Signal, TargetLock
from portal.jobs.models import Job
from portal.jobs.testing import drain
from portal.kit.refusals import StaleTransition
from portal.notices.models import Notice
from portal.signoff import brakes
from portal.signoff.models import Freeze
from remediation.connectors import seed
from remediation.connectors.testing import LabProcess, free_port
from remediation.connectors.testing_prometheus import PrometheusProcess
from remediation.execution import claiming, driving, watching
from remediation.execution import services as runs
from remediation.execution.models import Reading
from remediation.execution.testing import Signed, signed
from remediation.execution.tests.staging import (
    CANARY,
    MACHINES,
    SESSIONS,
    TARGETS,
    Clock,
    drive,
    has_snapshot,
    query,
    room,
    snapshots,
    staged,
)
from remediation.policy.models import CategoryPolicy
from remediation.review import testing as review

pytestmark = pytest.mark.django_db


def test_a_run_goes_from_wave_to_wave_when_all_was_well_for_the_policy_s_minutes(workers: LabProcess) -> None:
    made, at = staged(), timezone.now()
    drain("execution")
    assert (made.run.status, made.steps()) == ("running", ["verified", "pending", "pending"])
    assert has_snapshot(workers) == ["app-07"]
    drive(made, at + timedelta(minutes=9))
    assert made.run.wave == 1
    drive(made, at + timedelta(minutes=11))
    assert (made.run.status, made.steps()) == ("succeeded", ["verified"] * 3)
    assert [(each.wave, each.signal, each.value, each.holds) for each in Reading.objects.all()] == [
        (1, "payments: Room", 40.0, True)
    ] * 3
    kinds = Event.objects.filter(kind__in=["run.watched", "run.wave_opened"]).order_by("id")
    assert list(kinds.values_list("kind", flat=True)) == ["run.watched", "run.wave_opened"]


def test_between_waves_no_worker_is_held_and_the_targets_stay_locked(workers: LabProcess) -> None:
    made = staged()
    drain("execution")
    (job,) = Job.objects.filter(kind="execution.advance", state="waiting")
    until = made.run.watch_until
    assert until
    assert made.run.started_at < job.due_at <= until
    assert TargetLock.objects.filter(run_id=made.run.pk, released_at=None).count() == 3


def test_a_signal_that_does_not_hold_takes_the_canary_back(workers: LabProcess) -> None:
    made, at = staged(), timezone.now()
    drain("execution")
    workers.change(TARGETS[1], "datastore_free_percent", 12)
    drive(made, at + timedelta(minutes=1))
    assert (made.run.status, made.steps()) == ("rolled_back", ["rolled_back", "skipped", "skipped"])
    assert "payments: Room: should be at least 20 and is 12." in made.run.status_reason
    assert has_snapshot(workers) == []
    assert list(Reading.objects.values_list("value", "holds")) == [(40.0, True), (12.0, False)]
    made.ticket.refresh_from_db()
    assert made.ticket.status == "partially_remediated"
    told = Notice.objects.filter(message__kind="partial").values_list("person__username", flat=True)
    assert "policy-admin" in told
    assert not TargetLock.objects.filter(released_at=None).exists()


def test_a_later_wave_alone_is_taken_back(workers: LabProcess) -> None:
    made, at = staged(CANARY, *MACHINES), timezone.now()
    drain("execution")
    drive(made, at + timedelta(minutes=11))
    assert made.steps() == ["verified", "verified", "verified", "pending"]
    workers.change(TARGETS[1], "datastore_free_percent", 12)
    drive(made, at + timedelta(minutes=12))
    assert (made.run.status, made.steps()) == ("failed", ["verified", "rolled_back", "rolled_back", "skipped"])
    assert made.run.status_reason.endswith("Wave 2 was taken back; what earlier waves did stays in place.")
    assert has_snapshot(workers) == ["app-07"]
    made.ticket.refresh_from_db()
    assert made.ticket.status == "partially_remediated"


@pytest.mark.parametrize(
    ("signal", "says"),
    [
        (room(connector="nobody"), "There is no connector nobody."),
        (room(field="errors"), "The answer of get_vm_snapshot has no number errors."),
        (room(field="exists"), "The answer of get_vm_snapshot has no number exists."),
        (query("up"), "No Prometheus is configured: PROMETHEUS_URL is empty."),
    ],
)
def test_a_signal_that_nobody_can_read_does_not_hold(workers: LabProcess, signal: dict[str, Any], says: str) -> None:
    made = staged(signal=signal)
    drain("execution")
    assert (made.run.status, made.steps()) == ("rolled_back", ["rolled_back", "skipped", "skipped"])
    assert says in made.run.status_reason
    assert list(Reading.objects.values_list("value", "holds")) == [(None, False)]


def test_what_prometheus_measured_takes_a_wave_back(workers: LabProcess, measured: PrometheusProcess) -> None:
    made, at = staged(signal=query(SESSIONS, relation="at_most", threshold="5.5", unit="sessions")), timezone.now()
    measured.wait_for(SESSIONS, 0)
    drain("execution")
    assert made.run.status == "running"
    workers.change(TARGETS[0], "sessions", 6)
    measured.wait_for(SESSIONS, 6)
    drive(made, at + timedelta(minutes=1))
    assert (made.run.status, made.steps()) == ("rolled_back", ["rolled_back", "skipped", "skipped"])
    assert "payments: Room: should be at most 5.5 sessions and is 6." in made.run.status_reason
    assert list(Reading.objects.values_list("value", "holds")) == [(0.0, True), (6.0, False)]


@pytest.mark.parametrize(
    ("promql", "says"),
    [
        ("errors_of_nobody", "The query finds no data."),
        ("vector(0) / vector(0)", "The answer is nan, which is no number."),
        ("vector(1) / vector(0)", "The answer is inf, which is no number."),
    ],
)
def test_what_prometheus_cannot_say_takes_a_wave_back(
    workers: LabProcess, measured: PrometheusProcess, promql: str, says: str
) -> None:
    made = staged(signal=query(promql))
    drain("execution")
    assert (made.run.status, workers.ledger()[-1]["tool"]) == ("rolled_back", "remove_vm_snapshot")
    assert says in made.run.status_reason


def test_a_prometheus_that_is_gone_takes_a_wave_back(workers: LabProcess, settings: Settings) -> None:
    settings.PROMETHEUS_URL = f"http://127.0.0.1:{free_port()}"
    made = staged(signal=query("up"))
    drain("execution")
    assert made.run.status == "rolled_back"
    assert "Prometheus cannot be reached" in made.run.status_reason
    assert has_snapshot(workers) == []


def test_the_signals_of_the_demonstration_are_read_from_the_lab(workers: LabProcess) -> None:
    review.world()
    cast = review.people()
    seed.load(timezone.now())
    estate.load_signals()
    for signal in Signal.objects.all():
        signal.full_clean()
    policy = {**CANARY, "watch_minutes": 0}
    made = signed(snapshots(), cast=cast, policy=policy, category_slug="virtualization")
    drain("execution")
    assert made.run.status == "succeeded"
    assert list(Reading.objects.values_list("signal", "value", "holds")) == [
        ("payments: Pods ready", 2.0, True),
        ("payments: Sessions", 0.0, True),
    ]


def test_without_minutes_the_signals_are_looked_at_once(workers: LabProcess) -> None:
    made = staged({**CANARY, "watch_minutes": 0})
    drain("execution")
    assert (made.run.status, Reading.objects.count()) == ("succeeded", 1)


def test_a_run_of_one_wave_watches_nothing(workers: LabProcess) -> None:
    made = staged(CANARY, MACHINES[0])
    drain("execution")
    assert (made.run.status, Reading.objects.count()) == ("succeeded", 0)


def test_within_the_error_budget_the_others_go_on(workers: LabProcess) -> None:
    made = staged({**CANARY, "canary": "", "error_budget": "1"}, *MACHINES)
    workers.fault("create_vm_snapshot", "lies")
    drain("execution")
    assert (made.run.status, made.steps()) == ("failed", ["rolled_back", "verified", "verified", "verified"])
    assert "1 of 4 targets failed, which the error budget allows" in made.run.status_reason
    assert has_snapshot(workers) == list(MACHINES[1:])
    made.ticket.refresh_from_db()
    assert made.ticket.status == "partially_remediated"


def test_beyond_the_error_budget_the_wave_is_taken_back(workers: LabProcess) -> None:
    made = staged({**CANARY, "canary": "", "error_budget": "1"}, *MACHINES)
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    for target in (TARGETS[1], TARGETS[3]):
        workers.change(target, "datastore_free_percent", 1)
    drain("execution")
    assert (made.run.status, made.steps()) == ("rolled_back", ["rolled_back", "failed", "rolled_back", "failed"])
    assert has_snapshot(workers) == []


def test_a_pause_comes_at_once_while_it_is_watched_and_it_is_watched_anew_after(workers: LabProcess) -> None:
    made, at = staged(), timezone.now()
    drain("execution")
    runs.pause(made.run.pk, person=made.operator, door="page", at=timezone.now())
    drain("execution")
    assert (made.run.status, made.run.watch_until) == ("paused", None)
    assert TargetLock.objects.filter(run_id=made.run.pk, released_at=None).count() == 3
    runs.resume(made.run.pk, person=made.operator, door="page", at=timezone.now())
    drain("execution")
    until = made.run.watch_until
    assert until
    assert until > at + timedelta(minutes=10)
    assert made.run.wave == 1


def test_a_rollback_while_it_is_watched_takes_everything_back(workers: LabProcess) -> None:
    made, at = staged(CANARY, *MACHINES), timezone.now()
    drain("execution")
    drive(made, at + timedelta(minutes=11))
    with pytest.raises(StaleTransition, match="pause or stop it first"):
        runs.roll_back(made.run.pk, person=made.operator, door="page", at=timezone.now())
    runs.stop_now(made.run.pk, person=made.operator, door="page", at=timezone.now())
    drain("execution")
    assert made.run.status == "needs_person"
    runs.roll_back(made.run.pk, person=made.operator, door="page", at=timezone.now())
    drain("execution")
    assert (made.run.status, made.steps()) == ("rolled_back", ["rolled_back"] * 3 + ["skipped"])


def test_an_emergency_stop_holds_a_run_between_waves(workers: LabProcess) -> None:
    made, at = staged(), timezone.now()
    drain("execution")
    brakes.engage(scope="all", reason="Something burns.", person=made.operator, door="page", at=timezone.now())
    drive(made, at + timedelta(minutes=11))
    assert (made.run.status, made.steps()) == ("paused", ["verified", "pending", "pending"])
    assert "Something burns." in made.run.status_reason


def freeze(made: Signed, at: datetime) -> None:
    Freeze.objects.create(reason="Year end", starts_at=at, ends_at=at + timedelta(days=1), created_by=made.operator)


def close(_: Signed, at: datetime) -> None:
    CategoryPolicy.objects.update(days=[(at.weekday() + 3) % 7])


@pytest.mark.parametrize(
    ("happens", "says"),
    [(freeze, "A freeze holds: Year end"), (close, "It is outside the hours of the policy of Virtualization.")],
)
def test_the_next_wave_waits_for_a_person_in_a_freeze_and_outside_the_hours(
    workers: LabProcess, happens: Callable[[Signed, datetime], None], says: str
) -> None:
    made, at = staged(), timezone.now()
    drain("execution")
    happens(made, at)
    drive(made, at + timedelta(minutes=11))
    assert (made.run.status, made.steps()) == ("paused", ["verified", "pending", "pending"])
    assert says in made.run.status_reason


def test_a_paused_run_goes_on_although_a_target_failed_within_its_budget(workers: LabProcess) -> None:
    made = staged({**CANARY, "error_budget": "1", "canary": "2"}, *MACHINES)
    workers.fault("create_vm_snapshot", "lies")
    drain("execution")
    assert made.steps() == ["rolled_back", "verified", "pending", "pending"]
    runs.pause(made.run.pk, person=made.operator, door="page", at=timezone.now())
    drain("execution")
    runs.resume(made.run.pk, person=made.operator, door="page", at=timezone.now())
    drain("execution")
    drive(made, timezone.now() + timedelta(minutes=11))
    assert (made.run.status, made.steps()) == ("failed", ["rolled_back", "verified", "verified", "verified"])


def test_a_worker_that_is_lost_between_two_looks_leaves_nothing_open(workers: LabProcess) -> None:
    """The next one reads from the run until when is watched, and goes on."""
    made, at = staged(), timezone.now()
    drain("execution")
    until = made.run.watch_until
    lost = driving.take_over(made.run.pk, clock=Clock(at + timedelta(minutes=1)), keeps_lease=lambda: True)
    assert lost
    drive(made, at + timedelta(minutes=2))
    assert made.run.watch_until == until
    with pytest.raises(StaleTransition, match="Somebody else holds"):
        watching.watch(lost)
    drive(made, at + timedelta(minutes=11))
    assert made.run.status == "succeeded"
