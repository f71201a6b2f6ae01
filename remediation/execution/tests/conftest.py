"""The lab, and workers that may act on it without long waits."""

import pytest
from pytest_django import Settings

from remediation.connectors.testing import LabProcess


@pytest.fixture
def workers(lab: LabProcess, settings: Settings) -> LabProcess:
    """The lab, with auto-remediation switched on for it; a verify may settle for less than a second."""
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    settings.RUN_SETTLE_SECONDS = 0.7
    settings.RUN_REACH_SECONDS = 1.0
    return lab
