"""A run in waves by API: where each wave stands, until when is watched, and the newest reading of every signal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.access.testing import caller
from portal.jobs.testing import drain
from remediation.connectors import prometheus
from remediation.connectors.testing import LabProcess
from remediation.desk.testing import V1
from remediation.execution.tests.staging import MACHINES, TARGETS, drive, query, staged

pytestmark = pytest.mark.django_db

RUN = f"{V1}/tickets/INC-1/run"


@pytest.fixture
def here(lab: LabProcess, settings: Settings) -> LabProcess:
    """Workers may act on the lab."""
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    return lab


def test_a_run_says_where_its_waves_stand_and_what_is_watched(here: LabProcess) -> None:
    made, at = staged(), timezone.now()
    drain("execution")
    stages = caller(made.operator).get(RUN).json()["stages"]
    assert [(each["wave"], each["status"], each["targets"], each["steps"]) for each in stages["waves"]] == [
        (1, "watched", [TARGETS[0]], [1]),
        (2, "pending", list(TARGETS[1:3]), [2, 3]),
    ]
    assert stages["watch_until"] > at.isoformat()
    (signal,) = stages["signals"]
    assert (signal["signal"], signal["is_well"]) == ("payments: Room", "at least 20")
    assert (signal["value"], signal["holds"], signal["says"]) == (40.0, True, "")
    drive(made, at + timedelta(minutes=11))
    stages = caller(made.operator).get(RUN).json()["stages"]
    assert (stages["watch_until"], {each["status"] for each in stages["waves"]}) == (None, {"verified"})


def test_what_nobody_could_read_has_no_value(here: LabProcess) -> None:
    made = staged(signal=query("up"))
    drain("execution")
    (signal,) = caller(made.operator).get(RUN).json()["stages"]["signals"]
    assert (signal["value"], signal["holds"]) == (None, False)
    assert signal["says"] == prometheus.ask("up").error


def test_a_run_of_one_wave_has_no_stages(here: LabProcess) -> None:
    made = staged({"canary": "1"}, MACHINES[0])
    drain("execution")
    assert caller(made.operator).get(RUN).json()["stages"] is None
