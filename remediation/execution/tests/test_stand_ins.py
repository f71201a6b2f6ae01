"""Stand-ins: whatever the catalogue can take back can be done and undone in the lab, as it is on its first day."""

from __future__ import annotations

import pytest

from remediation.connectors import catalogue, client, seed
from remediation.connectors.operations import Call, Irreversible, WayBack
from remediation.connectors.standins import STAND_INS
from remediation.connectors.testing import LabProcess
from remediation.execution.looking import look

pytestmark = pytest.mark.django_db
LONG_ENOUGH = 5.0


def written(connector: str, call: Call, key: str) -> None:
    outcome = client.write(connector, call.tool, call.arguments, idempotency_key=key, fence=1)
    assert outcome.ok, outcome.error


@pytest.mark.parametrize("name", sorted(STAND_INS))
def test_every_stand_in_can_be_done_and_undone(lab_connectors: LabProcess, name: str) -> None:
    operation = catalogue.get(name)
    connector = seed.slug_of(operation.family)
    for number, values in enumerate(STAND_INS[name]):
        parameters = catalogue.validated(name, values)
        way_back = operation.way_back(parameters)
        assert isinstance(way_back, WayBack)
        lab_connectors.reset()
        assert look(connector, operation.preflight(parameters)).misses == ""
        written(connector, operation.action(parameters), f"{name}-{number}")
        assert look(connector, operation.verify(parameters), settles_in=LONG_ENOUGH).misses == ""
        written(connector, way_back.call, f"{name}-{number}-back")
        assert look(connector, way_back.verify, settles_in=LONG_ENOUGH).misses == ""


def test_what_has_no_stand_in_has_no_way_back_either() -> None:
    without = set(catalogue.OPERATIONS) - set(STAND_INS) - {"apply_role"}  # that one is proven on its canary
    assert without == {"clear_interface_errors", "expand_volume"}
    interface = catalogue.validated("clear_interface_errors", {"switch": "lab-sw1", "interface": "Ethernet1/12"})
    assert isinstance(catalogue.get("clear_interface_errors").way_back(interface), Irreversible)
