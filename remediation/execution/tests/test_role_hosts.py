"""The log-hygiene incident through all of the product, on four real hosts (`make test-hosts`).

From the notes of a night to a role that a person merged and workers ran.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from portal.dashboard.walkthrough import incidents
from portal.estate.models import Target
from portal.jobs.testing import drain, eventually
from portal.signoff.models import Plan
from portal.signoff.states import Stage
from remediation.connectors import client, seed
from remediation.connectors.testing import LabProcess
from remediation.desk.testing import V1, callers
from remediation.execution.models import Run, StepRun
from remediation.execution.tests import hosts as namespaces
from remediation.execution.tests import machines
from remediation.execution.tests.machines import Machine
from remediation.knowledge import library
from remediation.knowledge import services as knowledge
from remediation.playbooks import hosts, plays, prooftext
from remediation.playbooks.gate import Scope
from remediation.playbooks.models import Fence, Play, Proof
from remediation.playbooks.repository.testing import Bare, remote
from remediation.playbooks.shapes import Kind, Outcome
from remediation.policy.models import CategoryPolicy
from remediation.review import plans
from remediation.review import testing as review

ASKED = os.environ.get("TEST_HOSTS")
pytestmark = [
    pytest.mark.early,
    pytest.mark.skipif(not ASKED, reason="make test-hosts boots real hosts"),
    pytest.mark.skipif(bool(ASKED and machines.why_not()), reason="no hosts here: see make test-hosts"),
]
NAMES = incidents.ROLE_HOSTS
KEY = "INC-1"
STAGES = {"canary": "1", "wave_growth": 3, "side_by_side": 4, "watch_minutes": 0}
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE4L3xqRGkKD2XyvZrjLmIgMFJzd1gnCR0gVDa7hHUj7"
BOOTS = """
import sys, time
from pathlib import Path
from remediation.execution.tests import machines
with machines.machines(["forgotten"], Path(sys.argv[1]), lambda root: None):
    print("up", end="", flush=True)
    time.sleep(600)
"""
STALE, FRESH = 40 * 24 * 3600, 2 * 24 * 3600
STOPPED_AT = {
    "tasks/backout.yml:1": "is missing: the way back",
    "tasks/main.yml:4": "may not exist, and nothing before this task makes it",
    "tasks/main.yml:9": "The handler 'Restart journald' does not exist",
    "tasks/main.yml:14": "has no effect on the files that it includes",
    "tasks/main.yml:28": "What this task deletes was not moved aside before",
}
"""The well-known role, and what the static gate says of it."""
JAILED = {"role syntax", "role lint"}
ARCHIVES = {"app.log.1.gz": FRESH, "app.log.5.gz": STALE, "app.log.6.gz": 2 * STALE}


def full_of_logs(root: Path) -> None:
    """Archived logs, old and new, as the incident has them."""
    for name, age in ARCHIVES.items():
        archive = root / "var/log" / name
        archive.write_bytes(b"\x1f\x8b" + name.encode() * 100)
        os.utime(archive, (time.time() - age,) * 2)


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Machine]]:
    """Four hosts."""
    begun = time.monotonic()
    with machines.machines(NAMES, tmp_path_factory.mktemp("machines"), full_of_logs) as made:
        say(f"four hosts booted in {time.monotonic() - begun:.1f} s")
        yield made


@pytest.fixture(scope="module")
def host_file(booted: list[Machine], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """How they are reached, as execution workers are told."""
    path = tmp_path_factory.getbasetemp() / "hosts.yml"
    key = tmp_path_factory.getbasetemp() / "machines0/key"
    path.write_text("hosts:\n" + "".join(machine.as_yaml(key) for machine in booted))
    return path


@dataclass(frozen=True, slots=True)
class Desk:
    """The API, as people use it."""

    people: Mapping[str, APIClient]

    def ticket(self, part: str = "", *, who: str = "engineer") -> dict[str, Any]:
        """The ticket, or a part of it, as somebody is shown it."""
        answer = self.people[who].get(f"{V1}/tickets/{KEY}{part}")
        assert answer.status_code == 200, answer.content
        shown: dict[str, Any] = answer.json()
        return shown

    def post(self, who: str, part: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Somebody does something with it."""
        answer = self.people[who].post(f"{V1}/tickets/{KEY}{part}", body, format="json")
        assert answer.status_code < 300, answer.content
        said: dict[str, Any] = answer.json()
        return said

    def sign(self, who: str, stage: Stage) -> None:
        """Somebody reads the plan, and signs exactly that."""
        plan = self.ticket(who=who)["plan"]
        read = {"digest": plan["digest"], "sheet": plan["sheet"], "stage": stage, "confirm_ticket_id": KEY}
        self.post(who, "/approve-remediation", {"ticket_id": KEY, "approve": True, "comment": "", **read})


