"""A record that was earned once, for all tests of a module."""

from __future__ import annotations

from copy import deepcopy

import pytest
from pytest_django import DjangoDbBlocker

from remediation.autonomy import testing
from remediation.autonomy.testing import Earned


@pytest.fixture(scope="module")
def record(shared_rows: DjangoDbBlocker) -> Earned:
    with shared_rows.unblock():
        return testing.earn(testing.world())


@pytest.fixture
def earned(record: Earned, db: None) -> Earned:
    """The record, as nobody has touched it yet."""
    return deepcopy(record)
