"""The world, its people and their API clients."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from portal.access.models import Person
from remediation.desk.testing import callers


@pytest.fixture
def api(cast: dict[str, Person]) -> dict[str, APIClient]:
    return callers(cast)
