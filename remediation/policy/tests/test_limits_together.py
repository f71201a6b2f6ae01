"""The hourly limits with eight processes that reserve at the same moment: exactly as many actions as allowed."""

from __future__ import annotations

import multiprocessing
from multiprocessing.synchronize import Barrier

import pytest
from django.conf import LazySettings
from django.db import connections, transaction

from portal.estate import seed
from portal.estate.models import Category
from portal.kit.refusals import Refused
from remediation.policy import seed as policy_seed
from remediation.policy import services as policies
from remediation.policy.models import CategoryPolicy, Reservation
from remediation.review.testing import AT

WORKERS = 8
ALONE = multiprocessing.get_context("fork")


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize(("everywhere", "here"), [(5, None), (100, 3)], ids=["of the site", "of the policy"])
def test_eight_workers_reserve_exactly_what_is_allowed(
    settings: LazySettings, everywhere: int, here: int | None
) -> None:
    settings.AUTO_REMEDIATION_MAX_ACTIONS_PER_HOUR = everywhere
    seed.load_categories()
    policy_seed.load(AT)
    CategoryPolicy.objects.update(max_actions_per_hour=here)
    connections.close_all()
    together = ALONE.Barrier(WORKERS)
    workers = [ALONE.Process(target=_work, args=(number, together)) for number in range(1, WORKERS + 1)]
    for each in workers:
        each.start()
    for each in workers:
        each.join(timeout=60)
    assert [each.exitcode for each in workers] == [0] * WORKERS
    assert Reservation.objects.count() == min(everywhere, here or everywhere)


def _work(number: int, together: Barrier) -> None:
    """Two runs of one action each, in a process of its own: more in all than any limit here allows."""
    category = Category.objects.get(slug="cache")
    together.wait(timeout=60)
    for run_id in (number, number + WORKERS):
        try:
            with transaction.atomic():
                policies.reserve(category=category, run_id=run_id, step_numbers=[1], at=AT)
        except Refused:
            pass
    connections.close_all()
