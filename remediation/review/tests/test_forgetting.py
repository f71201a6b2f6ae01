"""Sheets that nobody signed go by the clock, under the rights of the cluster that keeps house."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

from django.utils import timezone

from portal.jobs import services as jobs
from portal.jobs.testing import drain
from portal.signoff.testing import open_plan, person
from remediation.review import sheets
from remediation.review.models import Sheet


def test_old_sheets_that_nobody_signed_are_gone_by_the_next_day(
    committed_db: str, running_as: Callable[[str], AbstractContextManager[None]]
) -> None:
    now = timezone.now()
    erin = person("erin")
    closed = open_plan(erin)
    sheets.keep(closed, "of a closed plan", kind=Sheet.Kind.PAGE, at=now - timedelta(days=31))
    sheets.keep(closed, "of a closed plan, shown lately", kind=Sheet.Kind.PAGE, at=now - timedelta(days=29))
    waiting = open_plan(erin, text="something else")  # takes the place of the first one
    sheets.keep(waiting, "of a plan that waits", kind=Sheet.Kind.PAGE, at=now - timedelta(days=31))
    with running_as("general"):
        jobs.enqueue("review.forget_sheets", at=now)
        assert "review.forget_sheets: forgot 1 sheets" in drain("general")
    assert set(Sheet.objects.values_list("text", flat=True)) == {
        "of a closed plan, shown lately",
        "of a plan that waits",
    }