@pytest.fixture
def desk(
    committed_db: str, workers: LabProcess, host_file: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> Desk:
    """The product with its runbooks, its people, and these hosts in stages."""
    settings.ANTHROPIC_API_KEY = ""
    settings.AUTO_REMEDIATION_ENABLED = "true"
    settings.ANSIBLE_HOSTS = str(host_file)
    monkeypatch.setenv("ANSIBLE_HOSTS", str(host_file))
    review.world()
    seed.load(timezone.now())
    knowledge.load(timezone.now())
    CategoryPolicy.objects.filter(category__slug="server").update(**STAGES)
    Target.objects.filter(identity__startswith="hosts:").update(is_lab=False)
    return Desk(callers(review.people()))


@pytest.fixture
def home(tmp_path: Path, settings: Settings) -> Bare:
    """The role repository."""
    bare = Bare(tmp_path / "roles.git")
    settings.ROLE_REPOSITORY = remote(str(bare.path))
    return bare


def say(text: str) -> None:
    """A measured time, for whoever reads the output."""
    sys.__stdout__ and sys.__stdout__.write(f"\n{text}")


def test_the_incident_becomes_a_role_that_a_person_merges_and_that_runs_on_four_hosts(
    booted: list[Machine], desk: Desk, home: Bare
) -> None:
    good = drafted(desk)
    broken = stopped(desk, good)
    restored(desk, good, base=broken)
    desk.sign("second approver", Stage.MERGE)

    begun = time.monotonic()
    drain("execution")
    say(f"proof on one host over ssh: {time.monotonic() - begun:.1f} s")
    proven(booted[0])
    drain("probe", "general")
    request = desk.ticket("/pull-request")
    assert request["status"] == "open"
    home.merge(request["branch"])
    desk.post("reviewer", "/pull-request/look", {})
    drain("general")
    assert desk.ticket("/pull-request")["status"] == "merged"

    desk.sign("approver", Stage.ROLLOUT)
    begun = time.monotonic()
    drain("execution")
    say(f"four hosts in stages: {time.monotonic() - begun:.1f} s")
    ran(desk)
    for machine in booted:
        assert_clean(machine)
    taken_back(booted[3])


def drafted(desk: Desk) -> dict[str, Any]:
    """The notes of the night become a role for all four hosts."""
    sent = incidents.log_hygiene(KEY, timezone.now())
    assert desk.people["engineer"].post(f"{V1}/tickets", sent, format="json").status_code == 201
    assert drain("drafting")[0] == "drafting.draft: Drafted by Runbook drafter: 4 steps."
    drain("probe")
    revision: dict[str, Any] = desk.ticket()["revision"]
    return revision


def stopped(desk: Desk, good: Mapping[str, Any]) -> str:
    """The well-known role comes no further than the static gate, in the right words; the digest of its revision."""
    files = [{"path": path, "text": text} for path, text in sorted(incidents.broken_role().items())]
    draft = good["draft"] | {"role": good["draft"]["role"] | {"files": files}}
    said = desk.post("reviewer", "/revisions", {"base_digest": good["digest"], "draft": draft})
    drain("probe")
    ticket = desk.ticket()
    gates = {gate["gate"]: gate for gate in ticket["gates"]}
    assert ticket["plan"] is None
    assert not gates.keys() & JAILED
    words = {finding["place"].removeprefix("role/"): finding["text"] for finding in reversed(gates["role"]["findings"])}
    assert {place: part for place, part in STOPPED_AT.items() if part not in words[place]} == {}
    return str(said["digest"])


def restored(desk: Desk, good: Mapping[str, Any], *, base: str) -> None:
    """The drafted role again: through its gates, the evidence looked at once more, every REVIEW item confirmed."""
    desk.post("reviewer", "/revisions", {"base_digest": base, "draft": good["draft"]})
    cited = good["draft"]["facts"][0]["evidence"][0]
    seen = {"kind": "command", "command": "df -h /var/log", "text": "/var/log 91% on log-ship-1", "refreshes": cited}
    desk.post("engineer", "/evidence", {"evidence": [seen | {"observed_at": timezone.now().isoformat()}]})
    drain("probe")
    ticket = desk.ticket(who="reviewer")
    assert {gate["gate"] for gate in ticket["gates"] if gate["has_passed"]} >= JAILED | {"role"}
    for item in ticket["checklist"]:
        desk.post("reviewer", "/ticks", {"item": item["item"]})


def proven(canary: Machine) -> None:
    """The proof holds, says what it is about, and left the canary as it was."""
    proof = Proof.objects.get()
    assert (proof.status, proof.says) == ("held", f"Proven on {canary.name}.")
    read = prooftext.read(proof.text)
    assert read.facts
    assert (read.facts.distribution, read.facts.service_manager) == ("Debian", "systemd")
    assert f"ssh deploy@{canary.address}:22, becoming root" in proof.text
    assert "PRIVATE" not in proof.text
    assert_as_before(canary)


def ran(desk: Desk) -> None:
    """One host first, then the other three; a second run changed nothing on any; that resolved the ticket."""
    content = plans.read(Plan.objects.get(stage=Stage.ROLLOUT).content)
    assert content.stages
    assert [wave.targets for wave in content.stages.waves] == [
        (f"hosts:{NAMES[0]}",),
        tuple(f"hosts:{name}" for name in NAMES[1:]),
    ]
    assert Run.objects.get().status == "succeeded"
    assert set(StepRun.objects.values_list("status", flat=True)) == {"verified"}
    assert sorted(Play.objects.values_list("host", "says")) == [
        (name, "Applied; a second run changed nothing.") for name in NAMES
    ]
    assert desk.ticket()["status"] == "resolved"


def taken_back(machine: Machine) -> None:
    """The way back on one of them, as a run asks for it."""
    asked = {"host": machine.name, "role": Proof.objects.get().role}
    fence = Fence.objects.get(host=machine.name).fence + 1
    done = client.write("lab-hosts", "back_out_role", asked, idempotency_key="back-out", fence=fence)
    assert (done.ok, done.error) == (True, "")
    seen = client.read("lab-hosts", "role_state", asked)
    assert seen.data == {"is_as_before": True, "says": ""}
    assert_as_before(machine)


def assert_clean(machine: Machine) -> None:
    """Both limits are set where they take effect, and what was stale is in the quarantine."""
    etc, log = machine.root / "etc", machine.root / "var/log"
    assert (etc / "logrotate.conf").read_text().startswith("maxage 14\n")
    assert "SystemMaxUse=500M" in (etc / "systemd/journald.conf.d/log-hygiene.conf").read_text()
    assert sorted(path.name for path in log.glob("*.gz")) == ["app.log.1.gz"]
    assert sorted(path.name for path in (log / "quarantine").iterdir()) == ["app.log.5.gz", "app.log.6.gz"]


def assert_as_before(machine: Machine) -> None:
    """Nothing is left of the role."""
    etc, log = machine.root / "etc", machine.root / "var/log"
    assert "maxage" not in (etc / "logrotate.conf").read_text()
    assert not (etc / "systemd/journald.conf.d/log-hygiene.conf").exists()
    assert {path.name for path in log.glob("*.gz")} == set(ARCHIVES)
    assert not (log / "quarantine").exists()


def test_a_test_that_is_killed_leaves_no_host(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", BOOTS, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.read(2) == b"up"
        process.kill()
    group = f"/cs{process.pid}-1"
    eventually(lambda: not any(group in _text_of(path) for path in Path("/proc").glob("[0-9]*/cgroup")))
    namespaces.tidy_up()
    assert [link.name for link in Path("/sys/class/net").iterdir() if link.name.startswith(f"cs{process.pid}")] == []


def _text_of(path: Path) -> str:
    """What stands there, nothing where its process is gone."""
    try:
        return path.read_text()
    except OSError:
        return ""


def test_a_host_with_another_key_is_not_spoken_to(host_file: Path) -> None:
    host = hosts.load(host_file, NAMES[1])
    assert isinstance(host.reach, hosts.Ssh)
    forged = replace(host.reach, known_hosts=f"{host.reach.address} {OTHER_KEY}\n")
    procedure = library.shipped()["log-shipper-disk-full"].procedure
    assert procedure.front.role
    played = plays.play(
        [Kind.CHECK],
        name=procedure.front.role.name,
        files=procedure.role_files,
        host=replace(host, reach=forged),
        scope=Scope((), (), ()),
    )
    assert played.error.startswith(plays.UNREACHED)
    assert [task.outcome for task in played.tasks] == [Outcome.UNREACHABLE]
    assert "Host key verification failed" in played.tasks[0].message
