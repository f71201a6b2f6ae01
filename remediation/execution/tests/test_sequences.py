"""No sequence of people, clocks, deliveries and crashes writes unsigned or twice, or ends where nobody can go on."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test
from pytest_django import Settings

from portal.jobs import services as jobs
from portal.kit import canonical
from portal.kit.refusals import Refusal
from portal.signoff import brakes
from portal.signoff import services as signoffs
from portal.signoff.models import Plan, Stop
from portal.signoff.services import Ballot
from portal.signoff.states import PlanStatus, Stage
from remediation.connectors import seed
from remediation.connectors.testing import LabProcess
from remediation.drafting import schema
from remediation.drafting import services as remediations
from remediation.drafting.models import Drafter
from remediation.drafting.states import Status
from remediation.execution import advancing, driving, manual
from remediation.execution import services as runs
from remediation.execution.planning import Do
from remediation.execution.records import WORKERS
from remediation.execution.tests.fragile import Fuse
from remediation.execution.tests.sequences import STEPS, World
from remediation.policy.models import CategoryPolicy
from remediation.review import plans, testing
from remediation.review import services as reviews

pytestmark = pytest.mark.early
LONGER = int(os.environ.get("SEQUENCES", "1"))
"""`SEQUENCES=50 pytest .../test_sequences.py` tries so many times as many examples."""
BOUNDARIES = 9
"""More than any one move has."""
BY_WORKERS = ("go_on", "go_on", "go_on", "crash", "freeze", "late_write", "lose_the_lease", "replaced_goes_on")
AT_A_RUN = (
    *("ask_to_halt", "resume", "resume", "retry", "skip", "roll_back", "take_over", "give_up", "report", "report"),
    *("redeliver", "break_the_lab", "stop"),
)
AT_REVIEW = (
    *("draft_again", "deliver", "deliver", "edit", "prepare_again", "redraft", "withdraw", "reject", "sign", "sign"),
    *("sign_usually", "sign_usually", "pass_time", "freeze_the_estate", "switch", "start_by_hand"),
)
whos = st.sampled_from(["operator", "approver", "second approver", "reviewer", "engineer", "auditor"])
numbers = st.integers(0, BOUNDARIES)


class ByWorkers(World):
    """What workers and crashes do."""

    def go_on(self, who: str, number: int) -> None:
        """A worker takes the next job, or makes one move."""
        self.move(Fuse())

    def crash(self, who: str, number: int) -> None:
        """One move that ends at a boundary, if it has so many."""
        self.move(Fuse(number))

    def freeze(self, who: str, number: int) -> None:
        """The same, and a write that was about to be sent is sent when the worker thaws."""
        self.move(Fuse(number, freezes=True))

    def late_write(self, who: str, number: int) -> None:
        """A worker thaws that froze after it had asked for its lease."""
        if self.late:
            self.late.pop()()
            self.lab_is_as_seen = False

    def lose_the_lease(self, who: str, number: int) -> None:
        """The worker goes on and does not know that its job is given to another."""
        if self.worker:
            self.replaced.append(self.worker.shift)
            self.worker = None
            jobs.revive_lost("execution")

    def replaced_goes_on(self, who: str, number: int) -> None:
        """It may look, and writes only as long as nobody took the run over: its lease is asked for first."""
        if self.replaced:
            shift = self.replaced.pop()
            move = driving._next(shift)[0]
            if move.do is not Do.WAIT:
                driving._make(replace(shift, keeps_lease=lambda: False), move)

    def redeliver(self, who: str, number: int) -> None:
        """Every plan's start is delivered once more, and who looks for lost runs comes by."""
        for plan in Plan.objects.filter(stage=Stage.ROLLOUT):
            jobs.enqueue("execution.start", subject_id=plan.pk, key=f"plan:{plan.pk}", at=self.now)
        advancing.give_up_on_lost(at=self.now)

    def break_the_lab(self, who: str, number: int) -> None:
        """The next write goes wrong."""
        tool = ("create_vm_snapshot", "remove_vm_snapshot")[number % 2]
        self.lab.fault(tool, ("lies", "fails", "loses_connection")[number % 3])


