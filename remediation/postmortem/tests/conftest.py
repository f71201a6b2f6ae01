"""A ticket whose run has ended in the lab."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from portal.access.models import Person
from portal.jobs.testing import drain
from remediation.connectors.testing import LabProcess
from remediation.execution.testing import SECONDARY, Signed, draft, scaling, signed
from remediation.review import testing as review


@pytest.fixture
def ran(cast: dict[str, Person], lab_connectors: LabProcess, settings: Settings) -> Signed:
    """A ticket whose run has ended, and whatever followed from that."""
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    made = signed(draft(scaling(SECONDARY, 2, 6), systems=(review.SECONDARY,)), cast=cast)
    drain()
    return made
