"""The waves on the page of a run: where each stands, until when is watched, every reading."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from portal.jobs.testing import drain
from remediation.connectors.testing import LabProcess
from remediation.execution import claiming, showing
from remediation.execution import services as runs
from remediation.execution.testing import Signed
from remediation.execution.tests.staging import CANARY, MACHINES, TARGETS, drive, staged
from remediation.execution.wave_board import WaveBoard

pytestmark = pytest.mark.django_db


def words(made: Signed, client: Client, path: str = "run") -> str:
    client.force_login(made.operator)
    return html.unescape(client.get(f"/tickets/{made.ticket.key}/{path}").content.decode())


def test_the_page_shows_the_waves_what_is_watched_and_every_reading(workers: LabProcess, client: Client) -> None:
    made, at = staged(CANARY, *MACHINES), timezone.now()
    page = words(made, client)
    assert "Waits for a worker" in page
    assert "every signal below has to hold for 10 minutes" in page
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


def test_by_hand_the_waves_are_shown_and_nobody_watches(workers: LabProcess, client: Client) -> None:
    made, at = staged(CANARY, *MACHINES[:2]), timezone.now()
    run = runs.start_by_hand(made.remediation.pk, digest=made.plan.digest, person=made.operator, door="page", at=at)
    client.force_login(made.operator)
    page = client.get(f"/tickets/{made.ticket.key}/run").content.decode()
    assert "1, the canary" in page
    assert "By hand nobody watches for you" in page
    for number in (1, 2):
        for phase in ("preflight", "action", "verify"):
            told = runs.Report(number, phase, "yes", "as it should be")
            runs.report(run.pk, fence=run.fence, told=told, person=made.operator, door="page", at=at)
    assert (made.run.status, made.run.readings.count()) == ("succeeded", 0)