class AtARun(World):
    """What people do to a run."""

    def resume(self, who: str, number: int) -> None:
        for run in self.runs:
            runs.resume(run.pk, **self.acting(who))

    def ask_to_halt(self, who: str, number: int) -> None:
        for run in self.runs:
            (runs.pause, runs.stop_after_step, runs.stop_now)[number % 3](run.pk, **self.acting(who))

    def retry(self, who: str, number: int) -> None:
        for run in self.runs:
            runs.retry(run.pk, number=1 + number % STEPS, reason="It was the disk.", **self.acting(who))

    def skip(self, who: str, number: int) -> None:
        """Ask that a step is left out, or sign that it is."""
        for run in self.runs:
            asked = Plan.objects.filter(stage=Stage.SKIP, status=PlanStatus.OPEN).last()
            if asked:
                ballot = Ballot(typed="INC-1", authenticated_at=self.now)
                runs.sign_skip(run.pk, digest=asked.digest, ballot=ballot, **self.acting(who))
            else:
                runs.ask_to_skip(run.pk, number=1 + number % STEPS, reason="Not needed.", **self.acting(who))

    def roll_back(self, who: str, number: int) -> None:
        for run in self.runs:
            runs.roll_back(run.pk, **self.acting(who))

    def take_over(self, who: str, number: int) -> None:
        for run in self.runs:
            runs.take_over(run.pk, **self.acting(who))

    def give_up(self, who: str, number: int) -> None:
        for run in self.runs:
            runs.give_up(run.pk, reason="Enough.", **self.acting(who))

    def report(self, who: str, number: int) -> None:
        """Whoever has the run in hand says what they saw."""
        for run in self.runs:
            waits_for = manual.awaited(run, plans.read(run.plan.content), at=self.now) if run.held_by else None
            if waits_for and run.held_by:
                said = ("yes", "yes", "yes", "no", "not_run")[number % 5]
                told = runs.Report(*waits_for, said, "seen", "as before")  # type: ignore[arg-type]
                runs.report(run.pk, fence=run.fence, told=told, person=run.held_by, door="page", at=self.now)

    def stop(self, who: str, number: int) -> None:
        """Engage the emergency stop, or release it."""
        stop = Stop.objects.filter(released_at=None).first()
        if stop:
            brakes.release(stop.pk, **self.acting(who))
        else:
            brakes.engage(scope="all", reason="Smoke.", **self.acting(who))


