"""The lab's own promises: the same first day every time, controls behind a token of their own, files that survive."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from remediation.connectors.lab import first_day
from remediation.connectors.lab.estate import DAY
from remediation.connectors.lab.faults import Fault, Faults, Kind
from remediation.connectors.lab.ledger import Ledger
from remediation.connectors.lab.site import Lab
from remediation.connectors.lab.storage import Arrays
from remediation.connectors.servers.common import CannotBeDone, WriteRequest
from remediation.connectors.testing import TOKENS, LabProcess

REQUEST = WriteRequest("a-key-of-ours", 1, "vmware:lab-vc1/vm/app-07", "restart_vm", {"vm": "app-07"})


def asked(lab: LabProcess, method: str, path: str, token: str, body: object = None) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection(urlsplit(lab.url).netloc, timeout=10)
    connection.request(method, path, json.dumps(body), {"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


def test_the_first_day_is_the_same_every_time() -> None:
    assert first_day.estate(1_000_000).model_dump() == first_day.estate(1_000_000).model_dump()
    assert [pod.name for pod in first_day.estate(0).deployments[1].pods] == [
        "payments-secondary-a8e13a6e4-cs5pg",
        "payments-secondary-a8e13a6e4-7nf5z",
    ]


def test_everybody_may_ask_for_its_health(lab: LabProcess) -> None:
    assert asked(lab, "GET", "/health", "") == (200, {"source": "lab", "title": "The lab", "healthy": True})


@pytest.mark.parametrize("token", ["", TOKENS["LAB_READ_TOKEN"], TOKENS["LAB_WRITE_TOKEN"]])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/lab/ledger"), ("POST", "/lab/reset"), ("POST", "/lab/faults"), ("PATCH", "/lab/state")],
)
def test_the_controls_take_their_own_token_only(token: str, method: str, path: str, lab: LabProcess) -> None:
    assert asked(lab, method, path, token, {})[0] == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/lab/faults", {"tool": "restart_vm", "kind": "explodes"}),
        ("POST", "/lab/faults", {"tool": "restart_vm", "kind": "lies", "tmies": 1}),
        ("POST", "/lab/faults", None),
        ("PATCH", "/lab/state", {"target": "vmware:lab-vc1/vm/nobody", "field": "cpus", "value": 1}),
        ("PATCH", "/lab/state", {"target": "vmware:lab-vc1/vm/app-07", "field": "speed", "value": 1}),
        ("PATCH", "/lab/state", {"target": "vmware:lab-vc1/vm/app-07", "field": "cpus", "value": "many"}),
    ],
)
def test_controls_refuse_what_they_do_not_understand(method: str, path: str, body: object, lab: LabProcess) -> None:
    assert asked(lab, method, path, TOKENS["LAB_ADMIN_TOKEN"], body)[0] == 422


def test_a_reset_forgets_requests_faults_and_changes(lab: LabProcess) -> None:
    before = lab.estate()["vms"][0]["memory_mb"]
    lab.change("vmware:lab-vc1/vm/app-07", "memory_mb", 999)
    lab.fault("restart_vm", "lies")
    lab.reset()
    faults = asked(lab, "GET", "/lab/faults", TOKENS["LAB_ADMIN_TOKEN"])[1]["faults"]
    assert (lab.estate()["vms"][0]["memory_mb"], faults, lab.ledger()) == (before, [], [])


def test_a_ledger_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.note(REQUEST, 1.0)
    ledger.note(REQUEST, 2.0)
    text = (tmp_path / "ledger.jsonl").read_text()
    (tmp_path / "ledger.jsonl").write_text(text[:-9])
    assert [entry["at"] for entry in ledger.entries()] == [1.0]


def test_a_file_of_another_version_begins_the_lab_anew(tmp_path: Path) -> None:
    (tmp_path / "lab.json").write_text('{"estate": {"castles": 3}}')
    lab = Lab(tmp_path)
    lab.open()
    assert len(lab.estate.hosts) == 4
    again = Lab(tmp_path)
    again.open()
    assert again.estate == lab.estate


def test_a_fault_strikes_as_often_as_it_was_told() -> None:
    faults = Faults()
    faults.add(Fault(tool="restart_vm", kind=Kind.LIES, times=2))
    faults.add(Fault(tool="restart_vm", kind=Kind.FAILS))
    struck = [bool(faults.strike("restart_vm", Kind.LIES)) for _ in range(3)]
    assert struck == [True, True, False]
    assert [bool(faults.strike("restart_vm", Kind.FAILS)) for _ in range(3)] == [True, True, True]
    assert not faults.strike("restart_pod", Kind.FAILS)


def test_nightly_backups_stay_young_and_quarantine_ends_after_a_week(tmp_path: Path) -> None:
    now = [0.0]
    lab = Lab(tmp_path, clock=lambda: 1_000_000 + now[0])
    arrays = Arrays(lab)
    arrays.quarantine("lab-san1", "pg-archive", 60)
    now[0] = 6 * DAY
    assert lab.latest_backup("storage:lab-san1/volume/pg-archive").age_minutes == 180
    arrays.restore("lab-san1", "pg-archive")
    arrays.quarantine("lab-san1", "pg-archive", 60)
    now[0] = 14 * DAY
    with pytest.raises(CannotBeDone, match="has ended after 7 days"):
        arrays.restore("lab-san1", "pg-archive")
