"""Whole runs in waves by workers against the lab: what is watched, what halts them, what people do meanwhile."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portal.audit.models import Event
from portal.estate.models import Service, Signal, TargetLock
from portal.jobs.models import Job
from portal.jobs.testing import drain
from portal.kit.refusals import StaleTransition
from portal.notices.models import Notice
from portal.signoff import brakes
from remediation.connectors import identities, seed
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess, free_port
from remediation.connectors.testing_prometheus import PrometheusProcess
from remediation.execution import claiming, driving, showing, watching
from remediation.execution import services as runs
from remediation.execution.models import Reading
from remediation.execution.testing import Signed, draft, operation, signed
from remediation.execution.wave_board import WaveBoard
from remediation.review import testing as review

pytestmark = pytest.mark.django_db

MACHINES = ("app-07", "app-08", "db-03", "batch-02")
TARGETS = tuple(identities.vm(first_day.VCENTER, name) for name in MACHINES)
ROOM = {"vcenter": first_day.VCENTER, "vm": "app-08", "snapshot": "none"}
SESSIONS = f'lab_sessions{{target="{TARGETS[0]}"}}'
CANARY = {"canary": "1", "wave_growth": 2, "watch_minutes": 10}


def snapshots(*names: str) -> dict[str, Any]:
    """A draft that takes a snapshot of each of these machines."""
    steps = [_snapshot(name) for name in names or MACHINES[:3]]
    return draft(*steps, systems=tuple(identities.vm(first_day.VCENTER, name) for name in names or MACHINES[:3]))


def _snapshot(name: str) -> dict[str, Any]:
    parameters = {"vcenter": first_day.VCENTER, "vm": name, "snapshot": "before-change"}
    return operation("snapshot_vm", f"Snapshot {name}", parameters)


def room(**changes: Any) -> dict[str, Any]:
    """The signal that says how much room a datastore has, with fields replaced."""
    of_probe = {"connector": "lab-vmware", "tool": "get_vm_snapshot", "arguments": ROOM}
    wanted = {"field": "datastore_free_percent", "relation": "at_least", "threshold": 20}
    return {"name": "Room", "about": "business", "kind": "probe", **of_probe, **wanted, **changes}


@dataclass
class Clock:
    """The time of the workers; it moves when it is told to."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at


def query(promql: str, **changes: Any) -> dict[str, Any]:
    """The same signal as a query."""
    asked = {"kind": "prometheus", "query": promql, "connector": "", "tool": "", "arguments": {}, "field": ""}
    return room(**asked, **changes)


def staged(policy: dict[str, Any] = CANARY, *names: str, signal: dict[str, Any] | None = None) -> Signed:
    """A signed plan in waves; the ticket's service has one signal."""
    review.world()
    cast = review.people()
    seed.load(timezone.now())
    Signal.objects.create(service=Service.objects.get(slug="payments"), **(signal or room()))
    return signed(snapshots(*names), cast=cast, policy=policy, category_slug="virtualization")


def drive(made: Signed, at: datetime) -> str:
    return driving.drive(made.run.pk, clock=Clock(at), keeps_lease=lambda: True)


def has_snapshot(lab: LabProcess) -> list[str]:
    return [each["name"] for each in lab.estate()["vms"] if "before-change" in each["snapshots"]]


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
    assert "Within its error budget 1 of the targets failed" in made.run.status_reason
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


def words(made: Signed, client: Client, path: str = "run") -> str:
    client.force_login(made.operator)
    return html.unescape(client.get(f"/tickets/{made.ticket.key}/{path}").content.decode())


def test_the_page_shows_the_waves_what_is_watched_and_every_reading(workers: LabProcess, client: Client) -> None:
    made, at = staged(CANARY, *MACHINES), timezone.now()
    drain("execution")
    page = words(made, client)
    assert "1, the canary" in page
    assert "watched until" in page
    assert "Every signal has to hold until" in page
    assert "at least 20" in page
    assert "The targets stay locked." in page
    seen = showing.seen_of(made.run)
    drive(made, at + timedelta(minutes=1))
    assert showing.seen_of(made.run) != seen
    workers.change(TARGETS[1], "datastore_free_percent", 12)
    drive(made, at + timedelta(minutes=2))
    page = words(made, client)
    assert "watched until" not in page
    assert "Room: from 40 to 12, between 12 and 40." in page
    assert [(row.wave.number, row.status) for row in board(made).rows] == [
        (1, "rolled_back"),
        (2, "skipped"),
        (3, "skipped"),
    ]


def board(made: Signed) -> WaveBoard:
    run = showing.newest_run(made.remediation)
    assert run
    found = showing.board_of(run, made.operator, at=timezone.now()).waves
    assert found
    return found


def test_the_page_says_where_each_wave_stands(workers: LabProcess) -> None:
    made, at = staged(CANARY, *MACHINES), timezone.now()
    claiming.start(made.plan.pk, tries=0, at=at)
    assert [row.status for row in board(made).rows] == ["pending"] * 3
    drain("execution")
    assert [row.status for row in board(made).rows] == ["watched", "pending", "pending"]
    drive(made, at + timedelta(minutes=11))
    assert [row.status for row in board(made).rows] == ["verified", "watched", "pending"]


def test_a_run_of_one_wave_shows_none(workers: LabProcess, client: Client) -> None:
    made = staged(CANARY, MACHINES[0])
    drain("execution")
    assert 'id="waves"' not in words(made, client)


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
