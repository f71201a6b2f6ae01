"""The log-hygiene role on real hosts: proven on one over ssh, then applied to four in stages (`make test-hosts`)."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from django.utils import timezone

from remediation.drafting import roles
from remediation.execution.tests import machines
from remediation.execution.tests.machines import Machine
from remediation.knowledge import library
from remediation.playbooks import hosts, plays, prooftext, proving
from remediation.playbooks.gate import Scope
from remediation.playbooks.shapes import Kind, Outcome, Played

ASKED = os.environ.get("TEST_HOSTS")
pytestmark = [
    pytest.mark.early,
    pytest.mark.skipif(not ASKED, reason="make test-hosts boots real hosts"),
    pytest.mark.skipif(bool(ASKED and machines.why_not()), reason="no hosts here: see make test-hosts"),
]
NAMES = ("web-1", "web-2", "web-3", "web-4")
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE4L3xqRGkKD2XyvZrjLmIgMFJzd1gnCR0gVDa7hHUj7"
STALE, FRESH = 40 * 24 * 3600, 2 * 24 * 3600


def full_of_logs(root: Path) -> None:
    """Archived logs, old and new, as the incident has them."""
    for name, age in {"app.log.1.gz": FRESH, "app.log.5.gz": STALE, "app.log.6.gz": 2 * STALE}.items():
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
def reached(booted: list[Machine], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, hosts.Host]:
    """The file of hosts, as execution workers are given it."""
    path = tmp_path_factory.getbasetemp() / "hosts.yml"
    key = booted[0].root.parents[1] / "key"
    path.write_text("hosts:\n" + "".join(machine.as_yaml(key) for machine in booted))
    return hosts.load(path)


class Role:
    """The role that the runbook brings."""

    procedure = library.shipped()["log-shipper-disk-full"].procedure
    use = procedure.front.role
    assert use
    name, files = use.name, procedure.role_files
    scope = Scope(tuple(use.paths), tuple(use.services), tuple(use.packages))


def say(text: str) -> None:
    """A measured time, for whoever reads the output."""
    sys.__stdout__ and sys.__stdout__.write(f"\n{text}")


def play(host: hosts.Host, *kinds: Kind) -> Played:
    """Play the role on a host."""
    return plays.play(kinds, name=Role.name, files=Role.files, host=host, scope=Role.scope)


def test_the_role_is_proven_on_one_host_and_applied_to_four_in_stages(
    booted: list[Machine], reached: Mapping[str, hosts.Host]
) -> None:
    begun = time.monotonic()
    proof = proving.prove(
        Role.name,
        Role.files,
        role=roles.digest_of(Role.name, Role.files),
        scope=Role.scope,
        host=reached["web-1"],
        now=timezone.now,
    )
    say(f"proof on one host over ssh: {time.monotonic() - begun:.1f} s")
    assert (proof.holds, proof.reasons, proof.remains) == (True, (), ())
    assert proof.facts
    assert (proof.facts.distribution, proof.facts.service_manager) == ("Debian", "systemd")
    assert "PRIVATE" not in prooftext.text_of(proof)
    assert (booted[0].root / "var/log/app.log.5.gz").exists()

    begun = time.monotonic()
    staged = [applied(reached["web-1"], proof)]
    with ThreadPoolExecutor(3) as wave:
        staged += wave.map(lambda name: applied(reached[name], proof), NAMES[1:])
    say(f"four hosts in stages: {time.monotonic() - begun:.1f} s")
    assert staged == [""] * 4
    for machine in booted:
        log = machine.root / "var/log"
        assert sorted(path.name for path in log.glob("app.log.*.gz")) == ["app.log.1.gz"]
        assert sorted(path.name for path in (log / "quarantine").iterdir()) == ["app.log.5.gz", "app.log.6.gz"]


def applied(host: hosts.Host, proof: prooftext.Proof) -> str:
    """Apply the role to a host that is like the canary; why that did not go well, or nothing."""
    done = play(host, Kind.LOOK, Kind.APPLY)
    again = play(host, Kind.CHECK, Kind.VERIFY)
    unlike = proving.unlike(done.facts, proof)
    return done.error or again.error or " ".join(unlike) or " ".join(task.place for task in again.changed)


def test_a_host_with_another_key_is_not_spoken_to(reached: Mapping[str, hosts.Host]) -> None:
    host = reached["web-2"]
    assert isinstance(host.reach, hosts.Ssh)
    forged = replace(host.reach, known_hosts=f"{host.reach.address} {OTHER_KEY}\n")
    played = play(replace(host, reach=forged), Kind.CHECK)
    assert played.error.startswith(plays.UNREACHED)
    assert [task.outcome for task in played.tasks] == [Outcome.UNREACHABLE]
