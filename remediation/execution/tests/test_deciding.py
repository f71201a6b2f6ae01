"""What comes next is decided by one or two steps: the same as if all of them had been read, however many there are."""

from __future__ import annotations

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.kit.testing.queries import statements
from remediation.connectors import identities
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.execution import claiming, deciding, records
from remediation.execution.models import StepRun
from remediation.execution.planning import StepView, next_move
from remediation.execution.states import Asked, RunStatus, StepStatus
from remediation.execution.testing import Signed, draft, operation, signed
from remediation.execution.tests.fragile import taken_back

pytestmark = pytest.mark.django_db

S = StepStatus
VM = {"vcenter": first_day.VCENTER, "vm": "app-07"}
STEPS = 5
EITHER = frozenset({S.PENDING, S.PREFLIGHT, S.FAILED})
"""Steps in these may have been intended or not; in all others there was an intent, but in a skipped one."""


@pytest.fixture
def made(workers: LabProcess) -> Signed:
    """A claimed run of five steps."""
    steps = [operation("snapshot_vm", f"Snapshot {n}", {**VM, "snapshot": f"s{n}"}) for n in range(STEPS)]
    made = signed(
        draft(*steps, systems=(identities.vm(*VM.values()),)), category_slug="virtualization", service_slug=None
    )
    claiming.start(made.plan.pk, tries=0, at=timezone.now())
    return made


def view(number: int, status: StepStatus, *, was_intended: bool) -> StepView:
    touched = was_intended if status in EITHER else status is not S.SKIPPED
    return StepView(number, status, touched, is_reversible=True)


def test_the_next_move_is_the_same_as_with_all_steps_at_hand(made: Signed) -> None:
    run = made.run
    content = records.content_of(run)
    one = st.tuples(st.sampled_from(sorted(S)), st.booleans())

    @settings(max_examples=150)
    @given(
        st.lists(one, min_size=1, max_size=STEPS),
        st.sampled_from([RunStatus.RUNNING, RunStatus.ROLLING_BACK, RunStatus.PAUSED]),
        st.sampled_from([None, *Asked]),
    )
    def same(drawn: list[tuple[StepStatus, bool]], status: RunStatus, asked: Asked | None) -> None:
        every = [view(n, step, was_intended=intended) for n, (step, intended) in enumerate(drawn, start=1)]
        run.status = status
        with taken_back():
            _put(made, every)
            found = deciding.steps(run, content)
        assert next_move(status, found, asked) == next_move(status, every, asked)

    same()


def test_a_long_run_asks_for_as_little_as_a_short_one(made: Signed) -> None:
    run, content = made.run, records.content_of(made.run)
    with statements() as asked:
        found = deciding.steps(run, content)
    assert [step.number for step in found] == [1]
    assert len(asked) == 1


def _put(made: Signed, steps: list[StepView]) -> None:
    """The run's rows as if they had come to this."""
    at, rows = timezone.now(), StepRun.objects.filter(run=made.run)
    rows.delete()
    StepRun.objects.bulk_create(
        StepRun(
            run=made.run,
            number=step.number,
            status=step.status,
            status_at=at,
            idempotency_key=f"key-{step.number}",
            intended_at=at if step.may_have_changed else None,
        )
        for step in steps
    )
