"""Three worker hosts share one database: one is cut off in the middle of a write, another one's clock is wrong."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connections
from pytest_django import Settings

from portal.estate.models import TargetLock
from portal.jobs.testing import eventually
from portal.launch import roles, testing
from remediation.connectors import identities
from remediation.connectors.testing import TOKENS, LabProcess
from remediation.execution.models import Run
from remediation.execution.states import RunStatus
from remediation.execution.testing import PRIMARY, SECONDARY, draft, operation, scaling, signed
from remediation.execution.tests import hosts
from remediation.execution.tests.hosts import Network

pytestmark = pytest.mark.early
PORT = {"switch": "lab-sw1", "interface": "Ethernet1/20"}
PATIENCE = 60.0


@pytest.fixture
def network(committed_db: str, test_server: testing.TestServer) -> Iterator[Network]:
    """Three hosts, with no worker on them yet."""
    parts = urlsplit(test_server.url(committed_db))
    folder = parse_qs(parts.query)["host"][0]
    with hosts.network(["one", "two", "three"], lambda: _connected(f"{folder}/.s.PGSQL.5432")) as made:
        yield made
        connections.close_all()


def test_a_host_that_was_cut_off_in_the_middle_of_a_write_repeats_nothing(
    network: Network, workers: LabProcess, settings: Settings, committed_db: str
) -> None:
    to_the_lab = network.wire(lambda: socket.create_connection(("127.0.0.1", urlsplit(workers.url).port or 0)))
    settings.LAB_URL = f"http://127.0.0.1:{to_the_lab.port}"
    url = f"postgres://{roles.role_of('execution')}@{network.address}:{{port}}/{committed_db}"
    one, two, three = network.hosts

    first = signed(_scaled(SECONDARY, 2, 4))
    to_the_lab.hold(b'"scale_deployment"')
    one.start(database=url, lab=to_the_lab, environment=_environment())
    assert to_the_lab.holds.wait(PATIENCE), "the first host never wrote"
    one.cut_off()
    two.start(database=url, lab=to_the_lab, environment=_environment())
    three.start(database=url, lab=to_the_lab, environment=_environment(CLOCK_SKEW_SECONDS="30"))
    eventually(lambda: _succeeded() == 1)
    assert len(workers.ledger()) == 1

    one.bring_back()
    to_the_lab.release()
    signed(_scaled(PRIMARY, 3, 4), key="INC-2", cast=first.cast)
    port = draft(operation("enable_port", "Enable the port", PORT), systems=(identities.interface(*PORT.values()),))
    signed(port, key="INC-3", cast=first.cast, category_slug="network")
    eventually(lambda: _succeeded() == 3)

    asked = Counter(each["idempotency_key"] for each in workers.ledger())
    assert len(asked) == 3
    assert asked.total() <= 4, "only the request that was kept back may have arrived as well"
    replicas = {each["name"]: each["replicas"] for each in workers.estate()["deployments"]}
    assert (replicas["payments-secondary"], replicas["payments-primary"]) == (4, 4)
    assert first.steps() == ["verified"]
    assert not TargetLock.objects.filter(released_at=None).exists()


def _scaled(deployment: dict[str, str], before: int, after: int) -> dict[str, object]:
    return draft(scaling(deployment, before, after), systems=(identities.deployment(*deployment.values()),))


def _environment(**more: str) -> dict[str, str]:
    """What the launcher gives the execution workers, with less patience."""
    return {
        "PATH": os.environ["PATH"],
        "COUNTERSIGN_PROCESS": "execution",
        "DJANGO_SETTINGS_MODULE": "remediation.execution.tests.skewed",
        "AUTO_REMEDIATION_ENABLED": "lab",
        "JOBS_LEASE_SECONDS": "2",
        "LAB_READ_TOKEN": TOKENS["LAB_READ_TOKEN"],
        "LAB_WRITE_TOKEN": TOKENS["LAB_WRITE_TOKEN"],
        **more,
    }


def _connected(path: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.connect(path)
    return made


def _succeeded() -> int:
    return Run.objects.filter(status=RunStatus.SUCCEEDED).count()
