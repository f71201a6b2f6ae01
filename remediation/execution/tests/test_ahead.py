"""A run that was approved for a time of its own: workers wait for it, and do not start after it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.audit.models import Event
from portal.jobs.models import Job
from portal.jobs.testing import drain
from portal.kit.refusals import Refused
from portal.signoff.states import PlanStatus
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.execution import claiming
from remediation.execution import services as runs
from remediation.execution.models import Run
from remediation.execution.testing import SECONDARY, Signed, draft, scaling, signed

pytestmark = pytest.mark.django_db
ONE_STEP = draft(scaling(SECONDARY, 2, 6), systems=(first_day.SECONDARY,))
NOW = timezone.now().replace(microsecond=0)
FROM, UNTIL = NOW + timedelta(hours=3), NOW + timedelta(hours=5)


@pytest.fixture
def tonight(workers: LabProcess) -> Signed:
    """Signed for both stages, the rollout for a time to come."""
    return signed(ONE_STEP, ahead=(FROM, UNTIL))


def test_workers_wait_for_the_time_and_start_in_it(tonight: Signed, workers: LabProcess) -> None:
    answer = drain("execution")[0]
    assert "It was approved for" in answer
    assert Job.objects.filter(kind="execution.start").latest("id").due_at == FROM
    assert drain("execution") == []
    assert Event.objects.filter(kind="run.held").count() == 1
    assert not Run.objects.exists()
    assert claiming.start(tonight.plan.pk, tries=1, at=FROM).startswith("Claimed as")
    assert Run.objects.get().plan == tonight.plan


def test_a_time_that_passed_takes_it_back_to_review(tonight: Signed, workers: LabProcess) -> None:
    assert "Back in review: It was approved for" in claiming.start(tonight.plan.pk, tries=1, at=UNTIL)
    tonight.plan.refresh_from_db()
    assert (tonight.plan.status, tonight.remediation.status) == (PlanStatus.VOID, "in_review")
    assert not Run.objects.exists()


def test_nobody_starts_it_by_hand_before_its_time_either(tonight: Signed) -> None:
    with pytest.raises(Refused, match="It was approved for"):
        runs.start_by_hand(
            tonight.remediation.pk, digest=tonight.plan.digest, person=tonight.operator, door="page", at=NOW
        )
