"""Law 7's guard."""

from __future__ import annotations

import pytest
from django.db import transaction

from portal.jobs.outside import ActingInsideTransaction, refuse_inside_transaction


@pytest.mark.django_db
def test_acting_is_refused_inside_a_transaction_and_nowhere_else() -> None:
    refuse_inside_transaction()
    with transaction.atomic(), pytest.raises(ActingInsideTransaction):
        refuse_inside_transaction()
    refuse_inside_transaction()


def test_the_guard_counts_the_outermost_transaction_of_real_code(committed_db: str) -> None:
    with transaction.atomic(), pytest.raises(ActingInsideTransaction):
        refuse_inside_transaction()