class AtReview(World):
    """What people, clocks and queues do to a draft and its plans."""

    def draft_again(self, who: str, number: int) -> None:
        """The drafter answers, if it was asked."""
        remediation = self.remediation
        if remediation.status == Status.DRAFTING:
            with transaction.atomic():
                remediations.add_revision(
                    remediations.locked(remediation.pk),
                    draft=schema.parse(self.draft()),
                    drafter=Drafter.RUNBOOK,
                    author=None,
                    base=remediations.head(remediation),
                    actor=WORKERS,
                    at=self.now,
                )

    def deliver(self, who: str, number: int) -> None:
        """What waits in a queue is done."""
        self.deliver_all(("probe", "probe", "general")[number % 3])

    def edit(self, who: str, number: int) -> None:
        """Who edits becomes a maker."""
        head = remediations.head(self.remediation)
        base = head.digest if head else ""
        reviews.revise(self.remediation.pk, draft=self.draft(), base_digest=base, **self.acting(who))
        self.makers.add(self.cast[who].pk)

    def prepare_again(self, who: str, number: int) -> None:
        reviews.prepare_again(self.remediation.pk, **self.acting(who))

    def redraft(self, who: str, number: int) -> None:
        remediations.redraft(self.remediation.pk, **self.acting(who))

    def reject(self, who: str, number: int) -> None:
        reviews.reject(self.remediation.pk, reason="other", comment="No.", **self.acting(who))

    def withdraw(self, who: str, number: int) -> None:
        """Who withdraws has not signed."""
        reviews.withdraw(self.remediation.pk, reason="Second thoughts.", **self.acting(who))
        for signers in self.votes.values():
            signers.discard(self.cast[who].pk)

    def sign(self, who: str, number: int) -> None:
        """Somebody signs the newest plan of a stage; one in five names a text that is not the plan's."""
        stage = (Stage.MERGE, Stage.ROLLOUT)[number % 2]
        plan = Plan.objects.filter(subject_id=self.remediation.pk, stage=stage).last()
        if plan:
            self.sign_as(who, plan, plan.digest if number < BOUNDARIES - 1 else canonical.digest_of("another text"))

    def sign_usually(self, who: str = "", number: int = 0) -> None:
        self.sign_both()

    def pass_time(self, who: str, number: int) -> None:
        """The clock moves, and what expired is swept."""
        self.now += timedelta(hours=30 if number == BOUNDARIES else 1)
        signoffs.sweep(at=self.now)

    def freeze_the_estate(self, who: str, number: int) -> None:
        """Freeze for two hours, or end the freeze."""
        frozen, admin = brakes.freezes(at=self.now), self.acting("policy admin")
        if frozen:
            brakes.end_freeze(frozen[0].pk, **admin)
        else:
            until = self.now + timedelta(hours=2)
            brakes.freeze(category=None, reason="Release.", starts_at=self.now, ends_at=until, **admin)

    def switch(self, who: str, number: int) -> None:
        """Workers are switched off, or on again."""
        settings.AUTO_REMEDIATION_ENABLED = "false" if settings.AUTO_REMEDIATION_ENABLED == "lab" else "lab"

    def start_by_hand(self, who: str, number: int) -> None:
        plan = Plan.objects.filter(subject_id=self.remediation.pk, status=PlanStatus.SIGNED).last()
        if plan:
            runs.start_by_hand(self.remediation.pk, digest=plan.digest, **self.acting(who))


class Crashes(ByWorkers, AtARun):
    """Runs that have begun."""

    starts: ClassVar = ("begun",)

    @rule(deed=st.sampled_from(BY_WORKERS * 2 + AT_A_RUN), who=whos, number=numbers)
    def happens(self, deed: str, who: str, number: int) -> None:
        """One thing, if it may happen now."""
        with suppress(Refusal):
            getattr(self, deed)(who, number)


class Everything(ByWorkers, AtARun, AtReview):
    """All of it, from the draft on."""

    starts: ClassVar = ("signed", "prepared", "drafted")

    @rule(deed=st.sampled_from(AT_REVIEW + BY_WORKERS * 2 + AT_A_RUN), who=whos, number=numbers)
    def happens(self, deed: str, who: str, number: int) -> None:
        """One thing, if it may happen now."""
        with suppress(Refusal):
            getattr(self, deed)(who, number)


@pytest.mark.django_db
@pytest.mark.parametrize(("machine", "examples"), [(Crashes, 8), (Everything, 6)])
def test_no_sequence_writes_unsigned_or_twice_or_ends_without_a_way_out(
    machine: type[World], examples: int, workers: LabProcess, settings: Settings
) -> None:
    settings.RUN_SETTLE_SECONDS = 0.0
    settings.AUTO_REMEDIATION_MAX_ACTIONS_PER_HOUR = 30_000
    testing.world()
    CategoryPolicy.objects.update(max_actions_per_hour=30_000)
    machine.cast, machine.lab = testing.people(), workers
    seed.load(timezone.now())
    effort = hypothesis_settings(
        max_examples=examples * LONGER, stateful_step_count=30, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine, settings=effort)
