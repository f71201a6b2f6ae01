"""Chaos: its pure parts, and a small one against real hosts, a real lab and a real database."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from portal.dashboard import seeds
from portal.dashboard.chaos.blows import APART, FIRST, Blow, Kind, blows
from portal.dashboard.chaos.hosts import Hosts
from portal.dashboard.chaos.reckoning import Reckoning, Step, reckon
from portal.dashboard.chaos.running import Chaos
from portal.dashboard.chaos.striking import Striker
from portal.dashboard.chaos.supply import Cast, Supply, furnish
from portal.dashboard.chaos.watching import Stillness, Turn, Watch, felt, recoveries
from portal.jobs.testing import drain
from portal.launch import roles
from portal.launch.postgres import Server
from remediation.connectors import seed
from remediation.connectors.testing import TOKENS, LabProcess
from remediation.review import testing as review

pytestmark = pytest.mark.early
CROWD = 40
SHORT = (Kind.WORKER, Kind.CLUSTER, Kind.SUPERVISOR, Kind.CONNECTIONS, Kind.LAB)
"""What is over soon; the database falls as well, at a time of its own."""


def asked(key: str, fence: int = 5, snapshot: str = "s1") -> dict[str, Any]:
    return {"idempotency_key": key, "fence": fence, "target": "vm", "tool": "snap", "arguments": {"name": snapshot}}


def done(key: str, state: str = "done") -> dict[str, Any]:
    return {"idempotency_key": key, "carried_out": state}


def step(status: str = "verified", *, key: str = "k1", intent: bool = True, signed: bool = True) -> Step:
    return Step(key, status, may_have_changed=intent, is_signed=signed)


@pytest.mark.parametrize(
    ("lines", "steps", "found"),
    [
        ([asked("k1"), done("k1")], [step()], {}),
        ([asked("k1"), asked("k1", 6), done("k1")], [step()], {}),
        ([asked("k1"), done("k1"), asked("k1", 6)], [step()], {"duplicates": ["k1"]}),
        ([asked("k1", 6), done("k1"), asked("k1", 5)], [step()], {"late": ["k1"]}),
        ([asked("k1"), done("k1"), asked("k2"), done("k2")], [step(), step(key="k2")], {"duplicates": ["k2"]}),
        ([], [step()], {"lost": ["k1"]}),
        ([asked("k1"), done("k1", "failed")], [step()], {"lost": ["k1"]}),
        ([asked("k1"), done("k1", "failed")], [step("failed")], {}),
        ([asked("k1"), done("k1")], [step("pending", intent=False)], {"lost": ["k1"]}),
        ([asked("k1"), done("k1")], [step("failed", intent=False)], {"lost": ["k1"]}),
        ([asked("k1"), done("k1")], [step("unknown")], {}),
        ([asked("k1"), done("k1"), asked("k1-back", snapshot="b"), done("k1-back")], [step("rolled_back")], {}),
        ([asked("k1"), done("k1"), asked("k1-back", snapshot="b"), done("k1-back")], [step()], {"lost": ["k1-back"]}),
        ([asked("k1"), done("k1")], [], {"unsigned": ["k1"]}),
        ([asked("k1"), done("k1")], [step(signed=False)], {"unsigned": ["k1"]}),
    ],
)
def test_the_ledger_is_held_against_the_record(
    lines: list[dict[str, Any]], steps: list[Step], found: dict[str, list[str]]
) -> None:
    counted = {
        "received": sum("carried_out" not in line for line in lines),
        "carried_out": sum(line.get("carried_out") == "done" for line in lines),
    }
    assert reckon(lines, steps) == Reckoning(**counted, **found)  # type: ignore[arg-type]


def test_a_seed_lets_the_same_blows_fall_and_each_kind_early_and_not_too_often() -> None:
    first, again = (list(islice(blows(7), 200)) for _ in range(2))
    assert first == again
    assert first != list(islice(blows(8), 200))
    assert {blow.kind for blow in first[: len(Kind)]} == set(Kind)
    for kind, apart in APART.items():
        assert all(b - a >= apart for a, b in pairwise(blow.at for blow in first if blow.kind is kind))


def blow(at: float, kind: Kind = Kind.WORKER) -> Blow:
    return Blow(at, kind, choice=0.5)


def still(until: float, *turns: tuple[float, float]) -> Stillness:
    """A run that came no further from 10 on."""
    return Stillness(10.0, until, tuple(Turn(*turn) for turn in turns))


@pytest.mark.parametrize(
    ("stillness", "fallen", "from_when"),
    [
        (still(14, (10, 11), (13, 14)), [blow(10.5)], 10.5),
        (still(14, (10, 11), (13, 14)), [blow(9.5), blow(14.5)], None),
        (still(14, (10, 14)), [blow(12)], None),  # its worker came through
        (still(14, (10, 11), (13, 14)), [blow(12)], None),  # nobody had it
        (still(20, (10, 13), (14, 16), (19, 20)), [blow(10.5), blow(12)], 10.5),
        (still(20, (10, 13), (14, 16), (19, 20)), [blow(10.5), blow(15)], 15),  # hit again
        (still(20, (10, 13), (14, 20)), [blow(10.5), blow(15)], 10.5),  # by chance at the same time
        (still(12, (10, 12)), [blow(10.5, Kind.LAB)], 10.5),
        (still(20, (10, 13), (14, 20)), [blow(10.5), blow(13.5, Kind.POSTGRES)], 13.5),
        (still(16, (10, 16)), [blow(12), blow(15)], 12),  # too long to be by chance
        (still(10.9, (10, 10.5), (10.6, 10.9)), [blow(10.2)], None),  # nobody noticed
    ],
)
def test_a_run_recovers_from_the_last_blow_that_took_it_from_a_worker_or_stopped_everybody(
    stillness: Stillness, fallen: list[Blow], from_when: float | None
) -> None:
    hit = felt(stillness, fallen)
    assert (hit.at if hit else None) == from_when


def test_a_blow_is_recovered_from_when_the_last_of_the_runs_that_it_hit_goes_on() -> None:
    first, second = blow(10.5), blow(30.0)
    stood_still = [still(14, (10, 11), (13, 14)), still(19, (10, 11), (18, 19)), still(13, (10, 13))]
    assert recoveries(stood_still, [first, second]) == {first: 8.5}


class Prepared(Supply):
    """Does the work of the probe cluster as well."""

    def turn(self, at: datetime) -> None:
        super().turn(at)
        drain("probe")


@pytest.fixture
def crowd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[LabProcess]:
    """A lab with machines that nobody depends on."""
    monkeypatch.setenv("LAB_CROWD", str(CROWD))
    for name, token in TOKENS.items():
        monkeypatch.setenv(name, token)
    folder = tmp_path / "lab"
    folder.mkdir()
    lab = LabProcess(folder)
    lab.start()
    settings.LAB_URL = lab.url
    yield lab
    lab.kill()


@pytest.fixture
def hosts(own_server: Server, crowd: LabProcess, tmp_path: Path) -> Iterator[Hosts]:
    """Three hosts of one impatient worker each."""
    environment = {
        "PATH": os.environ["PATH"],
        "AUTO_REMEDIATION_ENABLED": "lab",
        "AUTO_REMEDIATION_MAX_ACTIONS_PER_HOUR": "1000",
        "COUNTERSIGN_PROCESS": "execution",
        "DATABASE_URL": own_server.url(roles.role_of("execution"), database=roles.DATABASE),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "JOBS_LEASE_SECONDS": "2",
        "JOBS_SILENCE_SECONDS": "5",
        **{name: TOKENS[name] for name in ("LAB_READ_TOKEN", "LAB_WRITE_TOKEN")},
    }
    hosts = Hosts(tmp_path, environment, processes=1)
    hosts.start()
    yield hosts
    hosts.stop()
    connections.close_all()


def test_runs_survive_a_small_chaos(hosts: Hosts, own_server: Server, crowd: LabProcess, settings: Settings) -> None:
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    settings.AUTO_REMEDIATION_MAX_ACTIONS_PER_HOUR = 1000
    seeds.load(timezone.now())
    seed.load(timezone.now())
    people = review.people()
    supply = Prepared(
        Cast(*(people[each] for each in ("engineer", "approver", "second approver", "operator", "policy admin"))),
        count=8,
        at_once=8,
        machines=CROWD,
    )
    furnish(CROWD)

    def restart_lab() -> None:
        crowd.kill()
        crowd.start()

    def restart_postgres() -> None:
        own_server.kill()
        own_server.start()

    striker = Striker(hosts, lab=restart_lab, postgres=restart_postgres)
    chosen = secrets.randbelow(1_000_000)
    fall = chain([Blow(FIRST - 0.5, Kind.POSTGRES, choice=0.0)], blows(chosen, SHORT))
    chaos = Chaos(supply, hosts, striker, fall, Watch())
    chaos.run()
    figures = chaos.figures(crowd.lines())
    assert [figure for figure in figures if figure.is_met is False] == [], f"seed {chosen}"
    values = {figure.name: figure.value for figure in figures}
    assert values["  carried out"] >= 8 * 5
    assert values["blows: PostgreSQL"] == 1
    assert values["blows in all"] > 1


def test_outside_an_installation_there_is_no_chaos() -> None:
    with pytest.raises(CommandError, match="make chaos"):
        call_command("chaos")
