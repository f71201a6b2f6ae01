"""The bench measures what it says: goals, the rows three reviewers may see, and nothing but its own installation."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable

import psutil
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.db.models import Count
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from portal.access.testing import person
from portal.dashboard import seeds
from portal.dashboard.bench import history, paging, rows
from portal.jobs.testing import drain, eventually
from portal.kit.figures import Figure
from portal.signoff import reminding
from portal.signoff.models import Plan
from remediation.connectors.lab import first_day
from remediation.connectors.testing import LabProcess
from remediation.desk import reads
from remediation.desk.reads import Filters
from remediation.drafting.models import Remediation
from remediation.execution import advancing
from remediation.execution.models import Run, StepRun
from remediation.execution.testing import SECONDARY, draft, scaling, signed
from remediation.policy import bench as policy
from remediation.tickets.models import Ticket

COUNT = 1_200


@pytest.mark.parametrize(
    ("figure", "goal", "is_met"),
    [
        (Figure("x", 5.0, "ms", at_most=5), "<= 5", True),
        (Figure("x", 5.1, "ms", at_most=5), "<= 5", False),
        (Figure("x", 250.0, "/s", at_least=250), ">= 250", True),
        (Figure("x", 249.0, "/s", at_least=250), ">= 250", False),
        (Figure("x", 1.0, "MB"), "", None),
    ],
)
def test_a_figure_knows_whether_it_reaches_its_goal(figure: Figure, goal: str, is_met: bool | None) -> None:  # noqa: FBT001
    assert (figure.goal, figure.is_met) == (goal, is_met)


def test_tickets_of_others_are_in_the_way(committed_db: str) -> None:
    seeds.load(timezone.now())
    opener = person("opener")
    rows.fill(120, opener)
    rows.refuse_others()
    Ticket.objects.filter(key="BENCH-7").update(key="INC-7")
    with pytest.raises(rows.SomebodyElses, match="INC-7"):
        rows.refuse_others()


def test_what_the_three_reviewers_may_see_lies_where_it_is_said_to_lie(committed_db: str) -> None:
    seeds.load(timezone.now())
    readers = {reader.where: reader.person for reader in rows.readers()}
    rows.fill(COUNT, person("opener"))
    seen = {where: reads.tickets(who, Filters(), size=200).items for where, who in readers.items()}
    numbers = {where: [int(ticket.key.removeprefix("BENCH-")) for ticket in items] for where, items in seen.items()}
    assert Ticket.objects.count() == Remediation.objects.count() == COUNT
    assert max(numbers["old"]) <= COUNT / 20
    assert len(numbers["rare"]) == rows.RARE_ROWS
    assert max(numbers["spread evenly"]) > COUNT * 0.95
    assert len(numbers["spread evenly"]) == 200
    assert len(reads.queue(readers["rare"], Filters()).items) == reads.PAGE


def test_filling_again_leaves_exactly_the_new_rows(committed_db: str) -> None:
    seeds.load(timezone.now())
    opener = person("opener")
    rows.fill(COUNT, opener)
    rows.fill(120, opener)
    assert Ticket.objects.count() == 120
    rows.empty()
    assert not Ticket.objects.exists()


def test_a_long_past_is_over_and_in_nobodys_way(committed_db: str) -> None:
    seeds.load(timezone.now())
    opener = person("opener")
    history.fill(opener, count=40)
    ends = dict(Run.objects.values_list("status").annotate(Count("pk")).order_by())
    assert ends == {"succeeded": 36, "rolled_back": 4}
    assert StepRun.objects.filter(status="verified").count() == 36 * history.STEPS
    assert not reads.queue(opener, Filters()).items
    with pytest.raises(IntegrityError, match="a plan begins open"):
        _copy_of_a_plan()
    history.fill(opener, count=10)
    assert Run.objects.count() == 10


@pytest.mark.parametrize(
    ("look", "indexes"),
    [
        (advancing.give_up_on_lost, ["execution_run_moving"]),
        (reminding.remind, ["signoff_plan_may_expire", "one_live_plan_per_stage"]),
    ],
)
def test_what_comes_by_the_minute_looks_only_among_what_has_not_ended(
    committed_db: str, look: Callable[..., int], indexes: list[str]
) -> None:
    """Also if the server plans the statement once for every moment that it may be asked for."""
    seeds.load(timezone.now())
    history.fill(person("opener"), count=2000)
    with CaptureQueriesContext(connection) as sent:
        assert look(at=timezone.now()) == 0
    (asked,) = sent.captured_queries
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (GENERIC_PLAN) {asked['sql'].replace('%s', '$1')}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert any(index in plan for index in indexes)


def _copy_of_a_plan() -> None:
    """What the database refuses again once the past is made."""
    plan = Plan.objects.filter(stage="rollout").latest("pk")
    plan.pk, plan.subject_id = None, 0
    plan.save(force_insert=True)


def test_a_run_of_thousands_of_steps_is_made_and_its_page_shows_the_middle(
    committed_db: str, lab: LabProcess, settings: Settings, client: Client
) -> None:
    settings.AUTO_REMEDIATION_ENABLED = "lab"
    made = signed(draft(scaling(SECONDARY, 2, 6), systems=(first_day.SECONDARY,)))
    drain("execution")
    paging.make_long(made.run, "BENCH-LONG")
    client.force_login(made.operator)
    page = client.get("/tickets/BENCH-LONG/run").content.decode()
    assert f"{paging.DONE} of {paging.STEPS} steps" in page
    assert f"step-{paging.DONE + 1}" in page


def test_the_decision_is_measured_without_a_database() -> None:
    assert policy.measure().value > 0


def test_outside_an_installation_it_measures_nothing_and_says_how() -> None:
    with pytest.raises(CommandError, match="make bench"):
        call_command("bench")


def test_who_was_made_to_stand_still_goes_on_when_the_bench_is_killed() -> None:
    holding = (
        "import os, signal, sys\n"
        "from portal.dashboard.bench import waking\n"
        "with waking.in_any_case([int(sys.argv[1])]):\n"
        "    os.kill(int(sys.argv[1]), signal.SIGSTOP)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with subprocess.Popen(["sleep", "600"]) as still:
        try:
            bench = subprocess.run([sys.executable, "-c", holding, str(still.pid)], cwd=settings.BASE_DIR, check=False)
            assert bench.returncode == -signal.SIGKILL
            eventually(lambda: psutil.Process(still.pid).status() != psutil.STATUS_STOPPED)
        finally:
            still.kill()
